"""The pose graph of a run: what windows say of each other and of the world, and where they lie by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import Sim3
from ..types import ScaleObservation
from . import group
from .build import Measurements, build
from .gnc import Kept, Optimiser, Verdict, judge, judge_more
from .group import Batch
from .measurements import (
    Direction,
    KnownPose,
    Position,
    check_sigma,
    check_transform,
    check_window,
    checked_direction,
    checked_edge,
    checked_information,
    checked_vector,
)
from .problem import Problem
from .spanning_tree import chained


@dataclass(frozen=True, eq=False)
class GraphSolution:
    """Where the windows lie, which loops were not believed, and how the optimisation went.

    Costs are 1/2 sum r^T Omega r over the edges kept and all else that was observed: `initial_cost` at the start (the
    last solution with new windows chained to it, at first the chain alone), `final_cost` at the end. `iterations` are
    those of the last descent. `common_log_scale` is the unknown of relative scale observations, None without any.
    """

    world_from_window: list[Sim3]
    rejected: list[tuple[int, int]]
    converged: bool
    initial_cost: float
    final_cost: float
    iterations: int
    common_log_scale: float | None = None


Rejected = list[tuple[int, int]]
Figures = tuple[bool, float, float, int]  # converged, initial and final cost, iterations


@dataclass(frozen=True, eq=False)
class _Solved:
    """What the next solution starts from."""

    size: tuple[int, ...]
    state: list[Sim3]  # of the windows
    common: list[Sim3]  # of the common unknown, if there is one
    kept: Kept
    solution: GraphSolution

    @staticmethod
    def of(
        size: tuple[int, ...], state: list[Sim3], common: list[Sim3], kept: Kept, rejected: Rejected, run: Figures
    ) -> _Solved:
        """With the solution that follows."""
        log_scale = float(np.log(common[0].scale)) if common else None
        return _Solved(size, state, common, kept, GraphSolution(state, rejected, *run, log_scale))


class PoseGraph:
    """Windows 0, 1, 2, ... as Sim(3) nodes, window 0 at the origin; add what is known, solve, add more.

    With `hold_scale` all scales stay 1: a graph over SE(3), for windows that are metric. An edge's residual is
    log(a_from_b^-1 a_from_world world_from_b), in the order of `Sim3.log` and in the unit of length of window b. The
    world is window 0, unless something outside says otherwise: absolute log-scales move its scale, directions its
    rotation, positions and known poses all of it.
    """

    def __init__(self, hold_scale: bool = False) -> None:
        self._hold_scale = hold_scale
        self._measurements = Measurements()
        self._last: _Solved | None = None

    def add_edge(
        self, a: int, b: int, a_from_b: Sim3, information: ArrayLike | None = None, loop: bool = False
    ) -> None:
        """Window b lies in window a as `a_from_b`, with information [7,7] (without: 2 % of the median edge, 0.01 rad,
        0.05 log-scale); a loop may turn out to be false. PoseGraphError for what cannot be used."""
        self._measurements.edges.append(checked_edge(a, b, a_from_b, information, loop))

    def add_scale(self, window: int, log_scale: float, sigma: float, relative: bool = False) -> None:
        """The log-scale of world_from_window as it was observed; if relative, up to one unknown common to all such."""
        name = f"scale observation of window {window}"
        check_window(window, name)
        check_sigma(sigma, name)
        checked_vector([log_scale, 0, 0], name)
        self._measurements.scales.append(
            ScaleObservation(window, float(log_scale), float(sigma), "given", not relative)
        )

    def add_direction(self, window: int, in_window: ArrayLike, in_world: ArrayLike, sigma: float) -> None:
        """A direction [3] of the world (gravity: [0, 0, -1], say) as seen in a window [3]; sigma in radians."""
        name = f"direction of window {window}"
        check_window(window, name)
        check_sigma(sigma, name)
        found = Direction(window, checked_direction(in_window, name), checked_direction(in_world, name), float(sigma))
        self._measurements.directions.append(found)

    def add_position(self, window: int, in_window: ArrayLike, in_world: ArrayLike, information: ArrayLike) -> None:
        """A point [3] of a window (a camera's centre) lies at [3] in the world (GPS), with information [3,3]."""
        name = f"position of window {window}"
        check_window(window, name)
        matrix = checked_information(information, 3, name)
        found = Position(window, checked_vector(in_window, name), checked_vector(in_world, name), matrix)
        self._measurements.positions.append(found)

    def add_pose(self, window: int, world_from_window: Sim3, information: ArrayLike) -> None:
        """A window's transform is known, with information [7,7] of log(known^-1 truth)."""
        name = f"known pose of window {window}"
        check_window(window, name)
        check_transform(world_from_window, name)
        matrix = checked_information(information, 7, name)
        self._measurements.poses.append(KnownPose(window, world_from_window, matrix))

    def solve(self) -> GraphSolution:
        """The most likely transforms, from the last solution if there is one; at once if nothing was added since.

        Raises PoseGraphError for a window that no edge reaches. The loops kept are decided anew where a new one
        contradicts them. What does not lower the cost of the last solution on the edges kept is not taken.
        """
        size = self._measurements.size()
        if self._last is None or self._last.size != size:
            self._last = self._solved(size) if any(size) else _alone()
        return self._last.solution

    def state(self) -> dict[str, Any]:
        """The last solution, for `restore`: numbers and arrays; empty without one."""
        last = self._last
        if last is None:
            return {}
        found = last.solution
        return {
            "size": last.size,
            "state": np.array([place.numbers() for place in last.state]),
            "common": [place.numbers() for place in last.common],
            "kept": last.kept,
            "rejected": found.rejected,
            "figures": [found.converged, found.initial_cost, found.final_cost, found.iterations],
        }

    def restore(self, state: dict[str, Any]) -> GraphSolution | None:
        """Go on from a state, once all that it was solved with was added again; the solution of then."""
        if not state:
            return None
        world, common = ([Sim3.from_numbers(row) for row in state[name]] for name in ("state", "common"))
        converged, initial, final, iterations = state["figures"]
        rejected = [(int(a), int(b)) for a, b in state["rejected"]]
        run = (bool(converged), initial, final, int(iterations))
        self._last = _Solved.of(tuple(state["size"]), world, common, state["kept"], rejected, run)
        return self._last.solution

    def _solved(self, size: tuple[int, ...]) -> _Solved:
        problem = build(self._measurements, self._hold_scale)
        optimiser = Optimiser.of(problem)
        warm = self._warm(problem)
        if self._last is None:
            verdict = judge(optimiser, warm)
        else:
            fresh = np.ones(len(problem.loop) - len(self._last.kept), bool)
            verdict = judge_more(optimiser, np.concatenate([self._last.kept, fresh]), len(self._last.kept), warm)
        initial_cost = optimiser.cost(verdict.kept, warm)
        return self._remembered(size, problem, verdict, initial_cost)

    def _warm(self, problem: Problem) -> Batch:
        """The last state, new windows chained to it."""
        windows = self._measurements.window_count()
        known = self._last.state if self._last else [Sim3.identity()]
        common = self._last.common if self._last else []
        placed = chained(known, self._measurements.edges, windows)
        return group.stack([*placed, *(common or [Sim3.identity()])][: len(problem.free)])

    def _remembered(self, size: tuple[int, ...], problem: Problem, verdict: Verdict, initial_cost: float) -> _Solved:
        windows = self._measurements.window_count()
        state, common = _split(group.unstack(verdict.descent.state), windows)
        rejected = [(int(a), int(b)) for a, b in problem.edges.nodes[~verdict.kept]]
        descent = verdict.descent
        run = (descent.converged, initial_cost, descent.cost, descent.iterations)
        return _Solved.of(size, state, common, verdict.kept, rejected, run)


def _split(state: list[Sim3], windows: int) -> tuple[list[Sim3], list[Sim3]]:
    return state[:windows], state[windows:]


def _alone() -> _Solved:
    """A graph of nothing but window 0."""
    state = [Sim3.identity()]
    return _Solved((0, 0, 0, 0, 0), state, [], np.zeros(0, bool), GraphSolution(state, [], True, 0.0, 0.0, 0))
