"""What does the frame gate buy? Clips as they are, with a stop, with spoilt frames, with a cut; gate off and on.

A stop is one frame repeated with fresh noise; spoilt frames are black, over-exposed or blurred, one in 12; the cut lies
between two clips. Truth: poses of the clip, repeated over the stop.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import benchmark, find_clip, make_town, measured_run, tell
from benchmarks.tables import Column, Row
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate, read_kitti
from da3_stream.frames import GatedFrames, make_gate
from da3_stream.frames.sources.picture import Picture as ReadPicture
from da3_stream.frames.sources.resizing import fit_picture
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame

NOISE_LEVELS = 2.0
SPOILT_EVERY = 12
SIDE = 640

COLUMNS = [
    Column("clip", "clip"),
    Column("what", "scenario"),
    Column("gate", "gate"),
    Column("frames", "frames"),
    Column("predicted", "predicted"),
    Column("windows", "windows"),
    Column("segments", "segments"),
    Column("ATE m", "ate_rmse_m", "{:.3f}"),
    Column("ATE %", "ate_percent", "{:.3f}"),
    Column("coverage", "coverage", "{:.3f}"),
    Column("wall s", "wall_s", "{:.0f}"),
    Column("CPU s", "cpu_s", "{:.0f}"),
    Column("left out", "left_out_by_reason"),
    Column("error", "error"),
]

GATE_COLUMNS = [
    Column("clip", "clip"),
    Column("what", "scenario"),
    Column("frames", "frames"),
    Column("kept", "kept"),
    Column("left out", "left_out_by_reason"),
    Column("cuts before", "cuts"),
    Column("CPU ms/frame", "cpu_ms", "{:.1f}"),
    Column("step m", "step_m", "{:.3f}"),
    Column("off m, median", "off_median_m", "{:.3f}"),
    Column("off m, max", "off_max_m", "{:.3f}"),
]

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Roll:
    """Pictures BGR with their true poses [N,4,4], and the camera."""

    name: str
    pictures: list[Picture]
    poses: NDArray[np.float64]
    intrinsics: str


NOTE = "predicted: frames that windows hold; ATE of the largest segment after Sim(3) alignment, also between frames"
GATE_NOTE = "off: interpolated from where the truth is, the kept poses being the true ones; step: between frames."


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--only-gate", action="store_true", help="no runs: what the gate itself does with the frames")
    command.add_argument("--clips", default="kitti07_0-159", help="names, with commas")
    command.add_argument("--town", type=int, default=300, metavar="N", help="frames of the town, 0 for no town")
    command.add_argument("--stop", type=int, default=60, help="frames of a stop")
    command.add_argument("--frames", type=int, default=None, help="use so many frames of a clip at most")
    command.add_argument("--cut-to", default="kitti06_0-50", help="the clip behind the cut")
    command.add_argument("--scenarios", default="as it is,stop,spoilt,cut", help="which, with commas")


@benchmark(COLUMNS, _options, note=NOTE)
def whole_runs(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Every clip in every scenario, with the gate off and on."""
    for scenario, make in _scenarios(options).items():
        for made in make(folder):
            for gate in ("off", "auto"):
                yield _row(made, scenario, gate, folder, options)


@benchmark(GATE_COLUMNS, _options, note=GATE_NOTE)
def gate_alone(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Every clip in every scenario, before any run."""
    for scenario, make in _scenarios(options).items():
        yield from (_gate_row(made, scenario) for made in make(folder))


def _scenarios(options: argparse.Namespace) -> dict[str, Callable[[Path], list[Roll]]]:
    def rolls(folder: Path) -> list[Roll]:
        found = [_clip(name, options.frames) for name in options.clips.split(",") if name]
        return found + ([_town(folder, options.town)] if options.town else [])

    makers: dict[str, Callable[[Path], list[Roll]]] = {
        "as it is": rolls,
        "stop": lambda folder: [_with_stop(roll, options.stop) for roll in rolls(folder)],
        "spoilt": lambda folder: [_spoilt(roll) for roll in rolls(folder)],
        "cut": lambda folder: [_joined(rolls(folder)[0], _clip(options.cut_to, options.frames))],
    }
    return {name: makers[name] for name in options.scenarios.split(",")}


def _clip(name: str, most: int | None) -> Roll:
    clip = find_clip(name)
    assert clip.truth is not None and clip.intrinsics is not None
    files = sorted(clip.source.iterdir())[:most]
    poses = read_kitti(clip.truth).world_from_camera[: len(files)]
    return Roll(name, [cv2.imread(str(file)) for file in files], poses, str(clip.intrinsics))


def _town(folder: Path, frames: int) -> Roll:
    place = folder / "town"
    if not place.exists():
        make_town(place, frames, (320, 240), depth=False)
    capture, pictures = cv2.VideoCapture(str(place / "town.mp4")), []
    while (read := capture.read())[0]:
        pictures.append(read[1])
    poses = read_kitti(place / "groundtruth_kitti.txt").world_from_camera
    return Roll("town", pictures, poses, str(place / "intrinsics.txt"))


def _with_stop(roll: Roll, frames: int) -> Roll:
    """The camera stands for so many frames in the middle."""
    at, rng = len(roll.pictures) // 2, np.random.default_rng(0)
    stand = [_noisy(roll.pictures[at], rng) for _ in range(frames)]
    pictures = [*roll.pictures[: at + 1], *stand, *roll.pictures[at + 1 :]]
    return Roll(roll.name, pictures, np.insert(roll.poses, [at + 1] * frames, roll.poses[at], axis=0), roll.intrinsics)


def _noisy(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.clip(picture + rng.normal(0, NOISE_LEVELS, picture.shape), 0, 255).astype(np.uint8)


def _spoilt(roll: Roll) -> Roll:
    """One frame in 12 black, over-exposed or blurred, in turn."""
    spoil = (np.zeros_like, _overexposed, lambda picture: cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 120))
    pictures = list(roll.pictures)
    for number, i in enumerate(range(SPOILT_EVERY // 2, len(pictures), SPOILT_EVERY)):
        pictures[i] = spoil[number % len(spoil)](pictures[i])
    return Roll(roll.name, pictures, roll.poses, roll.intrinsics)


def _overexposed(picture: Picture) -> Picture:
    return np.clip(picture.astype(np.int16) + 180, 0, 255).astype(np.uint8)


def _joined(first: Roll, second: Roll) -> Roll:
    """Two clips of one size with a cut between."""
    name = f"{first.name} + {second.name}"
    return Roll(name, first.pictures + second.pictures, np.concatenate([first.poses, second.poses]), first.intrinsics)


def _row(roll: Roll, scenario: str, gate: str, folder: Path, options: argparse.Namespace) -> Row:
    place = folder / "pictures"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for i, picture in enumerate(roll.pictures):
        cv2.imwrite(str(place / f"{i:06d}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    truth = folder / "truth.txt"
    np.savetxt(truth, roll.poses[:, :3].reshape(-1, 12))
    out = folder / f"run_{roll.name.replace(' ', '')}_{scenario.replace(' ', '_')}_{gate}"
    before = _cpu_s()
    with measured_run(place, out, options, "--intrinsics", roll.intrinsics, "--gate", gate) as measured:
        row: Row = {"clip": roll.name, "scenario": scenario, "gate": gate, **measured.speed()}
        row |= {"cpu_s": _cpu_s() - before, "windows": measured.status.get("windows")}
        row["predicted"] = measured.status.get("frames", 0) - measured.status.get("left_out", 0)
        row["left_out_by_reason"] = _words(measured.status.get("left_out_by_reason", {}))
        if not measured.error:
            row |= _quality(out, truth)
    tell(f"{out.name}: ATE {row.get('ate_percent')} %")
    return row


def _gate_row(roll: Roll, scenario: str) -> Row:
    """What the gate leaves of a roll, and how far off interpolation is."""
    frames = [Frame(i, i / 10, _as_read(picture), str(i)) for i, picture in enumerate(roll.pictures)]
    start = time.process_time()
    kept = list(GatedFrames(frames, make_gate("auto", FramesSettings())))
    cpu_s = time.process_time() - start
    left_out = [entry for frame in kept for entry in frame.left_out]
    tell(f"{roll.name}, {scenario}: {len(kept)} of {len(frames)} kept")
    return {
        "clip": roll.name,
        "scenario": scenario,
        "frames": len(frames),
        "kept": len(kept),
        "left_out_by_reason": _words(Counter(entry.reason for entry in left_out)),
        "cuts": ", ".join(str(frame.index) for frame in kept if frame.begins_shot) or None,
        "cpu_ms": 1000 * cpu_s / len(frames),
        "step_m": float(np.nanmedian(np.linalg.norm(np.diff(roll.poses[:, :3, 3], axis=0), axis=1))),
        **_off(roll, kept),
    }


def _as_read(picture: Picture) -> Picture:
    """RGB at the size at which `sfm` has it read."""
    read = ReadPicture(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    fitted = fit_picture(read, read.size, SIDE)
    assert not isinstance(fitted, str)
    return fitted.image


def _off(roll: Roll, kept: list[Frame]) -> Row:
    """Distances of interpolated camera centres from the true ones, along straight lines between the kept ones."""
    centres = roll.poses[:, :3, 3]
    after = [*kept[1:], kept[-1]]
    off = [
        float(np.linalg.norm((1 - e.share) * centres[a.index] + e.share * centres[b.index] - centres[e.index]))
        for a, b in zip(kept, after, strict=True)
        for e in a.left_out
    ]
    return {"off_median_m": float(np.nanmedian(off)), "off_max_m": float(np.nanmax(off))} if off else {}


def _quality(out: Path, truth: Path) -> Row:
    try:
        result = evaluate(out, truth, format="kitti", plot=out / "evaluation.png")
    except Da3StreamError as error:
        return {"error": str(error)}
    return {key: result[key] for key in ("path_length_m", "ate_rmse_m", "ate_percent", "coverage", "segments")}


def _words(counts: Mapping[str, int]) -> str | None:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items()) or None


def _cpu_s() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    gate_alone() if "--only-gate" in sys.argv else whole_runs()
