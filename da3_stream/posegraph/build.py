"""Assembly of the optimisation problem: the measurements of a graph as arrays of factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import PoseGraphError
from ..geometry import Sim3Array
from .factors import Array, EdgeFactors, Factors, GravityFactors, Indices, PoseFactors, PositionFactors, ScaleFactors
from .measurements import Direction, Edge, KnownPose, Node, ObservedScale, Position
from .problem import Problem

DEFAULT_LENGTH = 0.02  # of the median edge
DEFAULT_ANGLE = 0.01  # rad
DEFAULT_LOG_SCALE = 0.05


@dataclass(frozen=True, eq=False)
class Measurements:
    """The measurements of a graph in the order of addition, and its nodes in the order of first appearance."""

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
        """Add an edge, and its nodes where they are new."""
        self._register(edge.a)
        self._register(edge.b)
        self.edges.append(edge)

    def add_scale(self, scale: ObservedScale) -> None:
        """Add a scale observation, and its node where it is new."""
        self._register(scale.node)
        self.scales.append(scale)

    def add_direction(self, direction: Direction) -> None:
        """Add a direction of the world measured in a node, and the node where it is new."""
        self._register(direction.node)
        self.directions.append(direction)

    def add_position(self, position: Position) -> None:
        """Add a point of a node with its position in the world, and the node where it is new."""
        self._register(position.node)
        self.positions.append(position)

    def add_pose(self, pose: KnownPose) -> None:
        """Add a known transform of a node, and the node where it is new."""
        self._register(pose.node)
        self.poses.append(pose)

    def edge_nodes(self) -> Indices:
        """The solver's numbers [E,2] of the nodes a and b of the edges."""
        return np.array([(self.index[edge.a], self.index[edge.b]) for edge in self.edges], np.int64).reshape(-1, 2)

    def size(self) -> tuple[int, ...]:
        """The number of edges, scale observations, directions, positions and known poses."""
        return tuple(len(k) for k in (self.edges, self.scales, self.directions, self.positions, self.poses))

    def _register(self, node: Node) -> None:
        self.index.setdefault(node, len(self.index))


def build(measurements: Measurements, hold_scale: bool) -> Problem:
    """The problem of these measurements; PoseGraphError names a node that no edge reaches."""
    nodes = measurements.edge_nodes()
    _require_connected(nodes, list(measurements.index))
    information = edge_information(measurements.edges)
    edges = EdgeFactors(nodes, Sim3Array.stack([edge.a_from_b for edge in measurements.edges]).inverse(), information)
    loop = np.array([edge.loop for edge in measurements.edges], bool)
    return Problem.of(edges, loop, _other_factors(measurements), _free_components(measurements, hold_scale))


def edge_information(edges: Sequence[Edge]) -> Array:
    """Information [E,7,7] of the edges, the default where none was given.

    The default sigmas are 2 % of the median length of the edges that are no loops, 0.01 rad and 0.05 of log-scale.
    """
    default = _default_information(edges)
    return np.array([default if edge.information is None else edge.information for edge in edges]).reshape(-1, 7, 7)


def joining_loops(nodes: Indices, loop: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Mask [E] of the loops between components that only loops connect."""
    parts = _components(nodes[~loop], count)
    return loop & (parts[nodes[:, 0]] != parts[nodes[:, 1]])


def median_length(edges: Sequence[Edge]) -> float:
    """Median length of the edges that are no loops, of all edges if there are only loops; 1 if all are zero."""
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


def _free_components(measurements: Measurements, hold_scale: bool) -> NDArray[np.bool_]:
    """Mask [N,7] of the free components of the nodes: of the origin, only those that other factors determine."""
    count, common = len(measurements.index), any(scale.relative for scale in measurements.scales)
    free = np.ones((count + common, 7), bool)
    free[0] = bool(measurements.positions or measurements.poses)
    free[0, 3:6] |= bool(measurements.directions)
    free[0, 6] |= any(not scale.relative for scale in measurements.scales)
    free[:count, 6] &= not hold_scale
    if common:
        free[count] = [False] * 6 + [True]
    return free


def _other_factors(measurements: Measurements) -> list[Factors]:
    """The groups of factors other than edges, without empty ones."""
    index = measurements.index
    absolute = [scale for scale in measurements.scales if not scale.relative]
    relative = [scale for scale in measurements.scales if scale.relative]
    groups: list[Factors] = []
    if absolute:
        groups.append(_scale_factors(absolute, _node_indices(absolute, index)))
    if relative:
        nodes = _node_indices(relative, index)
        groups.append(_scale_factors(relative, np.hstack([nodes, np.full_like(nodes, len(index))])))
    if measurements.directions:
        groups.append(_gravity_factors(measurements.directions, index))
    if measurements.positions:
        groups.append(_position_factors(measurements.positions, index))
    if measurements.poses:
        groups.append(_pose_factors(measurements.poses, index))
    return groups


def _node_indices(
    observed: Sequence[ObservedScale] | Sequence[Direction] | Sequence[Position] | Sequence[KnownPose],
    index: Mapping[Node, int],
) -> Indices:
    return np.array([[index[each.node]] for each in observed], np.int64)


def _scale_factors(observed: Sequence[ObservedScale], nodes: Indices) -> ScaleFactors:
    information = np.array([[[1 / scale.sigma**2]] for scale in observed])
    return ScaleFactors(nodes, np.array([scale.log_scale for scale in observed]), information)


def _gravity_factors(observed: Sequence[Direction], index: Mapping[Node, int]) -> GravityFactors:
    return GravityFactors(
        _node_indices(observed, index),
        np.array([d.in_node for d in observed]),
        np.array([d.in_world for d in observed]),
        np.array([np.eye(3) / d.sigma**2 for d in observed]),
    )


def _position_factors(observed: Sequence[Position], index: Mapping[Node, int]) -> PositionFactors:
    return PositionFactors(
        _node_indices(observed, index),
        np.array([p.in_node for p in observed]),
        np.array([p.in_world for p in observed]),
        np.array([p.information for p in observed]),
    )


def _pose_factors(observed: Sequence[KnownPose], index: Mapping[Node, int]) -> PoseFactors:
    node_from_world = Sim3Array.stack([pose.world_from_node for pose in observed]).inverse()
    return PoseFactors(_node_indices(observed, index), node_from_world, np.array([p.information for p in observed]))


def _require_connected(nodes: Indices, names: Sequence[Node]) -> None:
    parts = _components(nodes, len(names))
    unreached = np.flatnonzero(parts != parts[0])
    if len(unreached):
        more = f" (nor {len(unreached) - 1} others)" if len(unreached) > 1 else ""
        raise PoseGraphError(
            f"no edge reaches node {names[unreached[0]]} from node {names[0]}{more}: "
            "add one, or give that part a graph of its own"
        )


def _components(nodes: Indices, count: int) -> Indices:
    graph = sparse.coo_array((np.ones(len(nodes)), (nodes[:, 0], nodes[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)
