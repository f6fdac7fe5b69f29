"""How far off are trajectory and depth in the synthetic town, where the truth is exact?"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import benchmark, make_town, measured_run
from benchmarks.tables import Column, Row
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate

MAX_ATE_PERCENT = 1.0
MAX_MEDIAN_REL = 0.03
MIN_KEPT = 0.40

COLUMNS = [
    Column("size", "size"),
    Column("frames", "frames"),
    Column("windows", "windows"),
    Column("path m", "path_length_m", "{:.1f}"),
    Column("ATE m", "ate_rmse_m", "{:.3f}"),
    Column("ATE %", "ate_percent", "{:.3f}"),
    Column("RPE %", "rpe_trans_percent", "{:.2f}"),
    Column("coverage", "coverage", "{:.3f}"),
    Column("segments", "segments"),
    Column("depth median rel", "depth_median_rel", "{:.4f}"),
    Column("AbsRel", "depth_abs_rel", "{:.4f}"),
    Column("d1.25", "depth_delta_1_25", "{:.3f}"),
    Column("kept", "depth_kept_share", "{:.3f}"),
    Column("fps", "fps", "{:.2f}"),
    Column("missed", "missed"),
]
FROM_EVALUATION = ("path_length_m", "ate_rmse_m", "ate_percent", "rpe_trans_percent", "coverage", "segments")
FROM_DEPTH = ("median_rel", "abs_rel", "delta_1_25", "kept_share")


NOTE = (
    f"asked for: ATE below {MAX_ATE_PERCENT:g} % of the path, median relative error of kept depth below "
    f"{MAX_MEDIAN_REL:.0%}, at least {MIN_KEPT:.0%} of the pixels that are not sky kept."
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sizes", default="320x240", help="WIDTHxHEIGHT, several with commas, such as 320x240,640x480"
    )
    command.add_argument("--frames", type=int, default=300, help="length of the drive")


@benchmark(COLUMNS, _options, note=NOTE)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row per size."""
    return (_row(size, folder, options) for size in options.sizes.split(","))


def _row(size: str, folder: Path, options: argparse.Namespace) -> Row:
    width, height = (int(side) for side in size.split("x"))
    town = make_town(folder / f"town_{size}", options.frames, (width, height), depth=True)
    words = ["--intrinsics", str(town / "intrinsics.txt")]
    with measured_run(town / "town.mp4", folder / f"run_{size}", options, *words) as measured:
        row = {"size": size, "windows": measured.status.get("windows"), **measured.speed()}
        if not measured.error:
            row |= _quality(measured.directory, town)
    if options.keep is None:
        shutil.rmtree(town, ignore_errors=True)
    return row | {"missed": ", ".join(_missed(row)) or None}


def _quality(run: Path, town: Path) -> Row:
    try:
        result = evaluate(
            run,
            town / "groundtruth_kitti.txt",
            format="kitti",
            depth_groundtruth=town / "depth",
            plot=run / "evaluation.png",
        )
    except Da3StreamError as error:
        return {"error": str(error)}
    depth = {f"depth_{key}": result["depth"][key] for key in FROM_DEPTH}
    return {key: result[key] for key in FROM_EVALUATION} | depth | {"cloud": result["cloud"]}


def _missed(row: dict[str, Any]) -> list[str]:
    if row.get("error"):
        return [row["error"]]
    ate = ["ATE"] * (row["ate_percent"] >= MAX_ATE_PERCENT)
    depth = ["depth"] * (row["depth_median_rel"] >= MAX_MEDIAN_REL)
    return ate + depth + ["kept"] * (row["depth_kept_share"] < MIN_KEPT)


if __name__ == "__main__":
    main()
