"""The points of a submap as nodes of an octree, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import StoreError
from ...types import Float64, UInt8
from ..octree.cube import Cube, node_position
from ..octree.division import node_keys, node_levels
from ..octree.levels import sample_depths
from ..points import Points
from ..voxels import shuffle_keys
from .layout import MOST_FRAMES, MOST_IN_NODE, STEPS, LevelNode, encode_confidence

GRID = 5  # a node that is divided has at most one point in each of its 2^5 cells on a side
LEAF = 1 << 15  # points below a node that is not divided


@dataclass(frozen=True, eq=False)
class _Division:
    """Points by the nodes of an octree: breadth first, and within a node in an order without pattern in space."""

    cube: Cube
    order: NDArray[np.int64]  # [M] of the points
    keys: list[int]  # [K] of the nodes
    starts: NDArray[np.int64]  # [K + 1] where each node's points begin
    spacing: list[float]  # [K]


def build_nodes(points: Points) -> tuple[list[LevelNode], list[int]]:
    """The nodes that hold points, breadth first, and the frames that their rows mean.

    Raises StoreError for points that are not finite, or of more frames than a row can tell.
    """
    if not np.isfinite(points.xyz).all():
        raise StoreError("a point of a submap lies nowhere: expected finite coordinates")
    frames, rows = _frame_rows(points.frame)
    if not len(points):
        return [], frames
    division = _divide(points)
    return list(_nodes(points, rows, division)), frames


def _frame_rows(frame: NDArray[np.int32]) -> tuple[list[int], NDArray[np.uint16]]:
    """The frames that points [M] are of, ascending, and each one's place among them [M]."""
    frames = np.unique(frame)
    if len(frames) > MOST_FRAMES:
        raise StoreError(f"a submap has points of {len(frames)} frames: expected at most {MOST_FRAMES}")
    return frames.tolist(), np.searchsorted(frames, frame).astype(np.uint16)


def _divide(points: Points) -> _Division:
    low, high = (end.astype(np.float64) for end in (points.xyz.min(axis=0), points.xyz.max(axis=0)))
    cube = Cube.tight(low, high)
    codes = cube.codes(points.xyz)
    order = _ascending(codes)
    codes = codes[order]
    depths = sample_depths(codes)
    levels = node_levels(codes, depths, LEAF, GRID)
    by_level = np.argsort(levels, kind="stable")
    keys = node_keys(codes, levels)[by_level]
    firsts = np.flatnonzero(np.diff(keys, prepend=0))
    node = np.repeat(np.arange(len(firsts), dtype=np.uint64), np.diff(firsts, append=len(keys)))
    rank = shuffle_keys(codes)[by_level] >> np.uint64(24)
    shuffled = by_level[_ascending((node << np.uint64(40)) | rank)]
    depth_sums = np.add.reduceat(np.maximum(depths, GRID)[by_level].astype(np.float64), firsts)
    spacing = cube.edge * 2.0 ** -(depth_sums / np.diff(firsts, append=len(keys)))
    return _Division(cube, order[shuffled], keys[firsts].tolist(), np.append(firsts, len(keys)), spacing.tolist())


def _ascending(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Indices [M] that sort values; equal ones stay in their order, which is slow to keep where there are any."""
    order = np.argsort(values)
    ordered = values[order]
    return order if (ordered[1:] != ordered[:-1]).all() else np.argsort(values, kind="stable")


def _nodes(points: Points, rows: NDArray[np.uint16], division: _Division) -> Iterator[LevelNode]:
    order, cube = division.order, division.cube
    local = points.xyz[order] - cube.low
    rows, colour = rows[order], np.empty((len(order), 4), np.uint8)
    colour[:, :3], colour[:, 3] = points.rgb[order], encode_confidence(points.confidence[order])
    for k, key in enumerate(division.keys):
        part = slice(division.starts[k], division.starts[k + 1])
        spacing = float(f"{division.spacing[k]:.4g}")
        yield from _cut(key, spacing, cube, local[part], rows[part], colour[part])


def _cut(
    key: int, spacing: float, cube: Cube, local: Float64, rows: NDArray[np.uint16], colour: UInt8
) -> Iterator[LevelNode]:
    """A node; or a chain of them, where more points lie in one place than one may hold."""
    level = (key.bit_length() - 1) // 3
    size = cube.edge / (1 << level)
    corner = size * np.array(node_position(key - (1 << 3 * level), level), np.float64)
    x, y, z = (cube.low + corner + size / 2).tolist()
    place = np.empty((len(local), 4), np.uint16)
    place[:, :3] = np.clip(np.rint((local - corner) * (STEPS / size)), 0, STEPS)
    place[:, 3] = rows
    name = "r" + "".join(str((key >> 3 * (level - k - 1)) & 7) for k in range(level))
    for k, first in enumerate(range(0, len(place), MOST_IN_NODE)):
        part = slice(first, first + MOST_IN_NODE)
        yield LevelNode(name + k * "0", (x, y, z), size, spacing, place[part], colour[part])
