"""Does bundle adjustment of an exported COLMAP model help, and what does the export cost?"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import benchmark, find_clip, make_town, measured_run, tell
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import ROOT, Column, Row
from da3_stream import store
from da3_stream.evaluation import read_trajectory
from da3_stream.evaluation.associate import associate
from da3_stream.evaluation.compare import compare_segments

MIN_PER_IMAGE = 20
MAX_BEFORE_PX, MAX_AFTER_PX = 1.5, 0.7
MAX_KB = 100
FEW = 60  # frames of the short export: what the long one takes more is by its frames

COLUMNS = [
    Column("run", "run"),
    Column("images", "images"),
    Column("points", "points"),
    Column("fewest in an image", "fewest"),
    Column("mean in an image", "mean", "{:.0f}"),
    Column("track", "track", "{:.1f}"),
    Column("px before", "px_before", "{:.3f}"),
    Column("px after", "px_after", "{:.3f}"),
    Column("ATE m before", "ate_before_m", "{:.5f}"),
    Column("ATE m after", "ate_after_m", "{:.5f}"),
    Column("ATE % before", "ate_before_percent", "{:.4f}"),
    Column("ATE % after", "ate_after_percent", "{:.4f}"),
    Column("moved median", "moved_median", "{:.4f}"),
    Column("moved max", "moved_max", "{:.4f}"),
    Column("seconds", "seconds", "{:.0f}"),
    Column("refining s", "refining_s", "{:.0f}"),
    Column("peak MiB", "peak_mib", "{:.0f}"),
    Column("kB a frame", "kb_a_frame", "{:.0f}"),
    Column("refining too", "refining_kb_a_frame", "{:.0f}"),
    Column("missed", "missed"),
]


@dataclass(frozen=True)
class Case:
    """A finished run and the truth of its path."""

    name: str
    run: Path
    truth: Path


NOTE = (
    f"before and after: --refine. px: mean reprojection error; track: mean length; moved: camera centres in "
    f"world units; kB a frame: peak memory more than for {FEW} frames, over the frames more, without --refine and "
    f"with it.\nasked for: at least {MIN_PER_IMAGE} points in every image, below {MAX_BEFORE_PX:g} px before and "
    f"{MAX_AFTER_PX:g} px after, ATE no larger after than before, without --refine at most {MAX_KB} kB a frame."
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cases", default="town_320x240,town_640x480,kitti07_0-159,hololens_000", help="towns by size, and clips"
    )
    command.add_argument("--frames", type=int, default=150, help="length of the towns' drives")
    command.add_argument(
        "--runs", type=Path, metavar="DIR", help="take finished runs (and towns, in NAME_truth) from here"
    )


@benchmark(COLUMNS, _options, note=NOTE)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row per run."""
    for name in options.cases.split(","):
        for case in _cases(name, folder, options):
            yield _row(case, folder / "models")


@contextmanager
def _made(name: str, folder: Path, options: argparse.Namespace) -> Iterator[Case]:
    words: list[str] = []
    if name.startswith("town_"):
        width, height = (int(side) for side in name.removeprefix("town_").split("x"))
        town = make_town(folder / f"{name}_truth", options.frames, (width, height), depth=False)
        source, truth, intrinsics = town / "town.mp4", town / "groundtruth_kitti.txt", town / "intrinsics.txt"
    else:
        clip = find_clip(name)
        if clip.truth is None:
            raise SystemExit(f"{name} has no truth")
        source, truth, intrinsics = clip.source, clip.truth, clip.intrinsics
    words = ["--intrinsics", str(intrinsics)] if intrinsics else []
    with measured_run(source, folder / name, options, *words) as measured:
        if measured.error:
            raise SystemExit(f"{name}: {measured.error}")
        yield Case(name, measured.directory, truth)


def _cases(name: str, folder: Path, options: argparse.Namespace) -> Iterator[Case]:
    if options.runs is None:
        with _made(name, folder, options) as case:
            yield case
        return
    truth = options.runs / f"{name}_truth" / "groundtruth_kitti.txt"
    yield Case(name, options.runs / name, truth if name.startswith("town_") else find_clip(name).truth or truth)


def _row(case: Case, out: Path) -> Row:
    import pycolmap

    few_mib, _ = _export(case, out / "few", "--frames", f":{FEW}")
    plain_mib, _ = _export(case, out / "plain")
    few_refined_mib, _ = _export(case, out / "few", "--frames", f":{FEW}", "--refine")
    peak_mib, seconds = _export(case, out / case.name, "--refine")
    before, after = (pycolmap.Reconstruction(str(out / case.name / "sparse" / name)) for name in ("original", "0"))
    told, rows = json.loads((out / case.name / "refined.json").read_text()), _rows_by_name(out / case.name)
    row: Row = {
        "run": case.name,
        "images": after.num_images(),
        "points": after.num_points3D(),
        "fewest": min(image.num_points3D for image in after.images.values()),
        "mean": after.compute_mean_observations_per_reg_image(),
        "track": after.compute_mean_track_length(),
        "px_before": before.compute_mean_reprojection_error(),
        "px_after": after.compute_mean_reprojection_error(),
        **_ate(case, before, rows, "before"),
        **_ate(case, after, rows, "after"),
        "moved_median": told["centre_median"],
        "moved_max": told["centre_max"],
        "seconds": seconds,
        "refining_s": told["seconds"],
        "peak_mib": peak_mib,
        "kb_a_frame": _kb_a_frame(plain_mib - few_mib, after.num_images()),
        "refining_kb_a_frame": _kb_a_frame(peak_mib - few_refined_mib, after.num_images()),
    }
    return row | {"missed": ", ".join(_missed(row)) or None}


def _kb_a_frame(mib: float, frames: int) -> float:
    return mib * 2**20 / 1e3 / max(frames - FEW, 1)


def _export(case: Case, folder: Path, *words: str) -> tuple[float, float]:
    """Peak memory in MiB and seconds of an export in a process of its own."""
    command = ["export", str(case.run), "--format", "colmap", "-o", str(folder), "--overwrite", *words]
    tell(f"da3-stream {shlex.join(command)}")
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "da3_stream", *command], cwd=ROOT, stdout=subprocess.DEVNULL)
    most = 0.0
    while child.poll() is None:
        most = max(most, status_mib("VmHWM", child.pid))
        time.sleep(0.02)
    if child.returncode:
        raise SystemExit(f"{case.name}: the export failed")
    return most, time.perf_counter() - start


def _rows_by_name(folder: Path) -> dict[str, int]:
    """The rows of the run's poses that the model's images show, by their names."""
    with open(folder / "frames.csv", newline="") as file:
        return {row["file"].removeprefix("images/"): int(row["row"]) for row in csv.DictReader(file)}


def _ate(case: Case, model: Any, rows: dict[str, int], when: str) -> Row:
    """Of the model's poses, each at its frame's line."""
    poses = store.read_poses(case.run)
    placed = np.full_like(poses.world_from_camera, np.nan)
    for image in model.images.values():
        row = rows[image.name]
        placed[row] = np.eye(4)
        placed[row, :3] = image.cam_from_world().inverse().matrix()
    poses = replace(poses, world_from_camera=placed)
    truth = read_trajectory(case.truth, "kitti")
    numbers = compare_segments(poses, truth, associate(poses, truth, None), "sim3")[0].metrics()
    return {f"ate_{when}_m": numbers["ate_rmse_m"], f"ate_{when}_percent": numbers["ate_percent"]}


def _missed(row: Row) -> list[str]:
    return [
        *["points"] * (row["fewest"] < MIN_PER_IMAGE),
        *["px before"] * (row["px_before"] >= MAX_BEFORE_PX),
        *["px after"] * (row["px_after"] >= MAX_AFTER_PX),
        *["ATE"] * (row["ate_after_m"] > row["ate_before_m"]),
        *["memory"] * (row["kb_a_frame"] > MAX_KB),
    ]


if __name__ == "__main__":
    main()
