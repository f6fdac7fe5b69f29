"""Do districts solved apart, with their separators, give the map that the whole gives at once, and what does it take?

A made-up city; loops that the runs' own positions contradict are left out. "Whole" is the project's solver, one
process; "hierarchy" the same factors, eliminated district by district. Every row is measured in a process of its own;
memory is that of all its processes together, pages that they share counted once (PSS, without files).
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.city.dissection import dissect
from benchmarks.city.hierarchy import Hierarchy, Solved
from benchmarks.city.judging import near_enough
from benchmarks.city.world import City, Mask, make_city
from benchmarks.common import benchmark, in_child, serve_child, tell, workplace
from benchmarks.scaling.footprint import descendants
from benchmarks.tables import Column, Row
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.levenberg_marquardt import levenberg_marquardt
from da3_stream.posegraph.problem import Problem

MODULE = "benchmarks.city.graph"
TOLERANCE = 1e-8  # of the cost: what a last step may still promise
SMALLEST = 30  # submaps of a part that is cut no further

COLUMNS = [
    Column("solver", "solver"),
    Column("runs", "runs"),
    Column("submaps", "submaps"),
    Column("edges", "edges"),
    Column("loops", "loops"),
    Column("processes", "processes"),
    Column("districts", "districts"),
    Column("submaps of separators", "separators"),
    Column("factored", "factored"),
    Column("of it districts, CPU s", "districts_cpu_s", "{:.1f}"),
    Column("separators, CPU s", "separators_cpu_s", "{:.1f}"),
    Column("the longest way", "longest_cpu_s", "{:.1f}"),
    Column("steps", "steps"),
    Column("CPU s of one", "step_cpu_s", "{:.2f}"),
    Column("CPU s", "cpu_s", "{:.1f}"),
    Column("wall s", "wall_s", "{:.1f}"),
    Column("peak MiB", "peak_mib", "{:.0f}"),
    Column("told, MiB", "told_mib", "{:.0f}"),
    Column("kept, MiB", "kept_mib", "{:.0f}"),
    Column("cost", "cost", "{:.9g}"),
    Column("last step promised, of the cost", "promised", "{:.1e}"),
    Column("cost above the whole's", "above", "{:.1e}"),
    Column("furthest from the whole's, m", "furthest_m", "{:.1e}"),
    Column("error before, m", "before_m", "{:.2f}"),
    Column("after, m", "after_m", "{:.2f}"),
    Column("missed", "missed"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--both", type=_sizes, default=[200, 1000, 2000], help="runs of cities solved in both ways")
    command.add_argument("--whole", type=_sizes, default=[5000, 10000], help="runs of cities solved at once alone")
    command.add_argument("--hierarchy", type=_sizes, default=[10000, 100000], help="runs of cities solved by hierarchy")
    command.add_argument("--processes", type=_sizes, default=[2], help="of the hierarchy's largest cities")
    command.add_argument("--passes", type=float, default=2.0, help="how often a street is driven, both ways together")
    command.add_argument("--district", type=int, default=1500, help="submaps of a district, about")
    command.add_argument("--steps", type=int, default=20, help="at most; fewer do not converge")


@benchmark(COLUMNS, _options, good=lambda row: not row["missed"], settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The cities that were asked for, from small to large."""
    for runs in options.both:
        whole = _measured("whole", runs, 1, folder, options)
        yield whole
        yield _beside(whole, _measured("hierarchy", runs, 1, folder, options), folder)
    for runs in options.whole:
        yield _measured("whole", runs, 1, folder, options)
    for runs in options.hierarchy:
        for processes in options.processes:
            yield _measured("hierarchy", runs, processes, folder, options)


def _measured(solver: str, runs: int, processes: int, folder: Path, options: argparse.Namespace) -> Row:
    tell(f"{runs} runs: {solver}, {processes} processes")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the child and its processes: each has a core
    words = json.dumps({"passes": options.passes, "district": options.district, "steps": options.steps})
    row = in_child(MODULE, solver, runs, processes, folder, words)
    tell(json.dumps(row))
    return {"solver": solver, "runs": runs, "processes": processes, **row}


def _beside(whole: Row, row: Row, folder: Path) -> Row:
    """With what lies between both solutions."""
    states = [np.load(folder / f"{each['solver']}_{each['runs']}.npy") for each in (whole, row)]
    above = row["cost"] / whole["cost"] - 1
    furthest = float(np.linalg.norm(states[1] - states[0], axis=1).max())
    missed = row["missed"] or ("another optimum" if abs(above) > 1e-9 or furthest > 1e-4 else None)
    return {**row, "above": above, "furthest_m": furthest, "missed": missed}


class Memory:
    """The most that this process and those it started hold together while a block runs."""

    def __init__(self) -> None:
        self.peak_mib, self._left = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            held = sum(pss_mib(pid) for pid in (os.getpid(), *descendants(os.getpid())))
            self.peak_mib = max(self.peak_mib, held)
            if self._left.wait(0.5):
                return


def pss_mib(process: int) -> float:
    """What a process holds of anonymous memory, what it shares with n others by 1/n; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")) / 1024


def _solve(solver: str, runs: int, processes: int, folder: Path, words: Row) -> Row:
    """In a process of its own."""
    city = make_city(runs, passes=words["passes"])
    start = city.start()
    weights = near_enough(city, start).astype(np.float64)
    begun, cpu = time.perf_counter(), _cpu_s()
    with Memory() as memory:
        solve = _whole if solver == "whole" else _by_hierarchy
        solved, facts = solve(city, start, weights, processes, words)
    seconds = {"wall_s": time.perf_counter() - begun, "cpu_s": _cpu_s() - cpu, "peak_mib": memory.peak_mib}
    np.save(folder / f"{solver}_{runs}.npy", solved.state.translation)
    return {
        "submaps": len(city),
        "edges": int(weights.sum()),
        "loops": int(weights[city.loop].sum()),
        **facts,
        **seconds,
        "cost": solved.cost,
        "before_m": city.error(start),
        "after_m": city.error(solved.state),
        "missed": None if solved.converged else "not converged",
    }


def _whole(city: City, start: Sim3Array, weights: np.ndarray, processes: int, words: Row) -> tuple[Solved, Row]:
    problem = whole_problem(city, weights > 0)
    begun = _cpu_s()
    found = levenberg_marquardt(problem, start, weights[weights > 0], TOLERANCE, words["steps"])
    facts = {"steps": found.iterations, "step_cpu_s": (_cpu_s() - begun) / found.iterations}
    return Solved(found.state, found.cost, found.converged, []), facts


def whole_problem(city: City, believed: Mask) -> Problem:
    """All submaps of a city and the edges that are believed [E], as the project's solver sees them."""
    chosen, every = np.flatnonzero(believed), np.arange(len(city))
    edges, free = city.edges(chosen, city.ends[chosen]), np.ones((len(city), 7), bool)
    return Problem.of(edges, city.loop[chosen], city.ties(every, every), free)


def _by_hierarchy(city: City, start: Sim3Array, weights: np.ndarray, processes: int, words: Row) -> tuple[Solved, Row]:
    root = dissect(start.translation[:, :2], city.ends, SMALLEST)
    hierarchy = Hierarchy.of(city, root, depth=max(1, round(np.log2(len(city) / words["district"]))))
    tell(f"{len(hierarchy.districts)} districts, {len(hierarchy.separator())} submaps of separators")
    with workplace(None) as files:
        solved = hierarchy.solve(start, weights, files, processes, TOLERANCE, words["steps"])
    factored = [step for step in solved.steps if "factored_wall_s" in step]
    last, first = solved.steps[-1], factored[0]
    return solved, {
        "districts": len(hierarchy.districts),
        "separators": len(hierarchy.separator()),
        "steps": len(solved.steps),
        "factored": len(factored),
        "districts_cpu_s": first["factored_districts_cpu_s"],
        "separators_cpu_s": first["factored_separators_cpu_s"],
        "step_cpu_s": float(np.mean([step["cpu_s"] for step in solved.steps])),
        "longest_cpu_s": first["factored_longest_cpu_s"],
        "told_mib": first["factored_told_bytes"] / 2**20,
        "kept_mib": first["factored_kept_bytes"] / 2**20,
        "promised": last["predicted"] / last["cost"],
        "every_step": solved.steps,
    }


def _cpu_s() -> float:
    """CPU seconds of this process and of those it started that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _sizes(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def _child(solver: str, runs: str, processes: str, folder: str, words: str) -> Row:
    return _solve(solver, int(runs), int(processes), Path(folder), json.loads(words))


if __name__ == "__main__" and not serve_child(_child):
    main()
