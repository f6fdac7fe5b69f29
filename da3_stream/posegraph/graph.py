"""The pose graph of a run: measurements between submaps and of the world, and the submaps' most likely transforms."""

from __future__ import annotations

from collections.abc import KeysView
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import Sim3, Sim3Array
from .build import Measurements, build
from .gnc import InlierMask, LoopSelection, Optimiser, select_loops, select_more_loops
from .measurements import (
    Direction,
    KnownPose,
    Node,
    ObservedScale,
    Position,
    unit_direction,
    validate_edge,
    validate_information,
    validate_node,
    validate_sigma,
    validate_transform,
    validate_vector,
)
from .problem import Problem
from .spanning_tree import initialize_spanning_tree


@dataclass(frozen=True, eq=False)
class GraphSolution:
    """The transforms of the nodes, the rejected loops, and the figures of the optimisation.

    The nodes are in the order of their first appearance. Costs are 1/2 sum r^T Omega r over the edges kept and all
    other factors: `initial_cost` at the start (the last solution, and new nodes placed along a spanning tree of the
    edges), `final_cost` at the end. `iterations` are those of the last descent. `common_log_scale` is the unknown of
    relative scale observations, None without any. `kept` [E] marks the edges that are not rejected, in the order in
    which they were added.
    """

    world_from_node: dict[Node, Sim3]
    rejected: list[tuple[Node, Node]]
    converged: bool
    initial_cost: float
    final_cost: float
    iterations: int
    common_log_scale: float | None = None
    kept: InlierMask = field(default_factory=lambda: np.zeros(0, bool))


Figures = tuple[bool, float, float, int]  # converged, initial and final cost, iterations


@dataclass(frozen=True, eq=False)
class _SolverResult:
    """A solution by the solver's numbers of nodes and edges: the start of the next one."""

    size: tuple[int, ...]
    state: list[Sim3]  # of the nodes, in their order
    common: list[Sim3]  # of the common unknown, if there is one
    kept: InlierMask
    figures: Figures

    def solution(self, measurements: Measurements) -> GraphSolution:
        """The solution by the names of the nodes."""
        names, ends = list(measurements.index), measurements.edge_nodes()
        rejected = [(names[a], names[b]) for a, b in ends[np.flatnonzero(~self.kept)]]
        log_scale = float(np.log(self.common[0].scale)) if self.common else None
        world_from_node = dict(zip(names, self.state, strict=False))
        return GraphSolution(world_from_node, rejected, *self.figures, log_scale, self.kept)


class PoseGraph:
    """Submaps as Sim(3) nodes, one of them the origin; measurements can be added between solutions.

    With `hold_scale` all scales stay 1: a graph over SE(3), for submaps that are metric. An edge's residual is
    log(a_from_b^-1 a_from_world world_from_b), in the order of `Sim3.log` and in the unit of length of node b. The
    world is the node `origin`; of its transform, the scale is free if there are absolute log-scales, the rotation if
    there are directions, and all of it if there are positions or known poses.
    """

    def __init__(self, origin: Node, hold_scale: bool = False) -> None:
        self._hold_scale = hold_scale
        self._measurements = Measurements(origin)
        self._last: _SolverResult | None = None
        self._solution: GraphSolution | None = None

    @property
    def nodes(self) -> KeysView[Node]:
        """All nodes in the order of their first appearance, the origin first."""
        return self._measurements.index.keys()

    def add_edge(
        self, a: Node, b: Node, a_from_b: Sim3, information: ArrayLike | None = None, loop: bool = False
    ) -> None:
        """Add an edge between nodes a and b; a loop may be rejected. PoseGraphError for invalid values.

        The default of `information` [7,7] has the sigmas 2 % of the median edge's length, 0.01 rad, 0.05 log-scale.
        """
        self._measurements.add_edge(validate_edge(a, b, a_from_b, information, loop))

    def add_scale(self, node: Node, log_scale: float, sigma: float, relative: bool = False) -> None:
        """Add an observed log-scale of world_from_node; relative ones share one unknown offset."""
        name = f"scale observation of node {node}"
        validate_node(node, name)
        validate_sigma(sigma, name)
        validate_vector([log_scale, 0, 0], name)
        self._measurements.add_scale(ObservedScale(node, float(log_scale), float(sigma), relative))

    def add_direction(self, node: Node, in_node: ArrayLike, in_world: ArrayLike, sigma: float) -> None:
        """Add a direction [3] of the world (gravity, for example) as measured in a node [3]; sigma in radians."""
        name = f"direction of node {node}"
        validate_node(node, name)
        validate_sigma(sigma, name)
        units = unit_direction(in_node, name), unit_direction(in_world, name)
        self._measurements.add_direction(Direction(node, *units, float(sigma)))

    def add_position(self, node: Node, in_node: ArrayLike, in_world: ArrayLike, information: ArrayLike) -> None:
        """Add the position [3] in the world (GPS) of a point [3] of a node (a camera's centre); information [3,3]."""
        name = f"position of node {node}"
        validate_node(node, name)
        matrix = validate_information(information, 3, name)
        points = validate_vector(in_node, name), validate_vector(in_world, name)
        self._measurements.add_position(Position(node, *points, matrix))

    def add_pose(self, node: Node, world_from_node: Sim3, information: ArrayLike) -> None:
        """Add a known transform of a node, with information [7,7] of log(known^-1 truth)."""
        name = f"known pose of node {node}"
        validate_node(node, name)
        validate_transform(world_from_node, name)
        matrix = validate_information(information, 7, name)
        self._measurements.add_pose(KnownPose(node, world_from_node, matrix))

    def solve(self) -> GraphSolution:
        """The most likely transforms; computed only if something was added since the last solution, and from it.

        Raises PoseGraphError for a node that no edge reaches. All loops are decided anew if a new one contradicts
        those kept. The start is the last solution or the linear one, whichever has the lower cost.
        """
        size = self._measurements.size()
        if self._solution is None or self._last is None or self._last.size != size:
            return self._accept(self._solve(size) if any(size) else _trivial_solution())
        return self._solution

    def state(self) -> dict[str, Any]:
        """The last solution as numbers and arrays, for `restore`; empty without one."""
        last = self._last
        if last is None:
            return {}
        return {
            "size": last.size,
            "state": np.array([transform.numbers() for transform in last.state]),
            "common": [transform.numbers() for transform in last.common],
            "kept": last.kept,
            "figures": list(last.figures),
        }

    def restore(self, state: dict[str, Any]) -> GraphSolution | None:
        """Restore the solution of a `state`, after the same measurements were added in the same order."""
        if not state:
            return None
        world, common = ([Sim3.from_numbers(row) for row in state[name]] for name in ("state", "common"))
        converged, initial, final, iterations = state["figures"]
        figures = (bool(converged), initial, final, int(iterations))
        return self._accept(_SolverResult(tuple(state["size"]), world, common, state["kept"], figures))

    def _accept(self, result: _SolverResult) -> GraphSolution:
        self._last = result
        self._solution = result.solution(self._measurements)
        return self._solution

    def _solve(self, size: tuple[int, ...]) -> _SolverResult:
        problem = build(self._measurements, self._hold_scale)
        optimiser = Optimiser.of(problem)
        warm = self._warm_start(problem)
        if self._last is None:
            selection = select_loops(optimiser, warm)
        else:
            fresh = np.ones(len(problem.loop) - len(self._last.kept), bool)
            selection = select_more_loops(
                optimiser, np.concatenate([self._last.kept, fresh]), len(self._last.kept), warm
            )
        initial_cost = optimiser.cost(selection.kept, warm)
        return self._record(size, selection, initial_cost)

    def _warm_start(self, problem: Problem) -> Sim3Array:
        """The last state, and new nodes placed along a spanning tree of the edges."""
        known = self._last.state if self._last else [Sim3.identity()]
        common = self._last.common if self._last else []
        state = initialize_spanning_tree(known, self._measurements)
        return Sim3Array.stack([*state, *(common or [Sim3.identity()])][: len(problem.free)])

    def _record(self, size: tuple[int, ...], selection: LoopSelection, initial_cost: float) -> _SolverResult:
        descent, count = selection.descent, len(self._measurements.index)
        state = descent.state.transforms()
        figures = (descent.converged, initial_cost, descent.cost, descent.iterations)
        return _SolverResult(size, state[:count], state[count:], selection.kept, figures)


def _trivial_solution() -> _SolverResult:
    """The solution of a graph without measurements: the origin alone."""
    return _SolverResult((0, 0, 0, 0, 0), [Sim3.identity()], [], np.zeros(0, bool), (True, 0.0, 0.0, 0))
