"""Are the seeds of an export for splats, and its inverse depth, those of the scene? Against the town's truth."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.common import benchmark, make_town, measured_run
from benchmarks.tables import Column, Row
from da3_stream.export.exporting import export_run
from da3_stream.store import RunReader
from da3_stream.synthetic import make_town as town_of

COLUMNS = [
    Column("town", "town"),
    Column("images", "images"),
    Column("on tracks", "tracks"),
    Column("seeds", "seeds"),
    Column("images that see one", "views", "{:.1f}"),
    Column("off %", "off_percent", "{:.2f}"),
    Column("90 %", "off_90_percent", "{:.2f}"),
    Column("far off %", "far_percent", "{:.2f}"),
    Column("colour", "colour", "{:.1f}"),
    Column("inverse depth %", "inverse_percent", "{:.4f}"),
    Column("believed", "believed"),
    Column("seconds", "seconds", "{:.0f}"),
]
NOTE = (
    "off: of a seed's depth in images that see it, from the town's depth at its pixel, median and 90 % (a scale for "
    "each image is taken out); far off: by more than 10 %; colour: mean difference from the town's picture there, of "
    "255, median; inverse depth: by the formula of Inria's trainer, from the run's, median; believed: maps that the "
    "trainer does not leave out by their scale."
)
FAR = 0.1


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--towns", default="320x240,640x480", help="by the size of pictures")
    command.add_argument("--frames", type=int, default=150, help="length of the drives")
    command.add_argument("--seeds", type=int, default=100_000, help="asked for")


@benchmark(COLUMNS, _options, note=NOTE)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row per town."""
    for name in options.towns.split(","):
        width, height = map(int, name.split("x"))
        town = make_town(folder / f"{name}_truth", options.frames, (width, height), depth=True)
        words = ["--intrinsics", str(town / "intrinsics.txt")]
        with measured_run(town / "town.mp4", folder / name, options, *words) as measured:
            if measured.error:
                raise SystemExit(f"{name}: {measured.error}")
            yield {"town": name, **_row(measured.directory, town, folder / f"{name}_3dgs", (width, height), options)}


def _row(run: Path, town: Path, out: Path, size: tuple[int, int], options: argparse.Namespace) -> Row:
    import pycolmap

    start = time.perf_counter()
    export_run(run, "3dgs", out, {"seeds": options.seeds}, overwrite=True)
    seconds = time.perf_counter() - start
    model = pycolmap.Reconstruction(str(out / "sparse" / "0"))
    seeds = {number for number, point in model.points3D.items() if point.error < 1e-3}  # keypoints are off by more
    off, colour = _errors(model, seeds, town, town_of("block", frames=options.frames, size=size))
    return {
        "images": model.num_images(),
        "tracks": model.num_points3D() - len(seeds),
        "seeds": len(seeds),
        "views": float(np.mean([model.point3D(number).track.length() for number in seeds])),
        "off_percent": 100 * float(np.median(off)),
        "off_90_percent": 100 * float(np.quantile(off, 0.9)),
        "far_percent": 100 * float(np.mean(off > FAR)),
        "colour": float(np.median(colour)),
        **_inverse_depth(run, out, model),
        "seconds": seconds,
    }


def _errors(model: Any, seeds: set[int], folder: Path, town: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of every seed in every tenth image: relative error of depth, and difference of colour."""
    off, colours = [], []
    for image in sorted(model.images.values(), key=lambda image: image.name)[::10]:
        index = int(Path(image.name).stem)
        seen = [point for point in image.get_observation_points2D() if point.point3D_id in seeds]
        column, row = np.array([point.xy for point in seen]).astype(int).T
        points = [model.point3D(point.point3D_id) for point in seen]
        depth = np.array([(image.cam_from_world() * point.xyz)[2] for point in points])
        truth = np.load(folder / "depth" / f"{index:06d}.npy")[row, column]
        known = truth > 0
        ratio = depth[known] / truth[known]
        off.append(np.abs(ratio / np.median(ratio) - 1))
        shown = town.frame(index).image[row, column].astype(float)
        colours.append(np.abs(np.array([point.color for point in points]) - shown).mean(axis=1))
    return np.concatenate(off), np.concatenate(colours)


def _inverse_depth(run: Path, out: Path, model: Any) -> Row:
    """By the trainer's own steps: count / 2^16 * scale + offset, beside the run's depth."""
    reader = RunReader.open(run)
    params = json.loads((out / "sparse" / "0" / "depth_params.json").read_text())
    middle = np.median([entry["scale"] for entry in params.values() if entry["scale"] > 0])
    errors, believed = [], 0
    for image in model.images.values():
        stem = str(Path(image.name).with_suffix(""))
        scale, offset = params[stem]["scale"], params[stem]["offset"]
        if not 0.2 * middle <= scale <= 5 * middle:
            continue
        believed += 1
        inverse = cv2.imread(str(out / "depths" / f"{stem}.png"), -1).astype(np.float32) / 2**16 * scale + offset
        depth, confidence, _ = reader.depth(int(Path(image.name).stem))
        known = (depth > 0) & (confidence > 0)
        errors.append(np.abs(inverse * depth - 1)[known])
    return {"inverse_percent": 100 * float(np.median(np.concatenate(errors))), "believed": believed}


if __name__ == "__main__":
    main()
