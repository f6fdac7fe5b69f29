"""Are false loops between runs told from true ones, and what does that take?

First by the runs' own positions; then the map is solved with all that are left, and where a loop does not fit, the
project's own selection judges the loops of the runs around it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.city.graph import TOLERANCE, whole_problem
from benchmarks.city.judging import in_doubt, near_enough, quarters
from benchmarks.city.world import City, Mask, make_city
from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.levenberg_marquardt import levenberg_marquardt

COLUMNS = [
    Column("runs", "runs"),
    Column("false, %", "share", "{:.0%}"),
    Column("loops", "loops"),
    Column("false", "false"),
    Column("dropped by positions", "by_position"),
    Column("true among them", "true_by_position"),
    Column("in doubt", "doubted"),
    Column("quarters", "quarters"),
    Column("submaps of one", "submaps", "{:.0f}"),
    Column("CPU s of one", "quarter_cpu_s", "{:.1f}"),
    Column("dropped by the graph", "by_graph"),
    Column("true among them", "true_by_graph"),
    Column("false kept", "kept"),
    Column("furthest off of them, m", "kept_m", "{:.1f}"),
    Column("error with all, m", "with_all_m", "{:.2f}"),
    Column("with those kept", "judged_m", "{:.2f}"),
    Column("with the true ones", "true_m", "{:.2f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--runs", type=int, default=1000)
    command.add_argument("--shares", default="0.01,0.05", help="of loops that are false, with commas")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A row for each share of false loops."""
    return (_row(options.runs, float(share)) for share in options.shares.split(","))


def _row(runs: int, share: float) -> Row:
    city = make_city(runs, false=share)
    start = city.start()
    near = near_enough(city, start)
    with_all = _solved(city, near, start)
    doubted = in_doubt(city, near, with_all)
    kept, seconds, sizes = near.copy(), list[float](), list[int]()
    for quarter in quarters(city, near, doubted.tolist()):
        begun = time.process_time()
        kept[quarter.edges[~quarter.judged(city, with_all)]] = False
        seconds.append(time.process_time() - begun)
        sizes.append(len(quarter.submaps))
        tell(f"quarter {len(seconds)}: {sizes[-1]} submaps, {seconds[-1]:.1f} s")
    wrong = kept & city.false
    return {
        "runs": runs,
        "share": share,
        "loops": int(city.loop.sum()),
        "false": int(city.false.sum()),
        "by_position": int(np.sum(~near)),
        "true_by_position": int(np.sum(~near & ~city.false)),
        "doubted": len(doubted),
        "quarters": len(seconds),
        "submaps": float(np.mean(sizes)) if sizes else None,
        "quarter_cpu_s": float(np.mean(seconds)) if seconds else None,
        "by_graph": int(np.sum(near & ~kept)),
        "true_by_graph": int(np.sum(near & ~kept & ~city.false)),
        "kept": int(wrong.sum()),
        "kept_m": float(_off_m(city, wrong).max(initial=0.0)),
        "with_all_m": city.error(with_all),
        "judged_m": city.error(_solved(city, kept, with_all)),
        "true_m": city.error(_solved(city, near & ~city.false, with_all)),
    }


def _solved(city: City, believed: Mask, start: Sim3Array) -> Sim3Array:
    problem = whole_problem(city, believed)
    return levenberg_marquardt(problem, start, np.ones(int(believed.sum())), TOLERANCE, 50).state


def _off_m(city: City, edges: Mask) -> np.ndarray:
    """By how much edges are wrong, in metres."""
    a, b = city.ends[edges].T
    return np.linalg.norm((city.b_from_a[edges] @ city.truth[a].inverse() @ city.truth[b]).translation, axis=1)


if __name__ == "__main__":
    main()
