"""What is asked of a build beside another, and what it comes to: a line for each figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.tables import Row

from .comparison import THRESHOLDS, Pair, geometric_mean

OUTSIDE_S, OUTSIDE_S_PER_FRAME = 3.0, 0.04  # outside the predictor: of a run, and of each of its frames
LEAST_COVERAGE = 0.98
F_LOSS = 0.005
WALL_CLIP = "kitti07_0-159"


@dataclass(frozen=True)
class Limits:
    """What is asked of the rows that count; None: nothing."""

    cpu_median: float | None = None
    cpu_least: float | None = None
    wall: float | None = None  # of kitti07_0-159, on a machine with nothing else to do
    memory_median: float | None = None
    memory_most: float | None = None
    ate_mean: float | None = None
    ate_most: float | None = None
    depth: bool = False  # no worse than before
    outside: bool = False
    in_one: bool = True  # one segment that covers nearly all


LIMITS = {
    Pair("old", "balanced"): Limits(3.0, 2.0, 2.3, 0.75, 1.0, 1.03, 1.3, depth=True, outside=True),
    Pair("old", "best"): Limits(ate_mean=0.9),
    Pair("balanced", "fast"): Limits(cpu_least=2.0, ate_most=3.0),
}


def verdicts(rows: Sequence[Row], pair: Pair) -> dict[str, str]:
    """Facts by their names: each figure over the rows that count, with what is asked of it."""
    limits = LIMITS.get(pair, Limits(in_one=False))
    return {f"{pair}, {name}": told for name, told in _told(rows, limits)}


def _told(rows: Sequence[Row], limits: Limits) -> Iterator[tuple[str, str]]:
    fast = [row for row in rows if row["counts_speed"] == "yes"]
    exact = [row for row in rows if row["counts_accuracy"] == "yes"]
    if ratios := _known(fast, "cpu_ratio"):
        yield "median of the CPU ratios", _at_least(median(ratios), limits.cpu_median, len(ratios))
        yield "smallest CPU ratio", _at_least(min(ratios), limits.cpu_least, len(ratios))
    if ratios := _known([row for row in rows if row["clip"].startswith(WALL_CLIP)], "wall_ratio"):
        yield f"smallest wall ratio of {WALL_CLIP}", _at_least(min(ratios), limits.wall, len(ratios))
    if shares := _known(fast, "memory_ratio"):
        yield "median share of the peak memory", _at_most(median(shares), limits.memory_median, len(shares))
        yield "largest share of the peak memory", _at_most(max(shares), limits.memory_most, len(shares))
    if ratios := _known(exact, "ate_ratio"):
        yield "geometric mean of the ATE ratios", _at_most(geometric_mean(ratios), limits.ate_mean, len(ratios))
        yield "worst ATE ratio", _at_most(max(ratios), limits.ate_most, len(ratios))
    if scatter := _known(exact, "scatter_first"):
        mean, most = geometric_mean(scatter), max(scatter)
        yield "largest over least ATE of the starts before", f"{mean:.2f} in the geometric mean, at most {most:.2f}"
    yield from _shortfalls(rows, limits)


def _shortfalls(rows: Sequence[Row], limits: Limits) -> Iterator[tuple[str, str]]:
    """The rows that miss what is asked of each row alone."""
    judged = [row for row in rows if row["cpu_s_second"] is not None]
    yield "every run came to an end", _missing(rows, lambda row: row["failed"] is None)
    if limits.outside:
        asked = f"outside the predictor, at most {OUTSIDE_S:g} s and {OUTSIDE_S_PER_FRAME:g} CPU s a frame"
        yield asked, _missing(judged, lambda row: row["counts_speed"] == "no" or _little_outside(row))
    if limits.in_one:
        yield f"one segment, coverage at least {LEAST_COVERAGE:g}", _missing(judged, _in_one)
    if limits.depth:
        yield "depth: error and kept share no worse", _missing(judged, _depth_holds)
        yield f"cloud: F-scores at least those before less {F_LOSS:g}", _missing(judged, _cloud_holds)
    yield (
        "says OK wherever it did before",
        _missing(judged, lambda row: _oks(row["ok_second"]) >= _oks(row["ok_first"])),
    )


def _missing(rows: Sequence[Row], holds: Callable[[Row], bool]) -> str:
    missed = [row["clip"] for row in rows if not holds(row)]
    return f"NO: {', '.join(missed)}" if missed else f"yes, all {len(rows)} rows"


def _little_outside(row: Row) -> bool:
    allowed = OUTSIDE_S + OUTSIDE_S_PER_FRAME * (row["frames"] or 0)
    return row["outside_s"] is None or row["outside_s"] <= allowed


def _in_one(row: Row) -> bool:
    return row["segments_second"] == 1 and (row["coverage_second"] or 0.0) >= LEAST_COVERAGE


def _depth_holds(row: Row) -> bool:
    if row["depth_first"] is None or row["depth_second"] is None:
        return True
    return row["depth_second"] <= row["depth_first"] and row["kept_second"] >= row["kept_first"]


def _cloud_holds(row: Row) -> bool:
    pairs = [(row[f"f{share}_first"], row[f"f{share}_second"]) for share in THRESHOLDS]
    return all(None in pair or pair[1] >= pair[0] - F_LOSS for pair in pairs)


def _oks(told: str | None) -> int:
    return int(told.split()[0]) if told else 0


def _known(rows: Sequence[Row], key: str) -> list[float]:
    return [row[key] for row in rows if row[key] is not None]


def _at_least(value: float, asked: float | None, rows: int) -> str:
    return _beside(value, "at least", asked, asked is None or value >= asked, rows)


def _at_most(value: float, asked: float | None, rows: int) -> str:
    return _beside(value, "at most", asked, asked is None or value <= asked, rows)


def _beside(value: float, words: str, asked: float | None, holds: bool, rows: int) -> str:
    told = f"{value:.3f} over {rows} rows"
    return told if asked is None else f"{told}; asked for: {words} {asked:g}: {'yes' if holds else 'NO'}"
