"""Does the driver's memory stay flat over 2,000 windows that actors predict?

Lap after lap of the town, predicted by the truth (see benchmarks/scaling/stub.py), in this process and on actors. What
the graph and the tables of frames take grows with the video; what Ray adds to that must not.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.ray.clusters import cluster, left
from benchmarks.scaling.footprint import rss_bytes
from benchmarks.scaling.stub import Drive, Lap, watched
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.machine import peak_rss_bytes

SIZE, WINDOW, OVERLAP, LAP = (64, 48), 12, 4, 400
STEP = WINDOW - OVERLAP
SETTLED = 0.2  # share of the run before which nothing is asked to be flat
MOST_BYTES_A_FRAME = 600.0  # as for long runs in one process, see benchmarks/scaling/stub.py
MIB = 2**20

COLUMNS = [
    Column("where", "where"),
    Column("windows", "windows"),
    Column("frames", "frames"),
    Column("RSS MiB after a fifth", "first_mib", "{:.1f}"),
    Column("in the middle", "middle_mib", "{:.1f}"),
    Column("at the end", "last_mib", "{:.1f}"),
    Column("bytes a frame, line through the last four fifths", "slope", "{:.0f}"),
    Column("most at any moment, MiB", "peak_mib", "{:.0f}"),
    Column("processes left", "left"),
    Column("seconds", "seconds", "{:.0f}"),
    Column("flat", "flat"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--windows", type=int, default=2000, help="windows of each run")
    command.add_argument("--actors", type=int, default=2, help="actors on the cluster")


@benchmark(COLUMNS, _options, good=lambda row: row["flat"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A run in one process, and one on actors, each with a driver of its own."""
    for actors in (options.actors, 0):
        row = in_child("benchmarks.ray.driver_memory", folder / f"run{actors}", options.windows, actors)
        tell(json.dumps(row))
        yield row


def measure(out: str, windows: str, actors: str) -> Row:
    """One run, in this process or on so many actors."""
    count = int(actors)
    if not count:
        return _driven(Path(out), int(windows), None) | {"where": "in one process"}
    with cluster([count], connect=True):
        row = _driven(Path(out), int(windows), RayEngine(actors=count))
        return row | {"where": f"{count} actors", "left": len(left())}


def _driven(out: Path, windows: int, engine: RayEngine | None) -> Row:
    drive, frames = Drive(Lap.rendered(LAP, SIZE)), WINDOW + (windows - 1) * STEP
    plan = {"windows": {"size": WINDOW, "overlap": OVERLAP}, "loops": {"descriptor": "off"}}
    plan["scale"] = {"camera_height": "off"}  # most of a window's time, and nothing that the engine sees
    begun = time.perf_counter()
    with watched(drive):
        pipeline.run(drive.pictures(frames), out, Settings.build(plan), drive, engine=engine)
    gc.collect()
    at = np.array([mark["frame"] for mark in drive.marks])
    mib = np.array([mark["rss"] for mark in drive.marks]) / MIB
    later = at >= SETTLED * frames
    slope = float(np.polyfit(at[later], mib[later] * MIB, 1)[0])
    middle = mib[np.argmin(abs(at - frames / 2))]
    return {
        "windows": drive.windows,
        "frames": frames,
        "first_mib": float(mib[later][0]),
        "middle_mib": float(middle),
        "last_mib": float(mib[-1]),
        "slope": slope,
        "peak_mib": peak_rss_bytes() / MIB,
        "after_mib": rss_bytes(os.getpid()) / MIB,
        "seconds": time.perf_counter() - begun,
        "flat": "yes" if slope <= MOST_BYTES_A_FRAME else "NO",
    }


if __name__ == "__main__" and not serve_child(measure):
    main()
