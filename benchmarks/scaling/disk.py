"""How much disk does a run take at its worst moment, and what of it stays? Bytes a pixel and frame, and for a long run.

Runs go into a file system of their own (tmpfs; needs the right to mount), so that scratch files without a name count.
Every clip is run to its half and whole: the difference tells what grows, the rest is there whatever the length (the
last window's geometry, for whoever goes on after a kill, twice while it is replaced) and follows the size of a frame.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import Clip, Measured, benchmark, find_clip, make_town, measured_run
from benchmarks.tables import Column, Row

LONG = (4500, 504, 378)  # frames, width and height of the run that is asked about
MOST = 4.0  # GiB, of all that it may take; today's best known pipeline takes 47
KINDS = ("windows", "cloud", "places")

COLUMNS = [
    Column("clip", "clip"),
    Column("frames", "frames"),
    Column("size", "size"),
    Column("window", "window"),
    Column("windows B/px", "windows", "{:.2f}"),
    Column("pages B/px", "cloud", "{:.2f}"),
    Column("places B/frame", "places", "{:.0f}"),
    Column("cloud.ply B/px", "ply", "{:.2f}"),
    Column("all that stays B/px", "stays", "{:.2f}"),
    Column("peak MiB, half", "half_mib", "{:.0f}"),
    Column("whole", "peak_mib", "{:.0f}"),
    Column("grows by B/px", "slope", "{:.2f}"),
    Column("constant MiB", "constant_mib", "{:.0f}"),
    Column("4500 frames 504x378, peak GiB", "long_gib", "{:.2f}"),
    Column("at most 4", "held"),
]


class Watch:
    """The largest use of a file system while a block runs, looked at ten times a second."""

    def __init__(self, place: Path) -> None:
        self._place, self._left, self.peak = place, threading.Event(), 0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._left.wait(0.1):
            facts = os.statvfs(self._place)
            self.peak = max(self.peak, (facts.f_blocks - facts.f_bfree) * facts.f_frsize)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clips", default="town,hololens_000,kitti07_0-159", help="names, with commas")
    command.add_argument("--town-frames", type=int, default=240, help="length of the town at 504x378")


@benchmark(COLUMNS, _options)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row per clip."""
    return (_row(clip, folder, options) for clip in _clips(folder, options))


def _clips(folder: Path, options: argparse.Namespace) -> Iterator[Clip]:
    for name in options.clips.split(","):
        if name == "town":
            yield Clip("town", make_town(folder / "town", options.town_frames, LONG[1:], depth=False) / "town.mp4")
        else:
            yield find_clip(name)


def _row(clip: Clip, folder: Path, options: argparse.Namespace) -> Row:
    whole = _measured(clip, folder, options)
    half = _measured(clip, folder, options, "--max-frames", str(whole["frames"] // 2))
    slope = (whole["peak"] - half["peak"]) / (whole["pixels"] - half["pixels"])
    constant = whole["peak"] - slope * whole["pixels"]
    frames, pixels = LONG[0], LONG[1] * LONG[2]
    larger = max(pixels / (whole["pixels"] / whole["frames"]), 1.0)
    long_gib = (slope * frames * pixels + constant * larger) / 2**30
    return {
        "clip": clip.name,
        **whole,
        "half_mib": half["peak"] / 2**20,
        "peak_mib": whole["peak"] / 2**20,
        "slope": slope,
        "constant_mib": constant / 2**20,
        "long_gib": long_gib,
        "held": "yes" if long_gib <= MOST else "NO",
    }


def _measured(clip: Clip, folder: Path, options: argparse.Namespace, *more: str) -> dict[str, Any]:
    """What one run takes at its worst moment and leaves, in bytes."""
    words = ["--intrinsics", str(clip.intrinsics)] if clip.intrinsics else []
    with (
        _disk(folder / f"disk_{clip.name}") as place,
        Watch(place) as watch,
        measured_run(clip.source, place / "run", options, *words, *more) as measured,
    ):
        found = _found(measured)
    return {**found, "peak": watch.peak}


def _found(measured: Measured) -> dict[str, Any]:
    """What the finished run directory holds."""
    if measured.error:
        raise SystemExit(f"{measured.directory}: {measured.error}")
    out, frames = measured.directory, measured.status["frames"]
    width, height = _worked_on(out)
    pixels = frames * width * height
    sizes = {kind: _bytes(out / kind) for kind in KINDS}
    return {
        "frames": frames,
        "size": f"{width}x{height}",
        "window": measured.status["window_size"],
        "pixels": pixels,
        "windows": sizes["windows"] / pixels,
        "cloud": sizes["cloud"] / pixels,
        "places": sizes["places"] / frames,
        "ply": (out / "cloud.ply").stat().st_size / pixels,
        "stays": _bytes(out) / pixels,
    }


def _worked_on(out: Path) -> tuple[int, int]:
    from da3_stream.store import open_run, read_run_geometry

    return next(iter(read_run_geometry(open_run(out)).submaps.values())).depth_size


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def _disk(place: Path) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8g", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


if __name__ == "__main__":
    main()
