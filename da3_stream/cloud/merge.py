"""All pages in the world: cloud.ply, whole or as a preview.

Every point is moved by the place of its own frame, so that the cloud is as free of steps as the trajectory. Then the
most confident point of each voxel of the world is kept. Points are written in a fixed order without spatial pattern:
the first n of them are an even sample of the whole, and that is how `max_points` thins. Memory is bounded by sharing
the points out over temporary files by their voxel.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..settings import CloudSettings
from ..store import Run, RunGeometry
from .pages import COARSEST, count_points, read_page
from .ply import VERTEX, writing_ply
from .points import Points
from .voxels import best_of_each, shuffled, voxel_keys

_SHARE = 1 << 22  # points in one temporary file, about: 130 MB, and three times that while sorting
_RECORD = np.dtype([("key", "<u8"), ("confidence", "<f4"), ("vertex", VERTEX)])


def merge_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write cloud.ply from all pages, at most `settings.max_points` points; returns how many."""
    return _merge(run, geometry, world_voxel(geometry, settings), settings.max_points, 1)


def preview_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write cloud.ply from an even sample of every page, at most `settings.preview_points` points; returns how many.

    Beyond opening every page, it costs no more for a long run than for a short one.
    """
    total = sum(count_points(run, node) for node in geometry.nodes)
    every = 1
    while total > every * settings.preview_points and every < COARSEST:
        every *= 2
    return _merge(run, geometry, world_voxel(geometry, settings), settings.preview_points, every)


def world_voxel(geometry: RunGeometry, settings: CloudSettings) -> float:
    """Edge of a voxel in world units: `voxel_m` in a run in metres, else a share of the nodes' median depth."""
    scene = geometry.scene
    if settings.voxel_m is not None and scene.units == "metres":
        return settings.voxel_m
    depths = [node.median_depth * scene.nodes[k].world_from_window.scale for k, node in geometry.nodes.items()]
    known = [depth for depth in depths if depth > 0]
    return settings.voxel * scene.scale * (float(np.median(known)) if known else 1.0)


def points_in_world(points: Points, geometry: RunGeometry, node: int) -> Points:
    """A page's points moved by their frames' places; points of frames without a place are left out."""
    places = geometry.places
    known = places.source_index[(places.node == node) & np.isfinite(places.scale)]
    points = points.take(np.flatnonzero(np.isin(points.frame, known)))
    matrices = np.stack([np.eye(4), *[_world_from_window(geometry, int(frame)).matrix() for frame in known]])
    moves = matrices[1 + np.searchsorted(known, points.frame)]
    xyz = np.einsum("mij,mj->mi", moves[:, :3, :3], points.xyz) + moves[:, :3, 3]
    return Points(xyz.astype(np.float32), points.rgb, points.frame, points.confidence, points.voxel)


def _world_from_window(geometry: RunGeometry, frame: int) -> Sim3:
    """The owner's frame in the world as this frame sees it: equal to the node's place but where it slides."""
    places = geometry.places
    m = int(np.searchsorted(places.source_index, frame))
    pose = geometry.nodes[int(places.node[m])].window_from_camera[places.row[m]]
    return places.place(m) @ Sim3(1.0, pose[:3, :3], pose[:3, 3]).inverse()


def _merge(run: Run, geometry: RunGeometry, voxel: float, limit: int | None, every: int) -> int:
    total = sum(count_points(run, node) for node in geometry.nodes) // every
    bits = max(0, math.ceil(math.log2(max(total, 1) / _SHARE)))
    with ExitStack() as stack:
        shares = [stack.enter_context(tempfile.TemporaryFile(dir=run.path / "cloud")) for _ in range(1 << bits)]
        for node in geometry.nodes:
            records = _records(points_in_world(read_page(run, node, every), geometry, node), voxel)
            _share_out(records, shares, bits)
        writer = stack.enter_context(writing_ply(run.path / "cloud.ply", f"da3_stream, {geometry.scene.units}"))
        for vertices in _vertices(shares):
            writer.write(vertices if limit is None else vertices[: limit - writer.count])
    return writer.count


def _records(points: Points, voxel: float) -> NDArray[np.void]:
    records = np.empty(len(points), _RECORD)
    records["key"] = shuffled(voxel_keys(points.xyz, voxel))
    records["confidence"] = points.confidence
    records["vertex"]["xyz"] = points.xyz
    records["vertex"]["rgb"] = points.rgb
    return records


def _share_out(records: NDArray[np.void], shares: Sequence[IO[bytes]], bits: int) -> None:
    """Append every record to the file that its key's leading bits name."""
    names = (records["key"] >> np.uint64(1)) >> np.uint64(63 - bits)
    for number, share in enumerate(shares):
        share.write(records[names == number].tobytes())


def _vertices(shares: Sequence[IO[bytes]]) -> Iterator[NDArray[np.void]]:
    """The best vertex of every voxel, by ascending key."""
    for share in shares:
        share.seek(0)
        records = np.frombuffer(share.read(), _RECORD)
        yield records["vertex"][best_of_each(records["key"], records["confidence"])]
