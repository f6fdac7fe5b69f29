"""Clouds with levels of detail, and LAZ tiles, of many points: speed, memory and scratch disk, beside plain laspy.

Made-up points of a drive: chunks that overlap, without any order within. COPC and 3D Tiles are sorted into an octree,
tiles into its leaves; laspy writes the same points to one LAZ file as they come. Results are read back: their points in
boxes at random are as many as the points that were made there.
"""

from __future__ import annotations

import argparse
import json
import resource
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.cloud.merge import Watch
from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.tables import Column, Row
from da3_stream.cloud import FileAxes, FusedCloud, write_copc, write_tiles
from da3_stream.cloud.fusion.spill import SpillFile
from da3_stream.cloud.octree.cube import TILE_DEPTH, tile_codes
from da3_stream.cloud.octree.leaves import build_leaves

CHUNK = 1 << 20
VOXEL = 0.1  # m, the points' distance about
WIDTH, STEP_M = 200.0, 50.0  # of the drive, and how far a chunk is from the one before
TILE = 1 << 21  # points of a tile, as in the merged cloud
BOXES = 20
RECORD = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3), ("confidence", "<f4"), ("frame", "<i4")])
COLUMNS = (
    Column("writes", "work"),
    Column("points", "points", "{:,}"),
    Column("minutes", "minutes", "{:.1f}"),
    Column("CPU minutes", "cpu_minutes", "{:.1f}"),
    Column("points in a CPU second", "rate", "{:,.0f}"),
    Column("of laspy's", "share", "{:.0%}"),
    Column("peak RSS MB", "rss_mb", "{:.0f}"),
    Column("scratch GB", "scratch_gb", "{:.2f}"),
    Column("result GB", "result_gb", "{:.2f}"),
    Column("files", "files", "{:,}"),
    Column("checked", "checked"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--points", type=float, default=5e6)


@benchmark(COLUMNS, _options, settings=False, good=lambda row: row["share"] >= 0.25 and row["rss_mb"] < 1000)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    plain = None
    for work in WORKS:
        tell(work)
        row = in_child("benchmarks.octree", work, folder, round(options.points))
        plain = plain or row["rate"]
        tell(str(row))
        yield row | {"share": row["rate"] / plain}


def chunks(points: int) -> Iterator[np.ndarray]:
    """Records of a street with facades, seen from a drive along x."""
    for first in range(0, points, CHUNK):
        rng, count = np.random.default_rng(first), min(CHUNK, points - first)
        records, u = np.zeros(count, RECORD), rng.random((3, count), np.float32)
        x = first / CHUNK * STEP_M + 1.5 * STEP_M * u[0]
        y, facade = WIDTH * (u[1] - 0.5), u[2] < 0.2
        records["xyz"] = np.stack([x, np.where(facade, 12 * np.sign(y), y), np.where(facade, 75 * u[2], 0)], axis=-1)
        records["xyz"][:, 2] += 2 * np.sin(x / 30) * np.cos(y / 40)
        records["rgb"] = (127 + 60 * np.sin(x / 7))[:, None]
        records["confidence"], records["frame"] = 1 + np.floor(16 * u[1]), (x * 4).astype(np.int32)
        yield records


def made_cloud(points: int, tiles: Iterator[tuple[int, np.ndarray]]) -> FusedCloud:
    return FusedCloud("metres", VOXEL, points / CHUNK * STEP_M + 2 * WIDTH, RECORD, tiles)


def plain_laspy(path: Path, points: int) -> Path:
    import laspy

    header = laspy.LasHeader(point_format=7, version="1.4")
    header.add_extra_dims([laspy.ExtraBytesParams("confidence", np.float32), laspy.ExtraBytesParams("frame", np.int32)])
    header.scales = np.full(3, 0.001)
    with laspy.open(path / "plain.laz", "w", header=header) as writer:
        for records in chunks(points):
            las = laspy.ScaleAwarePointRecord.zeros(len(records), header=header)
            las.x, las.y, las.z = records["xyz"].T
            las.red, las.green, las.blue = records["rgb"].T.astype(np.uint16) * 257
            las.confidence, las.frame = records["confidence"], records["frame"]
            writer.write_points(las)
    return path / "plain.laz"


def copc(path: Path, points: int) -> Path:
    cloud = made_cloud(points, enumerate(chunks(points)))
    write_copc(path / "cloud.copc.laz", cloud, FileAxes.world("metres"))
    return path / "cloud.copc.laz"


def tiles(path: Path, points: int) -> Path:
    """Sorted as `fuse_pages` does it: into the leaves of an octree that a sample tells."""
    codes = np.concatenate([tile_codes(records["xyz"][::256], VOXEL) for records in chunks(points)])
    leaves = build_leaves(codes, TILE_DEPTH, TILE // 256)
    with tempfile.TemporaryFile(dir=path) as file:
        spill = SpillFile(file, RECORD)
        for records in chunks(points):
            spill.add(leaves.leaf_of(tile_codes(records["xyz"], VOXEL)), records)
        sorted_tiles = ((tile, np.concatenate(list(spill.chunks(tile, CHUNK)))) for tile in spill.tiles())
        write_tiles(path / "tiles", made_cloud(points, sorted_tiles), FileAxes.world("metres"))
    return path / "tiles"


def tiles_3d(path: Path, points: int) -> Path:
    """On the Earth at 11.6° east, 48.1° north, through UTM."""
    from da3_stream.cloud.axes import Anchor
    from da3_stream.export.tiles3d.exporting import write_3dtiles
    from da3_stream.geometry import Sim3

    origin = np.array([691_000.0, 5_334_000.0, 520.0])
    anchor = Anchor("EPSG:32632", Sim3(1.0, np.eye(3), origin), origin, 11.567, 48.13, 520.0)
    axes = FileAxes("map", Sim3.identity(), "metres", "z", None, anchor)
    folder = path / "3dtiles"
    folder.mkdir()
    write_3dtiles(folder, made_cloud(points, enumerate(chunks(points))), axes)
    return folder


def boxes(points: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lower and upper corners of boxes of 5 to 50 m along the drive."""
    rng = np.random.default_rng(1)
    low = rng.random((BOXES, 3)) * [points / CHUNK * STEP_M, WIDTH, 10] - [0, WIDTH / 2, 3]
    return list(zip(low, low + rng.uniform(5, 50, (BOXES, 1)), strict=True))


def made_in_boxes(points: int) -> list[int]:
    counts = np.zeros(BOXES, np.int64)
    for records in chunks(points):
        counts += in_boxes(np.rint(records["xyz"].astype(np.float64) / 0.001), points)
    return counts.tolist()


def in_boxes(steps: np.ndarray, points: int) -> list[int]:
    """How many of a chunk's points [M,3], in millimetres, lie in each box."""
    first, last, counts = steps[:, 0].min(), steps[:, 0].max(), []
    for ends in boxes(points):
        low, high = (np.round(1000 * end) for end in ends)
        apart = last < low[0] or first > high[0]
        counts.append(0 if apart else int(((steps >= low) & (steps <= high)).all(axis=1).sum()))
    return counts


def check_copc(path: Path, points: int) -> str:
    from laspy.copc import Bounds, CopcReader

    with CopcReader.open(path) as reader:
        assert reader.header.point_count == points
        found = [len(reader.query(Bounds(low, high))) for low, high in boxes(points)]
    assert found == made_in_boxes(points), found
    return f"laspy's CopcReader: {BOXES} boxes, {sum(found):,} points"


def check_laz(path: Path, points: int) -> str:
    """One file or a folder, every point."""
    import laspy

    counts, total = np.zeros(BOXES, np.int64), 0
    for file in sorted(path.glob("*.laz")) if path.is_dir() else [path]:
        with laspy.open(file) as reader:
            for part in reader.chunk_iterator(CHUNK):
                steps = np.stack([part.X, part.Y, part.Z], axis=-1) + np.rint(reader.header.offsets / 0.001)
                counts += in_boxes(steps, points)
                total += len(part)
    assert total == points and counts.tolist() == made_in_boxes(points)
    return f"laspy: {BOXES} boxes, {counts.sum():,} points"


def check_3dtiles(path: Path, points: int) -> str:
    """Every point of every tile lies in the boxes of its tile and of those above it."""
    tileset, total = json.loads((path / "tileset.json").read_text()), 0
    pending = [(tileset["root"], np.full(3, -np.inf), np.full(3, np.inf))]
    while pending:
        tile, low, high = pending.pop()
        middle, axes = np.array(tile["boundingVolume"]["box"][:3]), np.array(tile["boundingVolume"]["box"][3:])
        low, high = np.maximum(low, middle - axes[[0, 4, 8]]), np.minimum(high, middle + axes[[0, 4, 8]])
        if "content" in tile:
            xyz = glb_points(path / tile["content"]["uri"])
            assert (xyz >= low).all() and (xyz <= high).all()
            total += len(xyz)
        pending += [(child, low, high) for child in tile.get("children", [])]
    assert total == points
    return "every point in the boxes of its tile and those above"


def glb_points(path: Path) -> np.ndarray:
    """Positions [M,3], z up, by the GLB's own JSON."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    tree = json.loads(data[20 : 20 + length])
    accessor = tree["accessors"][tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    offset = 28 + length + tree["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
    xyz = np.frombuffer(data, "<f4", 3 * accessor["count"], offset).reshape(-1, 3).astype(np.float64)
    matrix = np.array(tree["nodes"][0]["matrix"]).reshape(4, 4).T
    x, y, z = (xyz @ matrix[:3, :3].T + matrix[:3, 3]).T
    return np.stack([x, -z, y], axis=-1)


WORKS: dict[str, tuple[Callable[[Path, int], Path], Callable[[Path, int], str]]] = {
    "laspy, plain LAZ": (plain_laspy, check_laz),
    "copc": (copc, check_copc),
    "3dtiles": (tiles_3d, check_3dtiles),
    "tiles": (tiles, check_laz),
}


def timed(work: str, folder: str, points: str) -> Row:
    """Write, watch, read back."""
    write, check = WORKS[work]
    started, cpu, watch = time.perf_counter(), time.process_time(), Watch()
    result = write(Path(folder), int(points))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    scratch, rss = watch.end(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = [file for file in result.rglob("*") if file.is_file()] if result.is_dir() else [result]
    return {
        "work": work,
        "points": int(points),
        "minutes": seconds / 60,
        "cpu_minutes": cpu_seconds / 60,
        "rate": int(points) / cpu_seconds,
        "rss_mb": rss,
        "scratch_gb": scratch / 1e9,
        "result_gb": sum(file.stat().st_size for file in files) / 1e9,
        "files": len(files),
        "checked": check(result, int(points)),
    }


if __name__ == "__main__":
    serve_child(timed) or main()
