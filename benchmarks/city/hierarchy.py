"""The city's map by hierarchy: districts apart in processes, then the separators, cut by cut, then back down.

Gauss-Newton with the little damping of the project's own solver; factors serve for several steps. Every job (a
district, or one separator) reads what those below it told of their borders from files and leaves such a file itself:
what a cluster would send over its network.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.city.dissection import Part
from benchmarks.city.jobs import Job, JobFiles, cost_of, factor, go_down, go_up, work_on
from benchmarks.city.world import Array, City, Indices
from benchmarks.common import tell
from benchmarks.tables import Row
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.levenberg_marquardt import ABSOLUTE, FIRST_DAMPING

MORE_DAMPING = 100.0  # times, where a step did not lower the cost
CLOSE = 0.01  # of the cost: after a step that promised less, the factors serve for the next one too


@dataclass(frozen=True, eq=False)
class Solved:
    """Where the submaps are, the cost there, whether no step would lower it, and a row for every step."""

    state: Sim3Array
    cost: float
    converged: bool
    steps: list[Row]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A city's districts, and its separators level by level, the city's own first."""

    city: City
    districts: list[Job]
    levels: list[list[Job]]

    @staticmethod
    def of(city: City, root: Part, depth: int) -> Hierarchy:
        """The hierarchy of a dissected city whose districts lie `depth` cuts down."""
        tops, above = root.at_depth(depth), _separators(root, depth)
        groups = [*(top.descend() for top in tops), *([part] for level in above for part in level)]
        turns = [0] * len(tops) + [depth - k for k, level in enumerate(above) for _ in level]
        edges = _edges_of(groups, turns, city)
        jobs = [Job(k, parts, edges[k]) for k, parts in enumerate(groups)]
        rest = iter(jobs[len(tops) :])
        return Hierarchy(city, jobs[: len(tops)], [[next(rest) for _ in level] for level in above])

    @property
    def jobs(self) -> list[Job]:
        """All of them, those first that others wait for."""
        return [*self.districts, *(job for level in self.levels[::-1] for job in level)]

    def separator(self) -> Indices:
        """The submaps that no district solves alone, sorted."""
        return np.sort(
            np.concatenate([np.zeros(0, np.int64), *(job.top.own for level in self.levels for job in level)])
        )

    def solve(
        self,
        start: Sim3Array,
        weights: Array,
        folder: Path,
        processes: int = 1,
        tolerance: float = 1e-10,
        most: int = 20,
    ) -> Solved:
        """The optimum from a start, with the edges weighted [E]; files go into the folder.

        The end is where a step's predicted decrease is at most `tolerance` of the cost, or after `most` steps.
        """
        files = JobFiles.of(folder, self.jobs, len(start))
        files.write_state(start)
        context = multiprocessing.get_context("fork")  # so that the city is shared with the processes, not sent
        with ProcessPoolExecutor(processes, context, work_on, (self.city, weights, self.jobs, files)) as pool:
            return self._descend(pool, files, tolerance, most)

    def _descend(self, pool: ProcessPoolExecutor, files: JobFiles, tolerance: float, most: int) -> Solved:
        """Steps with new factors, until they are so short that the last ones serve."""
        cost = sum(pool.map(cost_of, _numbers(self.jobs)))
        damping, steps, converged, fresh = FIRST_DAMPING, list[Row](), False, True
        while len(steps) < most and not converged:
            factored = self._climb(pool, factor, damping) if fresh else {}
            step = self._step(pool)
            converged = step["predicted"] <= tolerance * cost + ABSOLUTE
            better = step["cost"] < cost
            tell(
                f"step {len(steps) + 1}: cost {cost:.9g} -> {step['cost']:.9g}, {step['predicted']:.2g} less predicted"
            )
            if better:
                cost = step["cost"]
                files.accept()
            elif fresh and not converged:
                damping *= MORE_DAMPING
            fresh = not better or step["predicted"] > CLOSE * cost
            steps.append({**step, **{f"factored_{name}": value for name, value in factored.items()}})
        return Solved(files.read_state(), cost, converged, steps)

    def _step(self, pool: ProcessPoolExecutor) -> Row:
        """One step of all submaps with the factors that are there: its new and predicted cost, seconds and bytes."""
        up, begun = self._climb(pool, go_up), time.perf_counter()
        levels = [list(pool.map(go_down, _numbers(jobs))) for jobs in (*self.levels, self.districts)]
        every = [row for level in levels for row in level]
        return {
            "cost": sum(row["cost"] for row in every),
            "predicted": sum(row["predicted"] for row in every),
            "wall_s": up["wall_s"] + time.perf_counter() - begun,
            "cpu_s": up["districts_cpu_s"] + up["separators_cpu_s"] + sum(row["cpu_s"] for row in every),
            "longest_cpu_s": up["longest_cpu_s"] + sum(max(row["cpu_s"] for row in level) for level in levels),
            "told_bytes": up["told_bytes"],
        }

    def _climb(self, pool: ProcessPoolExecutor, job: Callable[..., Row], *more: float) -> Row:
        """A job for the districts and then for the separators, level by level: seconds and bytes."""
        begun = time.perf_counter()
        levels = [
            list(pool.map(job, _numbers(jobs), *([each] * len(jobs) for each in more)))
            for jobs in (self.districts, *self.levels[::-1])
        ]
        every = [row for level in levels for row in level]
        return {
            "wall_s": time.perf_counter() - begun,
            "districts_cpu_s": sum(row["cpu_s"] for row in levels[0]),
            "separators_cpu_s": sum(row["cpu_s"] for level in levels[1:] for row in level),
            "longest_cpu_s": sum(max(row["cpu_s"] for row in level) for level in levels),
            "told_bytes": sum(row["told_bytes"] for row in every),
            "kept_bytes": sum(row["kept_bytes"] for row in every),
        }


def _separators(root: Part, depth: int) -> list[list[Part]]:
    """The parts above the districts, level by level from the root."""
    levels, level = list[list[Part]](), [root]
    for _ in range(depth):
        levels.append([part for part in level if part.below])
        level = [child for part in levels[-1] for child in part.below]
    return levels


def _edges_of(groups: Sequence[list[Part]], turns: Sequence[int], city: City) -> list[Indices]:
    """The edges of each group: those whose end that is eliminated first is one of its own."""
    group, turn = np.zeros(len(city), np.int64), np.zeros(len(city), np.int64)
    for k, parts in enumerate(groups):
        own = np.concatenate([part.own for part in parts])
        group[own], turn[own] = k, turns[k]
    first = city.ends[np.arange(len(city.ends)), np.argmin(turn[city.ends], axis=1)]
    order = np.argsort(group[first], kind="stable")
    return np.split(order, np.searchsorted(group[first][order], np.arange(1, len(groups))))


def _numbers(jobs: list[Job]) -> list[int]:
    return [job.number for job in jobs]
