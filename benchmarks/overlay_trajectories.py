"""What overlays cost the trajectory: painted clips against their own, a drive behind a car against one without it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common import Clip, find_clip, measured_run, tell
from benchmarks.overlays import Draw, bonnet, timestamp
from benchmarks.tables import Row
from da3_stream.evaluation import evaluate
from da3_stream.frames.sources.opening import open_source
from da3_stream.settings import FramesSettings
from da3_stream.synthetic import make_town, write_town

CLIPS = ("kitti07_0-159", "kitti00_c1018")
CLIP_FRAMES = 160
PAINT: dict[str, Draw] = {
    "bonnet, painted": bonnet(35.0, 0.0),  # gradients as strong as those of the cases' bonnet_strong.mp4
    "timestamp": timestamp,
}
DRIVE_SEED, DRIVE_FRAMES = 6, 100
MOST_TIMES = 2.0  # the error of the clip without the overlay, or of the drive without the car


def trajectories(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The errors of all runs, each with its calibration; those without an overlay come first."""
    for name in CLIPS:
        if options.only in name:
            overlays = (None, *PAINT)
            yield from _compared(name, overlays, lambda overlay, name=name: _painted(name, overlay, folder), options)
    if options.only in "town, following":
        cars = (None, "car ahead", "car ahead, --mask off")
        yield from _compared("town, following", cars, lambda car: _drive(0 if car is None else 1, folder), options)


def _compared(
    name: str, overlays: tuple[str | None, ...], made: Callable[[str | None], Clip], options: argparse.Namespace
) -> Iterator[Row]:
    """A row for each overlay; the first is what the others are measured by."""
    own: float | None = None
    for overlay in overlays:
        row = {"clip": name, "overlay": overlay, **_error(made(overlay), overlay, options)}
        error = row["ate_percent"]
        own = error if overlay is None else own
        row["times"] = error / own if error is not None and own else None
        tell(f"{name}, {overlay or 'as it is'}: ATE {row['ate_percent']} %, segments {row.get('segments')}")
        asked_for = overlay is None or not overlay.endswith("off")
        yield row | {"missed": "ATE" if asked_for and (row["times"] or 99.0) > MOST_TIMES else None}


def _error(clip: Clip, overlay: str | None, options: argparse.Namespace) -> Row:
    words = ["--intrinsics", str(clip.intrinsics), "--mask", "off" if (overlay or "").endswith("off") else "auto"]
    with measured_run(clip.source, clip.source.parent / "run", options, *words) as measured:
        row: Row = {"frames": measured.status.get("frames"), "ate_percent": None, "error": measured.error}
        if measured.error is None:
            assert clip.truth is not None
            found = evaluate(measured.directory, clip.truth, format="kitti")
            row |= {key: found[key] for key in ("frames", "segments", "ate_percent")}
    return row


def _painted(name: str, overlay: str | None, folder: Path) -> Clip:
    """The first frames of a clip under an overlay, as pictures."""
    clip, there = find_clip(name), folder / f"{name} {overlay}" / "images"
    there.mkdir(parents=True, exist_ok=True)
    frames = [frame.image for frame in islice(open_source(clip.source, FramesSettings(), None), CLIP_FRAMES)]
    if overlay is not None:
        height, width = frames[0].shape[:2]
        frames = PAINT[overlay]((width, height), np.random.default_rng(1)).over(frames, seed=1)
    for k, frame in enumerate(frames):
        cv2.imwrite(str(there / f"{k:06d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return Clip(name, there, clip.truth, clip.intrinsics)


def _drive(cars_ahead: int, folder: Path) -> Clip:
    """A drive through the town, behind so many cars that keep their distance."""
    there = folder / f"drive {cars_ahead}"
    if not (there / "town.mp4").exists():
        tell(f"rendering {there.name}")
        write_town(make_town("block", frames=DRIVE_FRAMES, seed=DRIVE_SEED, cars_ahead=cars_ahead), there)
    return Clip(there.name, there / "town.mp4", there / "groundtruth_kitti.txt", there / "intrinsics.txt")
