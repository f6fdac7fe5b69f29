"""What do the splats of a frame cost, in time and on the disk?

Frames of the town with their true depth, and at every pixel a Gaussian with random harmonics of degree 2 (noise, which
gets no smaller when it is packed) through what a run does with them: pruned by the frame's own maps and by the views
of the submap, packed and written, and read again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import benchmark
from benchmarks.tables import Column, Row
from da3_stream import Settings
from da3_stream.splats import count_splats, read_splats, window_splats, write_splats
from da3_stream.store import SubmapFrames, create_run
from da3_stream.synthetic import make_town
from da3_stream.types import WindowGeometry
from tests.splats.splat_street import SplatStandIn

COLUMNS = [
    Column("size", "size"),
    Column("frames", "frames"),
    Column("kept a pixel", "kept", "{:.2f}"),
    Column("B/splat", "splat_bytes", "{:.1f}"),
    Column("MB/frame", "frame_mb", "{:.2f}"),
    Column("CPU s/frame to prune", "prune_s", "{:.2f}"),
    Column("to write", "write_s", "{:.2f}"),
    Column("to read", "read_s", "{:.2f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sizes", default="504x378", help="WIDTHxHEIGHT, with commas")
    command.add_argument("--frames", type=int, default=12, help="of a submap")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row a size."""
    for size in options.sizes.split(","):
        width, height = map(int, size.split("x"))
        yield {"size": size, "frames": options.frames, **_costs(folder / size, options.frames, (width, height))}


def _costs(place: Path, count: int, size: tuple[int, int]) -> Row:
    geometry, run, clock = _window(count, size), create_run(place), [time.process_time()]
    frames = SubmapFrames.from_geometry(geometry, np.arange(count) / 10, np.ones(count, bool), size)
    kept = list(window_splats(geometry, frames, Settings()))
    clock.append(time.process_time())
    write_splats(run, 0, kept)
    clock.append(time.process_time())
    for _ in read_splats(run, 0):
        pass
    prune, write, read = np.diff([*clock, time.process_time()]) / count
    splats, disk = count_splats(run, 0), run.splats_path(0).stat().st_size
    times = {"prune_s": prune, "write_s": write, "read_s": read}
    pixels = count * size[0] * size[1]
    return {"kept": splats / pixels, "splat_bytes": disk / splats, "frame_mb": disk / count / 1e6, **times}


def _window(count: int, size: tuple[int, int]) -> WindowGeometry:
    """The truth of frames of the town, with Gaussians."""
    town = make_town("eight", frames=count, size=size)
    frames = list(town)
    depth = np.stack([frame.depth for frame in frames]).astype(np.float32)
    geometry = WindowGeometry(
        frame_indices=np.arange(count),
        images=np.stack([frame.image for frame in frames]),
        depth=depth,
        confidence=(depth > 0).astype(np.float32),
        intrinsics=np.tile(town.intrinsics, (count, 1, 1)),
        window_from_camera=np.stack([frame.world_from_camera for frame in frames]),
        is_metric=True,
    )
    each = SplatStandIn()
    return replace(geometry, gaussians=tuple(each.of_row(geometry, row) for row in range(count)))


if __name__ == "__main__":
    main()
