"""How well is what goes with the camera found? Opaque overlays over the town and real clips, and clips without any.

Each clip is compressed (H.264) and goes through the stage that gives frames their masks, without a reconstruction.
`found` is the share of the overlay's pixels in the last frame's mask and `from` the first frame in whose mask nine
tenths of it are (or of where it begins); `lost` is the share of the other pixels that are masked, as a mean over the
frames, `most lost` that of the worst frame. Fails where less than 95 % is found, or more than 2 % is lost (0.5 % where
there is no overlay).

`--trajectories` reconstructs instead, and compares `ATE` of the largest segment: real clips under a strongly textured
bonnet and under text with their own, and a drive behind a car that keeps its distance with the same drive without it.
Fails where the error is more than twice (`times`) that.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import benchmark, find_clip, tell
from benchmarks.overlay_trajectories import trajectories
from benchmarks.overlays import OVERLAYS, draw_overlay
from benchmarks.tables import Column, Row
from da3_stream.frames import MaskedFrames
from da3_stream.frames.sources.opening import open_source
from da3_stream.settings import FramesSettings
from da3_stream.synthetic import make_town
from da3_stream.types import Frame

UInt8 = NDArray[np.uint8]

TOWNS = {
    "town": {"seed": 3},
    "town, noisy": {"seed": 8, "noise": 2.0, "exposure": 0.2},
    "drone": {"path": "drone", "seed": 4},
    "town, following": {"seed": 6, "cars_ahead": 1},
}
CLIPS = ("kitti07_0-159", "kitti00_c1018", "hololens_000", "r3_house")
WITHOUT_CLIPS = ("kitti06_0-50", "lingbot_loop", "video/test_kitti984.mp4", "video/standing_robot.mp4")
UNDER_OVERLAYS = ("town", "town, noisy", *CLIPS)
LEAST_FOUND, MOST_LOST, MOST_LOST_WITHOUT = 0.95, 0.02, 0.005

COLUMNS = [
    Column("clip", "clip"),
    Column("overlay", "overlay"),
    Column("frames", "frames"),
    Column("area %", "area", "{:.1f}"),
    Column("found %", "found", "{:.1f}"),
    Column("from", "found_from"),
    Column("lost %", "lost", "{:.2f}"),
    Column("most lost %", "most_lost", "{:.2f}"),
    Column("CPU ms/frame", "cpu_ms", "{:.1f}"),
    Column("segments", "segments"),
    Column("ATE %", "ate_percent", "{:.3f}"),
    Column("times", "times", "{:.2f}"),
    Column("missed", "missed"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", type=int, default=100, help="of each clip")
    command.add_argument("--only", default="", help="clips whose name contains this")
    command.add_argument("--trajectories", action="store_true", help="compare trajectories instead of masks")


def _note(rows: Sequence[Row]) -> str:
    if any("times" in row for row in rows):
        return f"as asked for: {sum(not row['missed'] for row in rows)} of {len(rows)} trajectories"
    with_overlay, without = ([row for row in rows if bool(row["overlay"]) is having] for having in (True, False))
    counts = [f"{sum(not row['missed'] for row in part)} of {len(part)}" for part in (with_overlay, without)]
    return f"as asked for: {counts[0]} clips with an overlay, {counts[1]} without"


@benchmark(COLUMNS, _options, note=_note, good=lambda row: not row["missed"])
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Every clip without an overlay, and some with each; or their trajectories."""
    cv2.setNumThreads(1)
    return trajectories(folder, options) if options.trajectories else _masks(options)


def _masks(options: argparse.Namespace) -> Iterator[Row]:
    for name in (*TOWNS, *CLIPS, *WITHOUT_CLIPS, "town, standing"):
        if options.only in name:
            frames = _frames(name, options.frames)
            yield _measured(name, None, frames)
            for overlay in OVERLAYS if name in UNDER_OVERLAYS else ():
                yield _measured(name, overlay, frames)


def _frames(name: str, count: int) -> list[UInt8]:
    if name == "town, standing":
        still = _frames("town", 30)[-1]
        rng = np.random.default_rng(5)
        return [np.clip(still + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(count)]
    if name in TOWNS:
        tell(f"rendering {name}")
        words = dict(TOWNS[name])
        path = str(words.pop("path", "block"))
        return [frame.image for frame in make_town(path, frames=count, **words)]  # type: ignore[arg-type]
    source = open_source(find_clip(name).source, FramesSettings(), None)
    return [frame.image for frame in islice(source, count)]


def _measured(name: str, overlay: str | None, frames: Sequence[UInt8]) -> Row:
    """What the stage finds of an overlay, and what it loses of the rest."""
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    cut = [np.ascontiguousarray(frame[:height, :width]) for frame in frames]
    goes, begins = np.zeros((height, width), np.bool_), 0
    if overlay is not None:
        drawn = draw_overlay(overlay, (width, height), seed=1)
        cut, goes, begins = drawn.over(cut, seed=1), drawn.mask, drawn.begins
    stream = [Frame(k, k / 10, image, str(k)) for k, image in enumerate(_compressed(cut))]
    start = time.process_time()
    masks = [frame.mask for frame in MaskedFrames(stream)]
    cpu_ms = (time.process_time() - start) / len(stream) * 1000
    found = [0.0 if mask is None else float((goes & ~mask).sum() / max(goes.sum(), 1)) for mask in masks]
    lost = [0.0 if mask is None else float((~goes & ~mask).sum() / (~goes).sum()) for mask in masks]
    first = next((k for k, share in enumerate(found) if share >= 0.9 and k >= begins), None)
    row: Row = {"clip": name, "overlay": overlay, "frames": len(stream), "cpu_ms": cpu_ms}
    row |= {"lost": 100 * float(np.mean(lost)), "most_lost": 100 * max(lost)}
    if overlay is not None:
        row |= {"area": 100 * float(goes.mean()), "found": 100 * found[-1]}
        row |= {"found_from": None if first is None else first - begins}
    return row | {"missed": _missed(row)}


def _missed(row: Row) -> str | None:
    without = row["overlay"] is None
    wrong = [] if without or row["found"] >= 100 * LEAST_FOUND else ["found"]
    if row["lost"] > 100 * (MOST_LOST_WITHOUT if without else MOST_LOST):
        wrong.append("lost")
    return ", ".join(wrong) or None


def _compressed(frames: Sequence[UInt8]) -> list[UInt8]:
    """The frames after H.264 at the usual quality (crf 23)."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


if __name__ == "__main__":
    main()
