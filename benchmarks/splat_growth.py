"""Do memory and disk stay in bounds over 500 windows that keep their splats?

A small Depth Anything 3 with the Gaussian head and seeded weights, over laps of the town, with and without --gaussians,
each in a process of its own. Memory is what is resident after every twentieth window, after garbage collection and
without what was freed; "grows" is a line through the last four fifths of it. The weights are of no use: nothing of the
picture is measured here, and depth is so rough that its steps are allowed (cloud.max_depth_step), or nothing were kept.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.scaling.stub import Drive, Lap, watched
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.da3 import DepthAnything3
from da3_stream.machine import peak_rss_bytes
from da3_stream.predictors.da3 import Da3Predictor
from da3_stream.splats import bytes_each, count_splats
from da3_stream.store import RunReader
from da3_stream.types import Frame, WindowGeometry
from tests.predictors.test_da3_predictor import ANY_VIEW, SPLATS, write_checkpoint

SIZE, LAP = (56, 42), 200
SETTLED = 0.2  # share of the run before which nothing is asked to be flat
MOST_BYTES_A_FRAME = 1000.0
GIANT = 504 * 378  # pixels of a frame of the released models
MIB = 2**20

COLUMNS = [
    Column("--gaussians", "gaussians"),
    Column("windows", "windows"),
    Column("of frames", "window"),
    Column("shared", "overlap"),
    Column("frames", "frames"),
    Column("RSS MiB after a fifth", "first_mib", "{:.1f}"),
    Column("at the end", "last_mib", "{:.1f}"),
    Column("grows, B/frame", "slope", "{:.0f}"),
    Column("most, MiB", "peak_mib", "{:.0f}"),
    Column("splats a pixel", "kept", "{:.3f}"),
    Column("disk B/splat", "splat_bytes", "{:.1f}"),
    Column("disk kB/frame", "frame_kb", "{:.1f}"),
    Column("of it splats", "splats_kb", "{:.1f}"),
    Column("at most, MB/frame of 504x378", "most_mb", "{:.1f}"),
    Column("seconds", "seconds", "{:.0f}"),
    Column("flat", "flat"),
]


@dataclass
class TinyDrive(Drive):
    """Lap after lap of pictures, predicted by the small network."""

    inner: Da3Predictor = field(kw_only=True)
    gives_descriptors: bool = False
    window_size: int = field(kw_only=True)
    window_overlap: int = field(kw_only=True)

    @property
    def gives_gaussians(self) -> bool:
        """As of the network's predictor."""
        return self.inner.gives_gaussians

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """As the network sees the frames."""
        return self.inner.predict(frames)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--windows", type=int, default=500, help="windows of each run")
    command.add_argument("--size", type=int, default=30, help="frames in a window")
    command.add_argument("--overlap", type=int, default=6, help="frames that neighbouring windows share")


@benchmark(COLUMNS, _options, good=lambda row: row["flat"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A run without splats, and one with them."""
    for kept in ("no", "yes"):
        words = (options.windows, options.size, options.overlap, kept)
        row = in_child("benchmarks.splat_growth", folder / kept, *words)
        tell(json.dumps(row))
        yield row


def measure(folder: str, windows: str, size: str, overlap: str, kept: str) -> Row:
    """One run."""
    window, shared, place, wanted = int(size), int(overlap), Path(folder), kept == "yes"
    frames = window + (int(windows) - 1) * (window - shared)
    model = DepthAnything3.from_pretrained(write_checkpoint(place / "model", ANY_VIEW | SPLATS), "cpu")
    inner = Da3Predictor(model, resolution=SIZE[0], gaussians=wanted)
    drive = TinyDrive(Lap.rendered(LAP, SIZE), inner=inner, window_size=window, window_overlap=shared)
    tree = {"splats": {"gaussians": wanted}, "loops": {"descriptor": "off"}, "cloud": {"max_depth_step": 1e3}}
    begun = time.perf_counter()
    with watched(drive):
        pipeline.run(drive.pictures(frames), place / "run", Settings.build(tree), drive)
    seconds = time.perf_counter() - begun
    memory, disk = _memory(drive, frames), _disk(place / "run", frames)
    row = {"gaussians": kept, "windows": drive.windows, "window": window, "overlap": shared, "frames": frames}
    return row | memory | disk | {"seconds": seconds}


def _memory(drive: Drive, frames: int) -> Row:
    at = np.array([mark["frame"] for mark in drive.marks])
    mib = np.array([mark["rss"] for mark in drive.marks]) / MIB
    later = at >= SETTLED * frames
    slope = float(np.polyfit(at[later], mib[later] * MIB, 1)[0])
    flat = "yes" if slope <= MOST_BYTES_A_FRAME else "NO"
    peak = peak_rss_bytes() / MIB
    return {"first_mib": mib[later][0], "last_mib": mib[-1], "slope": slope, "peak_mib": peak, "flat": flat}


def _disk(run: Path, frames: int) -> Row:
    """Bytes of the run's stored submaps, and of their splats, where there are any."""
    reader = RunReader.open(run)
    sizes = {name: sum(f.stat().st_size for f in run.glob(f"{name}/*")) for name in ("windows", "cloud", "splats")}
    row: Row = {"frame_kb": sum(sizes.values()) / frames / 1000, "splats_kb": sizes["splats"] / frames / 1000}
    if not sizes["splats"]:
        return row
    count = sum(count_splats(reader.run, submap) for submap in reader.geometry.submaps)
    most = bytes_each(2) * GIANT / 1e6
    return row | {"kept": count / frames / np.prod(SIZE), "splat_bytes": sizes["splats"] / count, "most_mb": most}


if __name__ == "__main__" and not serve_child(measure):
    main()
