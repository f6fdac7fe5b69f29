"""The back-end's table: one row for each promise, and the seeds spread over processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.common import tell
from benchmarks.tables import Column, Row

COLUMNS = [
    Column("item", "item"),
    Column("case", "case"),
    Column("what", "what"),
    Column("here", "here"),
    Column("target", "target"),
    Column("met", "met"),
    Column("baseline ATE", "baseline", "{:.3g}"),
    Column("note", "note"),
]

FIRST_SEED = 100


def claim(
    item: str, case: str, what: str, here: Any, target: str, met: bool | None, baseline: Any = None, note: str = ""
) -> Row:
    """A row: what was promised, what was measured, and the median ATE in metres of the plain baseline there."""
    return {
        "item": item,
        "case": case,
        "what": what,
        "here": here if isinstance(here, str) else f"{here:.3g}",
        "target": target,
        "met": None if met is None else "yes" if met else "NO",
        "baseline": None if baseline is None else float(baseline),
        "note": note or None,
    }


def over_seeds(job: Callable[[int], Row], options: argparse.Namespace, name: str) -> list[Row]:
    """What a job finds for every seed, in the order of the seeds."""
    tell(f"{name}: {options.seeds} seeds")
    os.environ["OMP_NUM_THREADS"] = "1"  # the children's graphs are too small for more
    with ProcessPoolExecutor(options.workers) as pool:
        return list(pool.map(job, range(FIRST_SEED, FIRST_SEED + options.seeds)))
