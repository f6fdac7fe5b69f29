"""From what was added to a graph to the solver's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import PoseGraphError
from . import group
from .factors import EdgeFactors, Factors, GravityFactors, Indices, PoseFactors, PositionFactors, ScaleFactors
from .group import Array
from .measurements import Direction, Edge, KnownPose, Node, ObservedScale, Position
from .problem import Problem

DEFAULT_LENGTH = 0.02  # of the median edge
DEFAULT_ANGLE = 0.01  # rad
DEFAULT_LOG_SCALE = 0.05


@dataclass(frozen=True, eq=False)
class Measurements:
    """All that was added to a graph, in order, and its nodes in the order of their first appearance."""

    origin: Node
    edges: list[Edge] = field(default_factory=list)
    scales: list[ObservedScale] = field(default_factory=list)
    directions: list[Direction] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    poses: list[KnownPose] = field(default_factory=list)
    index: dict[Node, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {self.origin: 0})

    def add_edge(self, edge: Edge) -> None:
        """Its nodes are counted where they are new."""
        self._count(edge.a)
        self._count(edge.b)
        self.edges.append(edge)

    def add_scale(self, scale: ObservedScale) -> None:
        """Its node is counted where it is new, as for all that follow."""
        self._count(scale.node)
        self.scales.append(scale)

    def add_direction(self, direction: Direction) -> None:
        """A direction of the world in a node."""
        self._count(direction.node)
        self.directions.append(direction)

    def add_position(self, position: Position) -> None:
        """A point of a node that is known in the world."""
        self._count(position.node)
        self.positions.append(position)

    def add_pose(self, pose: KnownPose) -> None:
        """A node that is known in the world."""
        self._count(pose.node)
        self.poses.append(pose)

    def edge_nodes(self) -> Indices:
        """The ends [E,2] of the edges, as the solver counts nodes."""
        return np.array([(self.index[edge.a], self.index[edge.b]) for edge in self.edges], np.int64).reshape(-1, 2)

    def size(self) -> tuple[int, ...]:
        """How many of each kind there are."""
        return tuple(len(k) for k in (self.edges, self.scales, self.directions, self.positions, self.poses))

    def _count(self, node: Node) -> None:
        self.index.setdefault(node, len(self.index))


def build(measurements: Measurements, hold_scale: bool) -> Problem:
    """The problem of these measurements; PoseGraphError names a node that no edge reaches."""
    nodes = measurements.edge_nodes()
    _check_reached(nodes, list(measurements.index))
    information = edge_information(measurements.edges)
    edges = EdgeFactors(nodes, group.stack([edge.a_from_b for edge in measurements.edges]).Inv(), information)
    loop = np.array([edge.loop for edge in measurements.edges], bool)
    return Problem.of(edges, loop, _others(measurements), _free(measurements, hold_scale))


def edge_information(edges: Sequence[Edge]) -> Array:
    """Information [E,7,7] of the edges, the default where none was given.

    The default sigmas are 2 % of the median length of the edges that are no loops, 0.01 rad and 0.05 of log-scale.
    """
    default = _default_information(edges)
    return np.array([default if edge.information is None else edge.information for edge in edges]).reshape(-1, 7, 7)


def joining_loops(nodes: Indices, loop: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Of edges [E]: loops between components that no other edge ties together."""
    parts = _components(nodes[~loop], count)
    return loop & (parts[nodes[:, 0]] != parts[nodes[:, 1]])


def median_length(edges: Sequence[Edge]) -> float:
    """Median distance between nodes with an edge that is no loop (of all without any); 1 where nothing moves."""
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


def _free(measurements: Measurements, hold_scale: bool) -> NDArray[np.bool_]:
    """What may move [N,7]: the origin only where the world is given by something other than itself."""
    count, common = len(measurements.index), any(scale.relative for scale in measurements.scales)
    free = np.ones((count + common, 7), bool)
    free[0] = bool(measurements.positions or measurements.poses)
    free[0, 3:6] |= bool(measurements.directions)
    free[0, 6] |= any(not scale.relative for scale in measurements.scales)
    free[:count, 6] &= not hold_scale
    if common:
        free[count] = [False] * 6 + [True]
    return free


def _others(measurements: Measurements) -> list[Factors]:
    """Every group but the edges, those without members left out."""
    index = measurements.index
    absolute = [scale for scale in measurements.scales if not scale.relative]
    relative = [scale for scale in measurements.scales if scale.relative]
    groups: list[Factors] = []
    if absolute:
        groups.append(_scales(absolute, _nodes(absolute, index)))
    if relative:
        nodes = _nodes(relative, index)
        groups.append(_scales(relative, np.hstack([nodes, np.full_like(nodes, len(index))])))
    if measurements.directions:
        groups.append(_gravity(measurements.directions, index))
    if measurements.positions:
        groups.append(_positions(measurements.positions, index))
    if measurements.poses:
        groups.append(_poses(measurements.poses, index))
    return groups


def _nodes(
    observed: Sequence[ObservedScale] | Sequence[Direction] | Sequence[Position] | Sequence[KnownPose],
    index: Mapping[Node, int],
) -> Indices:
    return np.array([[index[each.node]] for each in observed], np.int64)


def _scales(observed: Sequence[ObservedScale], nodes: Indices) -> ScaleFactors:
    information = np.array([[[1 / scale.sigma**2]] for scale in observed])
    return ScaleFactors(nodes, np.array([scale.log_scale for scale in observed]), information)


def _gravity(observed: Sequence[Direction], index: Mapping[Node, int]) -> GravityFactors:
    return GravityFactors(
        _nodes(observed, index),
        np.array([d.in_node for d in observed]),
        np.array([d.in_world for d in observed]),
        np.array([np.eye(3) / d.sigma**2 for d in observed]),
    )


def _positions(observed: Sequence[Position], index: Mapping[Node, int]) -> PositionFactors:
    return PositionFactors(
        _nodes(observed, index),
        np.array([p.in_node for p in observed]),
        np.array([p.in_world for p in observed]),
        np.array([p.information for p in observed]),
    )


def _poses(observed: Sequence[KnownPose], index: Mapping[Node, int]) -> PoseFactors:
    known = group.stack([pose.world_from_node for pose in observed])
    return PoseFactors(_nodes(observed, index), known.Inv(), np.array([pose.information for pose in observed]))


def _check_reached(nodes: Indices, names: Sequence[Node]) -> None:
    parts = _components(nodes, len(names))
    lost = np.flatnonzero(parts != parts[0])
    if len(lost):
        more = f" (nor {len(lost) - 1} others)" if len(lost) > 1 else ""
        raise PoseGraphError(
            f"no edge reaches window {names[lost[0]]} from window {names[0]}{more}: "
            "add one, or give that part a graph of its own"
        )


def _components(nodes: Indices, count: int) -> Indices:
    graph = sparse.coo_array((np.ones(len(nodes)), (nodes[:, 0], nodes[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)
