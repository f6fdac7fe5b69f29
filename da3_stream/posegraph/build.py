"""From what was added to a graph to the solver's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import PoseGraphError
from ..types import ScaleObservation
from . import group
from .factors import EdgeFactors, Factors, GravityFactors, PoseFactors, PositionFactors, ScaleFactors
from .group import Array
from .measurements import Direction, Edge, KnownPose, Position
from .problem import Problem

DEFAULT_LENGTH = 0.02  # of the median edge
DEFAULT_ANGLE = 0.01  # rad
DEFAULT_LOG_SCALE = 0.05


@dataclass(frozen=True, eq=False)
class Measurements:
    """All that was added to a graph, in order."""

    edges: list[Edge] = field(default_factory=list)
    scales: list[ScaleObservation] = field(default_factory=list)
    directions: list[Direction] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    poses: list[KnownPose] = field(default_factory=list)

    def window_count(self) -> int:
        """How many windows there are, by the highest number; one without any."""
        named = [max(edge.a, edge.b) for edge in self.edges]
        for kind in (self.scales, self.directions, self.positions, self.poses):
            named += [each.submap for each in kind]
        return max(named, default=0) + 1

    def size(self) -> tuple[int, ...]:
        """How many of each kind there are."""
        return tuple(len(k) for k in (self.edges, self.scales, self.directions, self.positions, self.poses))


def build(measurements: Measurements, hold_scale: bool) -> Problem:
    """The problem of these measurements; PoseGraphError names a window that no edge reaches."""
    windows = measurements.window_count()
    nodes = np.array([(edge.a, edge.b) for edge in measurements.edges], np.int64).reshape(-1, 2)
    _check_reached(nodes, windows)
    information = edge_information(measurements.edges)
    edges = EdgeFactors(nodes, group.stack([edge.a_from_b for edge in measurements.edges]).Inv(), information)
    loop = np.array([edge.loop for edge in measurements.edges], bool)
    others = _others(measurements, windows)
    return Problem.of(edges, loop, others, _free(measurements, windows, hold_scale))


def edge_information(edges: Sequence[Edge]) -> Array:
    """Information [E,7,7] of the edges, the default where none was given.

    The default sigmas are 2 % of the median length of the edges that are no loops, 0.01 rad and 0.05 of log-scale.
    """
    default = _default_information(edges)
    return np.array([default if edge.information is None else edge.information for edge in edges]).reshape(-1, 7, 7)


def joining_loops(nodes: NDArray[np.int64], loop: NDArray[np.bool_], windows: int) -> NDArray[np.bool_]:
    """Of edges [E]: loops between parts that no other edge ties together."""
    parts = _components(nodes[~loop], windows)
    return loop & (parts[nodes[:, 0]] != parts[nodes[:, 1]])


def median_length(edges: Sequence[Edge]) -> float:
    """Median distance between windows with an edge that is no loop (of all without any); 1 where nothing moves."""
    chosen = [edge for edge in edges if not edge.loop] or edges
    lengths = np.array([np.linalg.norm(edge.a_from_b.translation) for edge in chosen])
    for candidates in (lengths, lengths[lengths > 0]):
        if len(candidates) and np.median(candidates) > 0:
            return float(np.median(candidates))
    return 1.0


def _default_information(edges: Sequence[Edge]) -> Array:
    length = DEFAULT_LENGTH * median_length(edges)
    sigmas = np.array([length] * 3 + [DEFAULT_ANGLE] * 3 + [DEFAULT_LOG_SCALE])
    return np.diag(1 / sigmas**2)


def _free(measurements: Measurements, windows: int, hold_scale: bool) -> NDArray[np.bool_]:
    """What may move [N,7]: window 0 only where the world is given by something other than itself."""
    common = any(not scale.absolute for scale in measurements.scales)
    free = np.ones((windows + common, 7), bool)
    free[0] = bool(measurements.positions or measurements.poses)
    free[0, 3:6] |= bool(measurements.directions)
    free[0, 6] |= any(scale.absolute for scale in measurements.scales)
    free[:windows, 6] &= not hold_scale
    if common:
        free[windows] = [False] * 6 + [True]
    return free


def _others(measurements: Measurements, windows: int) -> list[Factors]:
    """Every group but the edges, those without members left out."""
    absolute = [scale for scale in measurements.scales if scale.absolute]
    relative = [scale for scale in measurements.scales if not scale.absolute]
    groups: list[Factors] = []
    if absolute:
        groups.append(_scales(absolute, _windows(absolute)))
    if relative:
        nodes = _windows(relative)
        groups.append(_scales(relative, np.hstack([nodes, np.full_like(nodes, windows)])))
    if measurements.directions:
        groups.append(_gravity(measurements.directions))
    if measurements.positions:
        groups.append(_positions(measurements.positions))
    if measurements.poses:
        groups.append(_poses(measurements.poses))
    return groups


def _windows(
    found: Sequence[ScaleObservation] | Sequence[Direction] | Sequence[Position] | Sequence[KnownPose],
) -> NDArray[np.int64]:
    return np.array([[each.submap] for each in found], np.int64)


def _scales(found: Sequence[ScaleObservation], nodes: NDArray[np.int64]) -> ScaleFactors:
    information = np.array([[[1 / scale.sigma**2]] for scale in found])
    return ScaleFactors(nodes, np.array([scale.log_scale for scale in found]), information)


def _gravity(found: Sequence[Direction]) -> GravityFactors:
    information = np.array([np.eye(3) / direction.sigma**2 for direction in found])
    return GravityFactors(
        _windows(found), np.array([d.in_window for d in found]), np.array([d.in_world for d in found]), information
    )


def _positions(found: Sequence[Position]) -> PositionFactors:
    return PositionFactors(
        _windows(found),
        np.array([p.in_window for p in found]),
        np.array([p.in_world for p in found]),
        np.array([p.information for p in found]),
    )


def _poses(found: Sequence[KnownPose]) -> PoseFactors:
    known = group.stack([pose.world_from_window for pose in found])
    return PoseFactors(_windows(found), known.Inv(), np.array([pose.information for pose in found]))


def _check_reached(nodes: NDArray[np.int64], windows: int) -> None:
    parts = _components(nodes, windows)
    lost = np.flatnonzero(parts != parts[0])
    if len(lost):
        more = f" (nor {len(lost) - 1} others)" if len(lost) > 1 else ""
        raise PoseGraphError(
            f"no edge reaches window {lost[0]} from window 0{more}: add one, or give that part a graph of its own"
        )


def _components(nodes: NDArray[np.int64], windows: int) -> NDArray[np.int64]:
    graph = sparse.coo_array((np.ones(len(nodes)), (nodes[:, 0], nodes[:, 1])), shape=(windows, windows))
    return connected_components(graph, directed=False)[1].astype(np.int64)
