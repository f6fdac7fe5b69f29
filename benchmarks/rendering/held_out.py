"""Are splats better than coloured points where no frame has been? At held-out poses of a drive through the town.

Both come from the true depth of the other frames: a point, or a splat, for every pixel. "best": only those whose place
no other frame sees from nearer. "fitted": colours corrected four times by what the frames they were made of lack. PSNR
is over all pixels that the town fills, all held-out frames together, over black. Floaters are copies of every fiftieth
splat at 0.4 of its depth; "pruned" is what is left when those that better views see through are dropped, by the
package's own pruning.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import benchmark, tell
from benchmarks.rendering.town_splats import TownSplats, drawn, fitted, seen_best, splats_of_every_pixel
from benchmarks.tables import Column, Row
from da3_stream.rendering import render_points
from da3_stream.settings import Settings
from da3_stream.splats.seen_through import BetterViews
from da3_stream.store import SubmapFrames
from da3_stream.synthetic import make_town
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Gaussians, WindowGeometry

DIAMETERS = (1, 2, 3, 5)
EVERY = 4  # frames of which one is held out
FLOATERS, FLOATS_AT = 50, 0.4
ASKED_DB = 3.0

COLUMNS = [
    Column("drawn", "drawn"),
    Column("how many", "count"),
    Column("PSNR dB", "psnr", "{:.2f}"),
    Column("over the best points dB", "gain", "{:+.2f}"),
    Column("s/picture", "seconds", "{:.2f}"),
    Column("floaters dropped", "floaters", "{:.1%}"),
    Column("others dropped", "others", "{:.1%}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--size", default="160x120", help="of the pictures")
    command.add_argument("--frames", type=int, default=16, help="of the drive, every fourth of them held out")
    command.add_argument("--first", type=int, default=20, help="the first of them")


def _enough(row: Row) -> bool:
    return row["drawn"] != "splats, best, fitted" or row["gain"] >= ASKED_DB


@benchmark(
    COLUMNS,
    _options,
    note=f"asked for: fitted splats {ASKED_DB:g} dB over the best points of both sets.",
    good=_enough,
    settings=False,
)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for each way to draw the town."""
    width, height = map(int, options.size.split("x"))
    tell(f"rendering {options.frames} frames of the town at {options.size}")
    town = make_town("block", frames=300, size=(width, height))
    yield from rows([town.frame(options.first + i) for i in range(options.frames)])


def rows(frames: Sequence[TownFrame]) -> Iterator[Row]:
    """The table for frames of a drive."""
    held = frames[EVERY // 2 :: EVERY]
    every = splats_of_every_pixel([frame for i, frame in enumerate(frames) if i % EVERY != EVERY // 2])
    best = seen_best(every)
    points = [
        _row(f"points, {of}, {d} px", one, held, _points(one, d)) for of, one in _sets(every, best) for d in DIAMETERS
    ]
    limit = max(row["psnr"] for row in points)
    yield from points
    for name, splats in (("splats, every", every), ("splats, best", best), ("splats, best, fitted", fitted(best))):
        row = _row(name, splats, held, _splats(splats))
        yield row | {"gain": row["psnr"] - limit}
    yield from _pruned(best, held, limit)


def _sets(every: TownSplats, best: TownSplats) -> list[tuple[str, TownSplats]]:
    return [("every", every), ("best", best)]


def _points(splats: TownSplats, diameter: int) -> Callable[[TownFrame], NDArray[Any]]:
    def draw(frame: TownFrame) -> NDArray[Any]:
        pose, size = np.linalg.inv(frame.world_from_camera), (frame.image.shape[1], frame.image.shape[0])
        cloud = splats.gaussians.means, splats.colours
        return render_points(*cloud, pose, frame.intrinsics, size, diameter_px=diameter, device="cpu").colour

    return draw


def _splats(splats: TownSplats) -> Callable[[TownFrame], NDArray[Any]]:
    return lambda frame: drawn(splats, frame)


def _row(name: str, splats: TownSplats, held: Sequence[TownFrame], draw: Callable[[TownFrame], NDArray[Any]]) -> Row:
    """Mean PSNR over what the town fills of the held-out frames, and seconds of CPU for a picture."""
    start, errors = time.process_time(), []
    for frame in held:
        filled = frame.depth > 0
        errors.append(((draw(frame)[filled].clip(0, 1) - frame.image[filled] / 255) ** 2).ravel())
    seconds = (time.process_time() - start) / len(held)
    psnr = -10 * np.log10(np.concatenate(errors).mean())
    return {"drawn": name, "count": len(splats), "psnr": float(psnr), "seconds": seconds}


def _pruned(splats: TownSplats, held: Sequence[TownFrame], limit: float) -> Iterator[Row]:
    """With floaters, and without what better views see through."""
    spoilt, floats = with_floaters(splats)
    through = seen_through(spoilt)
    facts = {"floaters": float(through[floats].mean()), "others": float(through[~floats].mean())}
    for name, left, told in (("with floaters", spoilt, {}), ("pruned", spoilt.take(~through), facts)):
        row = _row(f"splats, best, {name}", left, held, _splats(left))
        yield row | {"gain": row["psnr"] - limit} | told


def with_floaters(splats: TownSplats) -> tuple[TownSplats, NDArray[np.bool_]]:
    """The splats with copies of some nearer to their camera, and which [M] these are."""
    copied = np.zeros(len(splats), bool)
    copied[::FLOATERS] = True
    some = splats.take(copied)
    centres = np.stack([frame.world_from_camera[:3, 3] for frame in splats.frames])[some.frame]
    means = (centres + FLOATS_AT * (some.gaussians.means - centres)).astype(np.float32)
    floating = replace(some.gaussians, means=means, scales=some.gaussians.scales * np.float32(FLOATS_AT))
    both = [(getattr(splats.gaussians, name), getattr(floating, name)) for name in vars(floating)]
    arrays = [(splats.frame, some.frame), (splats.pixel, some.pixel), (splats.distance, FLOATS_AT * some.distance)]
    joined = TownSplats(splats.frames, Gaussians(*map(np.concatenate, both)), *map(np.concatenate, arrays))
    return joined, np.arange(len(joined)) >= len(splats)


def seen_through(splats: TownSplats) -> NDArray[np.bool_]:
    """Which [M] the frames see through, as a run would say it that kept them in one submap."""
    frames = splats.frames
    count = len(frames)
    geometry = WindowGeometry(
        frame_indices=np.arange(count),
        images=np.stack([frame.image for frame in frames]),
        depth=np.stack([frame.depth for frame in frames]),
        confidence=np.stack([(frame.depth > 0).astype(np.float32) for frame in frames]),
        intrinsics=np.stack([frame.intrinsics for frame in frames]),
        window_from_camera=np.stack([frame.world_from_camera for frame in frames]),
        is_metric=True,
    )
    size = (frames[0].image.shape[1], frames[0].image.shape[0])
    times = np.array([frame.timestamp for frame in frames])
    submap = SubmapFrames.from_geometry(geometry, times, np.ones(count, bool), size)
    centres = geometry.window_from_camera[splats.frame, :3, 3]
    distance = np.linalg.norm(splats.gaussians.means - centres, axis=1).astype(np.float32)
    return BetterViews.of_submap(submap, Settings().cloud).see_through(splats.gaussians.means, distance)


if __name__ == "__main__":
    main()
