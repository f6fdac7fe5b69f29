"""Thousands of windows: cost beside gtsam's, time, memory, and one loop more."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.backend.oracle import by_gtsam, from_the_truth, has_gtsam, problem_of
from benchmarks.backend.scenes import NOISE, Scene, ring, seen
from benchmarks.backend.table import claim
from benchmarks.common import in_child, serve_child, tell
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import Row
from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph
from da3_stream.posegraph.initialization import LinearStart

LAP = 75  # windows
DRIFT = np.array([0.3] * 3 + [0.02] * 4)  # m, rad, log-scale at every window: absurd after thousands
REPEATS = 5


def large_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Item 4: each solver in a process of its own, so that its memory is its own."""
    ours = _in_process("ours", 5000, 50)
    truth = _in_process("truth", 5000, 50)
    gtsam = [_in_process(f"gtsam-{start}", 5000, 50) for start in ("linear", "truth")] if has_gtsam() else []
    yield _cost_claim(ours, truth, gtsam)
    yield _seconds_claim(ours, gtsam)
    yield _memory_claim(ours, gtsam)
    yield _rejected_claim(ours)
    yield from _added_claims()


def _cost_claim(ours: Row, truth: Row, gtsam: Sequence[Row]) -> Row:
    oracle = min([*gtsam, truth], key=lambda row: row["cost"])
    beside = "lowest of gtsam's two and of Gauss-Newton from the truth" if gtsam else "Gauss-Newton from the truth"
    excess = ours["cost"] / oracle["cost"] - 1
    costs = {row["solver"]: f"{row['cost']:.8g}" for row in (ours, truth, *gtsam)}
    note = f"chain's own ATE {ours['drift']:.0f} m, solved {ours['ate']:.1f} m; costs {costs}; against the {beside}"
    return claim(
        "4", "5000 windows, 50 loops", "cost above the optimum", f"{excess:.1e}", "<= 1e-6", excess <= 1e-6, None, note
    )


def _seconds_claim(ours: Row, gtsam: Sequence[Row]) -> Row:
    note = ", ".join(f"{row['solver']} {row['seconds']:.1f}" for row in gtsam) or "gtsam is not installed"
    note = f"{ours['wall_s']:.1f} by the wall, loops judged; {note} (one descent, all loops believed)"
    return claim("4", "5000 windows, 50 loops", "seconds of CPU", ours["seconds"], "stated", None, None, note)


def _memory_claim(ours: Row, gtsam: Sequence[Row]) -> Row:
    note = ", ".join(f"{row['solver']} {row['extra_mib']:.0f}" for row in gtsam) or "gtsam is not installed"
    what = "peak memory of the solution, MiB"
    return claim("4", "5000 windows, 50 loops", what, f"{ours['extra_mib']:.0f}", "stated", None, None, note)


def _rejected_claim(ours: Row) -> Row:
    lost = ours["rejected"]
    return claim("4", "5000 windows, 50 loops", "true loops refused", f"{lost}/50", "0", lost == 0)


def _added_claims() -> Iterator[Row]:
    found = _in_process("added", 2000, 20)
    note = f"median of {REPEATS}, worst {found['worst']:.2f}, {found['wall_s']:.2f} by the wall"
    note += f"; the first solution took {found['first']:.1f}"
    case = "2000 windows, 20 loops"
    yield claim("4", case, "one true loop more, s of CPU", found["true"], "< 0.5", found["true"] < 0.5, None, note)
    note = "judged anew, and refused" if found["refused"] else "NOT refused"
    yield claim("4", case, "one false loop more, s of CPU", found["false"], "stated", None, None, note)


def _in_process(solver: str, windows: int, loops: int) -> Row:
    tell(f"{windows} windows, {loops} loops: {solver}")
    row = in_child("benchmarks.backend.large", solver, windows, loops)
    return {"solver": solver, **row}


def laps(windows: int, loops: int, seed: int = 0) -> Scene:
    """Laps of 75 windows that drift, and loops with the ring's noise between any two, the first and last among them."""
    rng, truth = np.random.default_rng(seed), ring(windows, windows / LAP)
    edges = [seen(truth, k, k + 1, DRIFT, rng) for k in range(windows - 1)]
    pairs = [(0, windows - 1 - (windows - 1) % LAP)]
    while len(pairs) < loops:
        a = int(rng.integers(0, windows - LAP))
        pair = (a, a + LAP * int(rng.integers(1, (windows - 1 - a) // LAP + 1)))
        if pair not in pairs:
            pairs.append(pair)
    return Scene(truth, [*edges, *(seen(truth, a, b, NOISE, rng, loop=True) for a, b in pairs)])


def _measure(solver: str, windows: int, loops: int) -> Row:
    """In a process of its own."""
    import pypose  # noqa: F401  (its import is no part of the solution)

    if solver == "added":
        return _adding(laps(windows, loops + REPEATS), loops)
    scene = laps(windows, loops)
    if solver == "ours":
        return _ours(scene)
    if solver == "truth":
        best = from_the_truth(scene, True)
        return {"cost": best.cost, "seconds": best.seconds}
    start = scene.truth if solver == "gtsam-truth" else _linear(scene)
    import gtsam  # noqa: F401

    before = status_mib("VmRSS")
    found = by_gtsam(scene, True, start)
    return {"cost": found.cost, "seconds": found.seconds, "extra_mib": status_mib("VmHWM") - before}


def _ours(scene: Scene) -> Row:
    graph, before, start = scene.graph(True), status_mib("VmRSS"), _clocks()
    solution = graph.solve()
    seconds, wall_s = _since(start)
    return {
        "cost": solution.final_cost,
        "seconds": seconds,
        "wall_s": wall_s,
        "extra_mib": status_mib("VmHWM") - before,
        "rejected": len(solution.rejected),
        "ate": scene.ate(scene.world(solution)),
        "drift": scene.ate(_chain(scene)),
    }


def _adding(scene: Scene, loops: int) -> Row:
    """One loop after the other to a solved graph; then a false one."""
    graph = Scene(scene.truth, scene.edges[:-REPEATS]).graph(True)
    start = _clocks()
    graph.solve()
    first = _since(start)[0]
    true = [_one_more(graph, edge.a, edge.b, edge.a_from_b) for edge in scene.edges[-REPEATS:]]
    false = _one_more(graph, 5, 1032, Sim3.identity())
    return {
        "first": first,
        "true": float(np.median([seconds for seconds, _ in true])),
        "worst": max(seconds for seconds, _ in true),
        "wall_s": float(np.median([wall_s for _, wall_s in true])),
        "false": false[0],
        "refused": (5, 1032) in graph.solve().rejected,
    }


def _one_more(graph: PoseGraph, a: int, b: int, a_from_b: Sim3) -> tuple[float, float]:
    """Seconds of the process and of the wall for one loop added to a solved graph."""
    start = _clocks()
    graph.add_edge(a, b, a_from_b, np.diag(NOISE**-2.0), loop=True)
    graph.solve()
    return _since(start)


def _clocks() -> tuple[float, float]:
    """Seconds of this process and of the wall: the machine is shared, and the graph is solved by one thread."""
    return time.process_time(), time.perf_counter()


def _since(start: tuple[float, float]) -> tuple[float, float]:
    return time.process_time() - start[0], time.perf_counter() - start[1]


def _linear(scene: Scene) -> list[Sim3]:
    """The package's linear start."""
    return LinearStart.of(problem_of(scene, True)).solve(np.ones(len(scene.edges))).transforms()


def _chain(scene: Scene) -> list[Sim3]:
    world = [Sim3.identity()]
    for edge in scene.edges[: len(scene.truth) - 1]:
        world.append(world[-1] @ edge.a_from_b)
    return world


if __name__ == "__main__":
    serve_child(lambda solver, windows, loops: _measure(solver, int(windows), int(loops)))
