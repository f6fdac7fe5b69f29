"""Does an export's memory grow with the length of the run, and is it slower than before? Peak memory and seconds of
every format, each in a child process, on flights over a textured ground of different lengths, or on any run.

With --before, another checkout's program exports the same in turn; ratios are those of the medians of seconds, and of
CPU seconds of the whole process, start of the interpreter included.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import ROOT, Column, Row
from da3_stream.cloud import window_points, write_page
from da3_stream.export.exporting import export_run
from da3_stream.export.formats import FORMATS
from da3_stream.geometry import Sim3, intrinsics_matrix, pixel_centres
from da3_stream.settings import CloudSettings
from da3_stream.store import Georeference, Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.types import WindowGeometry

FRAMES = 50  # of a window
SIZE, LARGE = (192, 128), (384, 256)  # of depth and input
HEIGHT_M, STEP_M, FPS = 30.0, 0.5, 10
VOXEL_M = 0.05  # so fine that the clouds of the short flight already fill the tiles of a merge
CLOUDS = ("ply", "las", "laz", "copc", "tiles", "3dtiles", "glb", "rrd")
COLUMNS = (
    Column("format", "format"),
    Column("frames", "frames"),
    Column("peak MiB", "peak_mib", "{:.0f}"),
    Column("over reading the run, MiB", "more_mib", "{:.0f}"),
    Column("seconds", "seconds", "{:.1f}"),
    Column("before", "before_s", "{:.1f}"),
    Column("ratio", "ratio", "{:.2f}"),
    Column("of CPU", "cpu_ratio", "{:.2f}"),
    Column("result MB", "result_mb", "{:.1f}"),
    Column("what", "said"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", default="500,2000", help="lengths of the flights")
    command.add_argument("--formats", default=",".join(FORMATS), help="which")
    command.add_argument("--run", type=Path, metavar="DIR", help="a run in metres instead of flights")
    command.add_argument("--before", type=Path, metavar="DIR", help="a checkout of earlier, to be compared with")
    command.add_argument("--rounds", type=int, default=1, help="exports of each format, of which the median counts")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    if options.run is not None:
        yield from measured(folder, options.run.resolve(), options)
        return
    for count in map(int, options.frames.split(",")):
        run = folder / f"flight_{count}"
        if not (run / "scene.json").exists():
            make_flight(folder, run, count)
        yield from measured(folder, run, options)


def measured(folder: Path, run: Path, given: Any) -> list[Row]:
    """A row for every format on a run."""
    names = ["(reader only)", *given.formats.split(",")]
    rows = [compared(run, name, folder / "export", given) for name in names]
    count = json.loads((run / "run.json").read_text())["frames"]
    for row in rows:
        row |= {"frames": count, "more_mib": row["peak_mib"] - rows[0]["peak_mib"]}
    return rows


def compared(run: Path, name: str, path: Path, given: Any) -> Row:
    """The median of a format's exports, beside those of the checkout of before, in turn."""
    now: list[Row] = []
    before: list[Row] = []
    for _ in range(given.rounds):
        if given.before is not None:
            before.append(child(run, name, path, given.before.resolve()))
        now.append(child(run, name, path, ROOT))
    row = now[0] | {key: median(each[key] for each in now) for key in ("seconds", "cpu_s")}
    if before and (before[0]["result_mb"] or name not in FORMATS):  # a format that was not there writes nothing
        row["before_s"], before_cpu_s = (median(each[key] for each in before) for key in ("seconds", "cpu_s"))
        row |= {"ratio": row["seconds"] / row["before_s"], "cpu_ratio": row["cpu_s"] / before_cpu_s}
    tell(f"{run.name} {name}: {row}")
    return row


def child(run: Path, name: str, path: Path, code: Path) -> Row:
    """What `timed` of a checkout measures in a process of its own, and that process's CPU seconds."""
    start = _cpu_s()
    row = in_child("benchmarks.export", run, name, path, folder=code)
    return row | {"cpu_s": _cpu_s() - start}


def _cpu_s() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(run: str, name: str, path: str) -> Row:
    """Export, or where the name is no format only read what every export reads."""
    from da3_stream.store import RunReader

    start, summary, size = time.perf_counter(), "", 0
    if name in FORMATS:
        fine = {"voxel_m": VOXEL_M} if name in CLOUDS else {}
        target, summary = export_run(Path(run), name, Path(f"{path}_{name}"), fine, overwrite=True)
        files = [target] if target.is_file() else [file for file in target.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
    else:
        RunReader.open(Path(run))
    seconds = time.perf_counter() - start
    return {
        "format": name,
        "seconds": seconds,
        "peak_mib": status_mib("VmHWM"),
        "result_mb": size / 1e6,
        "said": summary,
    }


def make_flight(folder: Path, path: Path, count: int) -> None:
    """A run directory, and the video beside it."""
    tell(f"making a flight of {count} frames")
    film = folder / f"flight_{count}.mp4"
    run, scene = create_run(path), Scene("metres", georeference=Georeference("EPSG:32632", Sim3(1.0, DOWN, PLACE)))
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
        for submap in range(-(-count // FRAMES)):
            indices = np.arange(submap * FRAMES, min(count, (submap + 1) * FRAMES))
            add_window(run, submap, indices)
            scene = scene.with_submap(Submap(submap, 0, (int(indices[0]), int(indices[-1])), origin(indices[0])))
            for index in indices.tolist():
                picture = ground(index, LARGE)[1]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    run.write_scene(scene)
    run.write_status(status(film, count))


DOWN = np.diag([1.0, -1.0, -1.0])  # east, north, up from the camera's right, down, ahead
PLACE = [5e5, 5.3e6, 700.0]


def status(film: Path, count: int) -> Row:
    return {
        "state": "finished",
        "frames": count,
        "input": {"name": film.name, "kind": "video", "paths": [str(film.resolve())], "size": LARGE},
        "source_indices": list(range(count)),
        "timestamps": [index / FPS for index in range(count)],
        "has_times": True,
        "fps": FPS,
    }


def origin(index: int) -> Sim3:
    """Where the camera of a frame is."""
    return Sim3(1.0, np.eye(3), [STEP_M * index, 0.0, 0.0])


def add_window(run: Run, submap: int, indices: np.ndarray) -> None:
    """Depth, pictures, masks of the sky and points of a submap."""
    seen = [ground(index, SIZE) for index in indices.tolist()]
    depth, images = np.stack([one[0] for one in seen]), np.stack([one[1] for one in seen])
    poses = np.tile(np.eye(4), (len(indices), 1, 1))
    poses[:, 0, 3] = STEP_M * (indices - indices[0])
    geometry = WindowGeometry(
        frame_indices=indices,
        images=images,
        depth=depth,
        confidence=1 + (depth / HEIGHT_M),
        intrinsics=np.tile(camera(SIZE), (len(indices), 1, 1)),
        window_from_camera=poses,
        is_metric=True,
        sky=np.zeros(depth.shape, np.bool_),
    )
    owned = np.ones(len(indices), np.bool_)
    write_submap(run, submap, SubmapFrames.from_geometry(geometry, indices / FPS, owned, LARGE, images=tuple(images)))
    write_page(run, submap, window_points(geometry, owned, CloudSettings(voxel_m=VOXEL_M), 1.0))


def ground(index: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Depth [H,W] float32 and picture [H,W,3] of hills under a camera that looks down, by the place in the world."""
    k = camera(size)
    rays = (pixel_centres(size[1], size[0]) - k[:2, 2]) / k[0, 0]
    depth = np.full(rays.shape[:2], HEIGHT_M)
    for _ in range(4):  # the hills are gentle: this converges
        x, y = rays[..., 0] * depth + STEP_M * index, rays[..., 1] * depth
        depth = HEIGHT_M + 2 * np.sin(x / 15) * np.cos(y / 20)
    at = [(64 * axis % 2000).astype(np.float32) for axis in (x, y)]
    return depth.astype(np.float32), np.asarray(cv2.remap(texture(), *at, cv2.INTER_LINEAR))


def camera(size: tuple[int, int]) -> np.ndarray:
    return intrinsics_matrix(0.9 * size[0], 0.9 * size[0], size[0] / 2, size[1] / 2)


@cache
def texture() -> np.ndarray:
    """Noise of several scales [2001,2001,3]."""
    rng = np.random.default_rng(0)
    layers = [rng.integers(0, 256, (n, n, 3), dtype=np.uint8) for n in (16, 64, 250, 500)]
    large = [cv2.resize(layer, (2001, 2001), interpolation=cv2.INTER_CUBIC) for layer in layers]
    return np.mean(large, axis=0).astype(np.uint8)


if __name__ == "__main__":
    serve_child(timed) or main()
