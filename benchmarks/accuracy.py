"""How far off are the trajectories of real clips? One row per clip and per knowledge of the camera."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import Clip, Measured, benchmark, find_clip, measured_run
from benchmarks.tables import Column, Row
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate
from da3_stream.report import info

MIN_COVERAGE = 0.98
FOCAL_TOLERANCE = 0.10


@dataclass(frozen=True)
class Target:
    """The ATE in % of the path that is asked for, with the given intrinsics and without any."""

    given: float
    none: float


TARGETS = {
    "kitti06_0-50": Target(0.06, 0.08),
    "kitti07_0-159": Target(0.5, 1.0),
    "kitti00_c1018": Target(0.33, 0.66),
    "hololens_000": Target(0.5, 1.0),
}
WITHOUT_TRUTH = {"r3_house": None, "lingbot_loop": None, "video/test_kitti984.mp4": 984.0}  # focal length, if known

COLUMNS = [
    Column("clip", "clip"),
    Column("camera", "camera"),
    Column("frames", "frames"),
    Column("path m", "path_length_m", "{:.1f}"),
    Column("ATE m", "ate_rmse_m", "{:.3f}"),
    Column("ATE %", "ate_percent", "{:.3f}"),
    Column("target %", "target_percent", "{:.2f}"),
    Column("straight %", "straight_line_percent", "{:.2f}"),
    Column("RPE %", "rpe_trans_percent", "{:.2f}"),
    Column("RPE deg/m", "rpe_rot_deg_per_m", "{:.4f}"),
    Column("coverage", "coverage", "{:.3f}"),
    Column("segments", "segments"),
    Column("failed", "windows_failed"),
    Column("fps", "fps", "{:.2f}"),
    Column("focal px", "focal_px", "{:.1f}"),
    Column("given px", "focal_true_px", "{:.1f}"),
    Column("missed", "missed"),
]
FROM_EVALUATION = (
    "path_length_m",
    "ate_rmse_m",
    "ate_percent",
    "straight_line_percent",
    "rpe_trans_percent",
    "rpe_rot_deg_per_m",
    "scale_drift",
    "coverage",
    "segments",
)


NOTE = (
    "ATE and RPE after Sim(3) alignment of the largest segment; straight: a straight line at constant speed."
    "\ncoverage: share of frames with truth that this segment places (without truth: of all frames, all segments)."
    "\nfps: frames over the seconds of the whole command; failed: windows without usable geometry."
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clips", default=",".join([*TARGETS, *WITHOUT_TRUTH]), help="names, with commas")
    command.add_argument(
        "--camera",
        choices=("given", "none", "both"),
        default="both",
        help="with the clip's intrinsics, without any, or each in turn (clips that have none run without)",
    )


@benchmark(COLUMNS, _options, note=NOTE)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Run the clips that were asked for, one after the other."""
    return (_row(clip, camera, folder, options) for clip, camera in _jobs(options))


def _jobs(options: argparse.Namespace) -> list[tuple[Clip, str]]:
    """Every clip with every knowledge of its camera, those with intrinsics first."""
    clips = [find_clip(name) for name in options.clips.split(",") if name]
    wanted = ("given", "none") if options.camera == "both" else (options.camera,)
    known = [(clip, camera) for camera in wanted for clip in clips if clip.intrinsics]
    return known + [(clip, "none") for clip in clips if not clip.intrinsics]


def _row(clip: Clip, camera: str, folder: Path, options: argparse.Namespace) -> Row:
    words = ["--intrinsics", str(clip.intrinsics)] if camera == "given" else []
    out = folder / f"{Path(clip.name).stem}_{camera}"
    with measured_run(clip.source, out, options, *words) as measured:
        row = {"clip": clip.name, "camera": camera, **measured.speed(), **_quality(clip, measured)}
    target = TARGETS.get(clip.name)
    row["target_percent"] = getattr(target, camera) if target else None
    return row | {"missed": ", ".join(_missed(row)) or None}


def _quality(clip: Clip, measured: Measured) -> Row:
    """What the run says of itself, and how it compares with the truth."""
    found: Row = {key: measured.status.get(key) for key in ("windows", "windows_failed", "segments")}
    focal = measured.status.get("camera", {}).get("focal_px")
    found |= {"focal_px": focal[0] if focal else None, "focal_true_px": _true_focal(clip)}
    if measured.error:
        return found
    try:
        return found | (_against_truth(measured, clip.truth) if clip.truth else placed(measured.directory))
    except Da3StreamError as error:
        return found | {"error": str(error)}


def _against_truth(measured: Measured, truth: Path) -> Row:
    plot = measured.directory / "evaluation.png"
    result = evaluate(measured.directory, truth, format="kitti", plot=plot)
    return {key: result[key] for key in FROM_EVALUATION}


def placed(run: Path) -> Row:
    """The share of the frames of a run that any segment places."""
    facts = info(run)
    return {"coverage": facts["placed"] / facts["frames"] if facts["frames"] else None}


def _true_focal(clip: Clip) -> float | None:
    if clip.intrinsics is None:
        return WITHOUT_TRUTH.get(clip.name)
    from da3_stream.calibration import read_calibration

    return read_calibration(str(clip.intrinsics)).model.fx


def _missed(row: dict[str, Any]) -> list[str]:
    """What falls short of what is asked for."""
    if row.get("error"):
        return [row["error"]]
    missed = []
    if row["target_percent"] is not None:
        missed += ["ATE"] * (row["ate_percent"] > row["target_percent"])
        missed += ["coverage"] * (row["coverage"] < MIN_COVERAGE)
        missed += ["segments"] * (row["segments"] != 1)
    if row["camera"] == "none" and row["focal_px"] and row["focal_true_px"]:
        missed += ["focal"] * (abs(row["focal_px"] / row["focal_true_px"] - 1) > FOCAL_TOLERANCE)
    return missed


if __name__ == "__main__":
    main()
