"""What does an alignment of two windows withstand, beside today's method, and is its information honest?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.backend.baseline_alignment import align_as_baseline
from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream.geometry import Sim3
from da3_stream.stitching import align_windows
from da3_stream.types import Alignment, Status
from tests.worlds.overlaps import (
    Errors,
    Pair,
    disturbed,
    in_units,
    make_street_pair,
    nothing_wrong,
    with_car,
    with_compressed_far_field,
    with_holes,
    with_outliers,
)

Array = NDArray[np.float64]
Wrong = Callable[[Pair, np.random.Generator], Pair]

UNITS = (0.01, 1.0, 100.0)
HONEST = (0.2, 3.0)  # the mean of r^T information r / 7 of honest information is near 1
CAMERAS = {"turn": 2e-4, "centre": 0.005}
REAL_CAMERAS = {"turn": 2e-3, "centre": 0.02}


@dataclass(frozen=True)
class Case:
    """What is wrong with a pair of windows, and the scale error (%) that it may cause at worst."""

    name: str
    errors: Errors
    wrong: Wrong = nothing_wrong
    target: float = 0.5
    step_m: float = 1.0  # 0: only depth knows the scale


CASES = [
    Case("depth noise 5 %", Errors(pixel=0.05, **CAMERAS)),
    Case("depth noise 10 %", Errors(pixel=0.10, **CAMERAS)),
    Case("depth noise 20 %", Errors(pixel=0.20, **CAMERAS)),
    Case("far field -8 %", Errors(pixel=0.05, **CAMERAS), with_compressed_far_field, 0.3),
    Case("far field -8 %, noise in patches", Errors(patch=0.05, **CAMERAS), with_compressed_far_field, 0.3),
    Case("30 % outliers x0.1-10", Errors(pixel=0.05, **CAMERAS), with_outliers),
    Case("NaN, 0, inf, no confidence", Errors(pixel=0.05, **CAMERAS), with_holes),
    Case("car over a third, x1.08", Errors(pixel=0.05, **CAMERAS), partial(with_car, factor=1.08)),
    Case("car over a third, x1.3", Errors(pixel=0.05, **CAMERAS), partial(with_car, factor=1.3)),
    Case("car over a third, x0.33", Errors(pixel=0.05, **CAMERAS), partial(with_car, factor=0.33)),
]
CASES += [replace(case, name=f"standing: {case.name}", step_m=0.0) for case in CASES[2:]]

HONESTY = [
    Case("honesty: pixels apart", Errors(pixel=0.05, **REAL_CAMERAS)),
    Case("honesty: patches", Errors(patch=0.05, **REAL_CAMERAS)),
    Case("honesty: frames too", Errors(0.03, 0.03, 0.01, **REAL_CAMERAS)),
    Case("honesty: memory 0.5", Errors(0.03, 0.03, 0.01, **REAL_CAMERAS, memory=0.5)),
    Case("honesty: memory 0.7", Errors(0.03, 0.03, 0.01, **REAL_CAMERAS, memory=0.7)),
    Case("honesty: memory 0.9", Errors(0.03, 0.03, 0.01, **REAL_CAMERAS, memory=0.9)),
    Case("honesty: poor cameras, memory 0.7", Errors(0.02, 0.02, 0.005, turn=5e-3, centre=0.1, memory=0.7)),
]

COLUMNS = [
    Column("case", "case"),
    Column("unit", "unit", "x{:g}"),
    Column("frames", "frames"),
    Column("seeds", "seeds"),
    Column("scale % median", "scale_median", "{:.3f}"),
    Column("scale % worst", "scale_worst", "{:.3f}"),
    Column("target", "target", "{:.1f}"),
    Column("baseline % mean", "baseline_mean", "{:+.2f}"),
    Column("baseline % worst", "baseline_worst", "{:.2f}"),
    Column("rotation deg worst", "rotation_worst_deg", "{:.3f}"),
    Column("OK", "ok", "{:.0%}"),
    Column("energy / 7", "energy", "{:.2f}"),
    Column("missed", "missed"),
]


NOTE = (
    "scale: absolute error of log-scale in %; baseline: its signed mean and worst (- where it gave none)."
    f"\nenergy / 7: mean of r^T information r / 7, r the log of the error; honest is 1, {HONEST[0]:g}-{HONEST[1]:g}"
    " is asked for."
    "\nmemory: correlation of neighbouring frames' errors, of which an overlap holds few independent ones."
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seeds", type=int, default=10, help="pairs of windows in every row")


@benchmark(COLUMNS, _options, note=NOTE, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """All rows, those of accuracy first."""
    yield from accuracy_rows(options.seeds)
    yield from honesty_rows(options.seeds)


def accuracy_rows(seeds: int, units: Sequence[float] = UNITS) -> list[Row]:
    """One row per case and unit of length: the scale's error, and the baseline's on the same windows."""
    return [_accuracy_row(case, unit, seeds) for case in CASES for unit in units]


def honesty_rows(seeds: int, frames: Sequence[int] = (24, 8)) -> list[Row]:
    """One row per kind of noise and length of overlap: the energy of errors under the information returned."""
    return [_honesty_row(case, count, seeds) for case in HONESTY for count in frames]


def _accuracy_row(case: Case, unit: float, seeds: int) -> Row:
    tell(f"{case.name}, unit x{unit:g}")
    row: Row = {"case": case.name, "unit": unit, "target": case.target}
    pairs = [_pair(case, seed, unit) for seed in range(seeds)]
    row |= _figures([align_windows(pair.previous, pair.current) for pair in pairs], pairs)
    row |= _baseline_figures(pairs)
    return row | {"missed": "scale" if row["scale_worst"] > case.target else None}


def _honesty_row(case: Case, frames: int, seeds: int) -> Row:
    tell(f"{case.name}, {frames} frames")
    pairs = [_pair(case, seed, 1.0, frames) for seed in range(seeds)]
    row: Row = {"case": case.name, "unit": 1.0}
    row |= _figures([align_windows(pair.previous, pair.current) for pair in pairs], pairs)
    return row | {"missed": None if HONEST[0] <= row["energy"] <= HONEST[1] else "energy"}


def _pair(case: Case, seed: int, unit: float, frames: int = 24) -> Pair:
    """The case's pair of windows, both in `unit`s of 1 / unit metres."""
    rng = np.random.default_rng([seed, frames])
    pair = case.wrong(make_street_pair(rng, frames, case.step_m), rng)
    previous = disturbed(pair.previous, rng, 1.0, case.errors)
    current = disturbed(pair.current, rng, 1 / pair.truth.scale, case.errors)
    truth = Sim3(pair.truth.scale, pair.truth.rotation, unit * pair.truth.translation)
    return Pair(in_units(previous, unit), in_units(current, unit), truth)


def _figures(found: Sequence[Alignment], pairs: Sequence[Pair]) -> Row:
    errors = [
        (entry.previous_from_current.inverse() @ pair.truth).log() for entry, pair in zip(found, pairs, strict=True)
    ]
    scales = 100 * np.abs([error[6] for error in errors])
    energies = [error @ entry.information @ error / 7 for error, entry in zip(errors, found, strict=True)]
    return {
        "frames": len(pairs[0].previous.depth),
        "seeds": len(pairs),
        "scale_median": float(np.median(scales)),
        "scale_worst": float(scales.max()),
        "rotation_worst_deg": float(np.degrees(max(np.linalg.norm(error[3:6]) for error in errors))),
        "ok": sum(entry.status is Status.OK for entry in found) / len(found),
        "energy": float(np.mean(energies)),
    }


def _baseline_figures(pairs: Sequence[Pair]) -> Row:
    """The baseline's signed scale errors in %; none where it ends in an exception or in NaN."""
    errors = 100 * np.array([_baseline_error(pair) for pair in pairs])
    if not np.isfinite(errors).all():
        return {"baseline_mean": None, "baseline_worst": None}
    return {"baseline_mean": float(errors.mean()), "baseline_worst": float(np.abs(errors).max())}


def _baseline_error(pair: Pair) -> float:
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            return float(np.log(align_as_baseline(pair.previous, pair.current).scale / pair.truth.scale))
    except (np.linalg.LinAlgError, ValueError):
        return float("nan")


if __name__ == "__main__":
    main()
