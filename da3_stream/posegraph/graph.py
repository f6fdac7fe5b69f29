"""The pose graph of a run: what submaps say of each other and of the world, and where they lie by it."""

from __future__ import annotations

from collections.abc import KeysView
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import Sim3
from . import group
from .build import Measurements, build
from .gnc import InlierMask, LoopSelection, Optimiser, select_loops, select_more_loops
from .group import Batch
from .measurements import (
    Direction,
    KnownPose,
    Node,
    ObservedScale,
    Position,
    check_node,
    check_sigma,
    check_transform,
    checked_direction,
    checked_edge,
    checked_information,
    checked_vector,
)
from .problem import Problem
from .spanning_tree import initialize_spanning_tree


@dataclass(frozen=True, eq=False)
class GraphSolution:
    """Where the nodes lie, which loops were not believed, and how the optimisation went.

    The nodes are in the order in which the graph first heard of them. Costs are 1/2 sum r^T Omega r over the edges kept
    and all else that was observed: `initial_cost` at the start (the last solution with new nodes chained to it, at
    first the chain alone), `final_cost` at the end. `iterations` are those of the last descent. `common_log_scale` is
    the unknown of relative scale observations, None without any.
    """

    world_from_node: dict[Node, Sim3]
    rejected: list[tuple[Node, Node]]
    converged: bool
    initial_cost: float
    final_cost: float
    iterations: int
    common_log_scale: float | None = None


Figures = tuple[bool, float, float, int]  # converged, initial and final cost, iterations


@dataclass(frozen=True, eq=False)
class _Solved:
    """What the next solution starts from."""

    size: tuple[int, ...]
    state: list[Sim3]  # of the nodes, in their order
    common: list[Sim3]  # of the common unknown, if there is one
    kept: InlierMask
    figures: Figures

    def solution(self, measurements: Measurements) -> GraphSolution:
        """The same by the names of the nodes."""
        names, ends = list(measurements.index), measurements.edge_nodes()
        rejected = [(names[a], names[b]) for a, b in ends[np.flatnonzero(~self.kept)]]
        log_scale = float(np.log(self.common[0].scale)) if self.common else None
        world_from_node = dict(zip(names, self.state, strict=False))
        return GraphSolution(world_from_node, rejected, *self.figures, log_scale)


class PoseGraph:
    """Submaps as Sim(3) nodes, one of them at the origin; add what is known, solve, add more.

    With `hold_scale` all scales stay 1: a graph over SE(3), for submaps that are metric. An edge's residual is
    log(a_from_b^-1 a_from_world world_from_b), in the order of `Sim3.log` and in the unit of length of node b. The
    world is the node `origin`, unless something outside says otherwise: absolute log-scales move its scale, directions
    its rotation, positions and known poses all of it.
    """

    def __init__(self, origin: Node, hold_scale: bool = False) -> None:
        self._hold_scale = hold_scale
        self._measurements = Measurements(origin)
        self._last: _Solved | None = None
        self._solution: GraphSolution | None = None

    @property
    def nodes(self) -> KeysView[Node]:
        """All nodes that were named so far, in the order of their first appearance, the origin before all."""
        return self._measurements.index.keys()

    def add_edge(
        self, a: Node, b: Node, a_from_b: Sim3, information: ArrayLike | None = None, loop: bool = False
    ) -> None:
        """Node b lies in node a as `a_from_b`, with information [7,7] (without: 2 % of the median edge, 0.01 rad,
        0.05 log-scale); a loop may turn out to be false. PoseGraphError for what cannot be used."""
        self._measurements.add_edge(checked_edge(a, b, a_from_b, information, loop))

    def add_scale(self, node: Node, log_scale: float, sigma: float, relative: bool = False) -> None:
        """The log-scale of world_from_node as it was observed; if relative, up to one unknown common to all such."""
        name = f"scale observation of window {node}"
        check_node(node, name)
        check_sigma(sigma, name)
        checked_vector([log_scale, 0, 0], name)
        self._measurements.add_scale(ObservedScale(node, float(log_scale), float(sigma), relative))

    def add_direction(self, node: Node, in_node: ArrayLike, in_world: ArrayLike, sigma: float) -> None:
        """A direction [3] of the world (gravity: [0, 0, -1], say) as seen in a node [3]; sigma in radians."""
        name = f"direction of window {node}"
        check_node(node, name)
        check_sigma(sigma, name)
        units = checked_direction(in_node, name), checked_direction(in_world, name)
        self._measurements.add_direction(Direction(node, *units, float(sigma)))

    def add_position(self, node: Node, in_node: ArrayLike, in_world: ArrayLike, information: ArrayLike) -> None:
        """A point [3] of a node (a camera's centre) lies at [3] in the world (GPS), with information [3,3]."""
        name = f"position of window {node}"
        check_node(node, name)
        matrix = checked_information(information, 3, name)
        points = checked_vector(in_node, name), checked_vector(in_world, name)
        self._measurements.add_position(Position(node, *points, matrix))

    def add_pose(self, node: Node, world_from_node: Sim3, information: ArrayLike) -> None:
        """A node's transform is known, with information [7,7] of log(known^-1 truth)."""
        name = f"known pose of window {node}"
        check_node(node, name)
        check_transform(world_from_node, name)
        matrix = checked_information(information, 7, name)
        self._measurements.add_pose(KnownPose(node, world_from_node, matrix))

    def solve(self) -> GraphSolution:
        """The most likely transforms, from the last solution if there is one; at once if nothing was added since.

        Raises PoseGraphError for a node that no edge reaches. The loops kept are decided anew where a new one
        contradicts them. What does not lower the cost of the last solution on the edges kept is not taken.
        """
        size = self._measurements.size()
        if self._solution is None or self._last is None or self._last.size != size:
            return self._accept(self._solve(size) if any(size) else _origin_only())
        return self._solution

    def state(self) -> dict[str, Any]:
        """The last solution, for `restore`: numbers and arrays; empty without one."""
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
        """Go on from a state, once all that it was solved with was added again in that order; the solution of then."""
        if not state:
            return None
        world, common = ([Sim3.from_numbers(row) for row in state[name]] for name in ("state", "common"))
        converged, initial, final, iterations = state["figures"]
        figures = (bool(converged), initial, final, int(iterations))
        return self._accept(_Solved(tuple(state["size"]), world, common, state["kept"], figures))

    def _accept(self, solved: _Solved) -> GraphSolution:
        self._last = solved
        self._solution = solved.solution(self._measurements)
        return self._solution

    def _solve(self, size: tuple[int, ...]) -> _Solved:
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

    def _warm_start(self, problem: Problem) -> Batch:
        """The last state, new nodes chained to it."""
        known = self._last.state if self._last else [Sim3.identity()]
        common = self._last.common if self._last else []
        state = initialize_spanning_tree(known, self._measurements)
        return group.stack([*state, *(common or [Sim3.identity()])][: len(problem.free)])

    def _record(self, size: tuple[int, ...], selection: LoopSelection, initial_cost: float) -> _Solved:
        descent, count = selection.descent, len(self._measurements.index)
        state = group.unstack(descent.state)
        figures = (descent.converged, initial_cost, descent.cost, descent.iterations)
        return _Solved(size, state[:count], state[count:], selection.kept, figures)


def _origin_only() -> _Solved:
    """A graph of nothing but its origin."""
    return _Solved((0, 0, 0, 0, 0), [Sim3.identity()], [], np.zeros(0, bool), (True, 0.0, 0.0, 0))
