"""Merging many points: minutes, memory and scratch disk, beside a plain laspy loop that reads and writes them.

Synthetic pages: a camera flies over rolling ground, each page a square of it that overlaps its neighbours by a quarter
of its width. The result is read back: PLY by its header, its length and random slices, LAZ by laspy's chunk iterator.
"""

from __future__ import annotations

import argparse
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.tables import Column, Row
from da3_stream.cloud import Points, write_merged_cloud, write_page
from da3_stream.geometry import Sim3, intrinsics_matrix
from da3_stream.settings import CloudSettings
from da3_stream.store import Run, Scene, Submap, SubmapFrames, create_run, read_run_geometry, write_submap
from da3_stream.types import WindowGeometry

PER_PAGE = 2_000_000
FRAMES = 8  # of a page
SPACING = 0.1  # m between points, and the voxel's edge
HEIGHT_M = 100.0
SHARED = 0.25
COLUMNS = (
    Column("format", "format"),
    Column("in", "points_in", "{:,}"),
    Column("out", "points_out", "{:,}"),
    Column("minutes", "minutes", "{:.1f}"),
    Column("CPU minutes", "cpu_minutes", "{:.1f}"),
    Column("points in a CPU second", "rate", "{:,.0f}"),
    Column("peak RSS MB", "rss_mb", "{:.0f}"),
    Column("scratch GB", "scratch_gb", "{:.2f}"),
    Column("result GB", "result_gb", "{:.2f}"),
    Column("checked", "checked"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--points", type=float, default=5e6, help="to merge")
    command.add_argument("--formats", default="ply,laz", help="of the merged cloud")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    path = folder / f"{options.points:.0f}"
    if not (path / "scene.json").exists():
        make_pages(path, max(1, round(options.points / PER_PAGE)))
    return (child(work, path) for work in (*options.formats.split(","), "laspy loop"))


def make_pages(path: Path, count: int) -> None:
    """A run directory with so many pages of rolling ground, and the depth of their frames."""
    run, scene = create_run(path), Scene("metres")
    side = round(np.sqrt(PER_PAGE)) * SPACING
    across = max(1, round(np.sqrt(count)))
    for submap in range(count):
        corner = (1 - SHARED) * side * np.array([submap % across, submap // across])
        write_submap(run, submap, window(submap, side))
        write_page(run, submap, page(submap, side, corner))
        place = Sim3(1.0, np.eye(3), np.array([*corner, 0.0]))
        scene = scene.with_submap(Submap(submap, 0, (submap * FRAMES, submap * FRAMES + FRAMES - 1), place))
        tell(f"page {submap + 1} of {count}")
    run.write_scene(scene)


def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth under a camera that looks down, by the place in the world."""
    return HEIGHT_M + 2 * np.sin(x / 30) * np.cos(y / 40)


def page(submap: int, side: float, corner: np.ndarray) -> Points:
    """A jittered grid, each point in the frame whose strip it lies in."""
    rng, n = np.random.default_rng(submap), round(side / SPACING)
    x, y = ((np.indices((n, n)).reshape(2, -1)[::-1] + rng.uniform(0, 1, (2, n * n))) * SPACING).astype(np.float32)
    xyz = np.stack([x, y, ground(x + corner[0], y + corner[1])], axis=-1).astype(np.float32)
    frame = (submap * FRAMES + np.minimum(y * FRAMES / side, FRAMES - 1)).astype(np.int32)
    shade = (127 + 60 * np.sin(x / 7)).astype(np.uint8)
    confidence = rng.uniform(1, 20, len(xyz)).astype(np.float32)
    return Points(xyz, np.repeat(shade[:, None], 3, 1), frame, confidence, SPACING)


def window(submap: int, side: float) -> SubmapFrames:
    """Frames above the strips, 96x64 pixels, looking down at flat ground (the hills are within the margin)."""
    k = intrinsics_matrix(60.0, 60.0, 48.0, 32.0)
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, 0, 3], poses[:, 1, 3] = side / 2, (np.arange(FRAMES) + 0.5) * side / FRAMES
    depth = np.full((FRAMES, 64, 96), HEIGHT_M, np.float32)
    indices = np.arange(submap * FRAMES, (submap + 1) * FRAMES)
    images = np.zeros((*depth.shape, 3), np.uint8)
    geometry = WindowGeometry(indices, images, depth, np.ones_like(depth), np.tile(k, (FRAMES, 1, 1)), poses, True)
    return SubmapFrames.from_geometry(geometry, indices / 10.0, np.ones(FRAMES, bool), (96, 64))


def child(work: str, path: Path) -> Row:
    """The row of one merge in a process of its own."""
    tell(work)
    row = in_child("benchmarks.cloud.merge", work, path)
    tell(str(row))
    return row


def timed(work: str, path: str) -> Row:
    """Do it, watch it, read the result back."""
    run, watch = Run(Path(path)), Watch()
    started, cpu = time.perf_counter(), time.process_time()
    count, read, result = laspy_loop(run) if work == "laspy loop" else merged(run, work)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    scratch, rss = watch.end(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "format": work,
        "points_in": read,
        "points_out": count,
        "minutes": seconds / 60,
        "cpu_minutes": cpu_seconds / 60,
        "rate": read / cpu_seconds,
        "rss_mb": rss,
        "scratch_gb": scratch / 1e9,
        "result_gb": result.stat().st_size / 1e9,
        "checked": (checked_ply if result.suffix == ".ply" else checked_laz)(result, count),
    }


class Watch:
    """The largest size that unnamed files of this process reach together."""

    def __init__(self) -> None:
        self._most, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self._most = max(self._most, sum(map(unnamed_size, Path("/proc/self/fd").iterdir())))


def unnamed_size(entry: Path) -> int:
    try:
        return entry.stat().st_size if "(deleted)" in os.readlink(entry) else 0
    except OSError:
        return 0


def merged(run: Run, kind: str) -> tuple[int, int, Path]:
    from da3_stream.cloud import count_points

    geometry = read_run_geometry(run)
    read = sum(count_points(run, submap) for submap in geometry.submaps)
    count = write_merged_cloud(run, geometry, CloudSettings(voxel_m=SPACING, format=kind))
    return count, read, run.path / f"cloud.{kind}"


def laspy_loop(run: Run) -> tuple[int, int, Path]:
    """Read all pages and write their points to one file as they are."""
    import laspy

    out, count = run.path / "copy.laz", 0
    pages = sorted((run.path / "cloud").glob("*.laz"))
    with laspy.open(pages[0]) as first, laspy.open(out, "w", header=first.header) as writer:
        for path in pages:
            with laspy.open(path) as reader:
                for points in reader.chunk_iterator(1 << 18):
                    writer.write_points(points)
                    count += len(points)
    return count, count, out


def checked_laz(path: Path, count: int) -> str:
    import laspy

    with laspy.open(path) as reader:
        assert reader.header.point_count == count
        low, high = reader.header.mins, reader.header.maxs
        seen = 0
        for points in reader.chunk_iterator(1 << 18):
            xyz = np.asarray(points.xyz) if hasattr(points, "xyz") else np.stack([points.x, points.y, points.z], -1)
            assert (xyz >= low - 1e-6).all() and (xyz <= high + 1e-6).all()
            seen += len(points)
    assert seen == count
    return "chunks, header"


def checked_ply(path: Path, count: int) -> str:
    from da3_stream.cloud.voxels import voxel_keys

    vertex = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
    with open(path, "rb") as file:
        head = file.read(1024)
    first = head.index(b"end_header\n") + 11
    assert f"element vertex {count}\n".encode() in head
    assert path.stat().st_size == first + count * vertex.itemsize
    rng = np.random.default_rng(0)
    for start in rng.integers(0, max(1, count - 10_000), 100).tolist():
        part = np.fromfile(path, vertex, 10_000, offset=first + start * vertex.itemsize)
        away = part["xyz"][:, 2] - ground(part["xyz"][:, 0], part["xyz"][:, 1])
        assert np.abs(away).max() < 1e-2 and len(np.unique(voxel_keys(part["xyz"], SPACING))) == len(part)
    if count > 5_000_000:
        return "header, length, 100 slices"
    import trimesh

    assert trimesh.load(path).vertices.shape == (count, 3)
    return "header, length, 100 slices, trimesh"


if __name__ == "__main__":
    serve_child(timed) or main()
