"""An octree with levels of detail of any number of points, in bounded memory.

Points are sorted into buckets on disk, and each bucket in memory; what it gives to the nodes above it goes to another
file, and those nodes come last. Equal points give equal nodes in an equal order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from .buckets import Bucket, OctreeLimits, PointBuckets
from .cube import DEPTH, Cube, node_position
from .division import key_level, leaf_levels, node_keys, node_levels
from .lattice import Lattice, Records
from .levels import DEEPEST, GRID, sample_depths

_DEFAULT = OctreeLimits()


@dataclass(frozen=True, eq=False)
class OctreeNode:
    """The points of a node, of its own level of detail only, in Morton order; more parts than one in a full leaf."""

    level: int
    position: tuple[int, int, int]  # in nodes of this level, from the cube's lowest corner
    parts: Iterable[Records]  # none is empty; can be taken once, before the next node


@dataclass(frozen=True, eq=False)
class Octree:
    """Its cube, the bounds and the number of its points, and the nodes that hold any, which can be taken once."""

    cube: Cube
    low: Float64  # [3] of the points
    high: Float64  # [3]
    count: int
    nodes: Iterable[OctreeNode]

    @property
    def spacing(self) -> float:
        """Distance of the root's points, about; half of it at each level below."""
        return self.cube.edge / (1 << GRID)


@contextmanager
def build_octree(
    chunks: Iterable[Records], lattice: Lattice, folder: Path, limits: OctreeLimits = _DEFAULT
) -> Iterator[Octree]:
    """The octree of all records, with temporary files in `folder`, which take about twice their size.

    Every record is in one node. A node with more than `limits.leaf` points below it holds one in each of its 2^7 cells
    on a side, and passes on the others; nodes without points of their own are left out.
    """
    with ExitStack() as files:
        points = PointBuckets(chunks, lattice, limits, folder, files)
        yield Octree(points.cube, points.low, points.high, points.count, _nodes(points, limits))


def _nodes(points: PointBuckets, limits: OctreeLimits) -> Iterator[OctreeNode]:
    above, tops = points.new_file(points.dtype), [np.zeros(0, points.dtype)]
    for bucket in points.buckets():
        records, codes = _sorted(next(bucket.parts), points)
        depths = sample_depths(codes)
        levels = node_levels(depths, leaf_levels(codes, limits.leaf, DEEPEST, bucket.start, bucket.level), GRID)
        is_top = (depths == 0) & (bucket.level > 0)  # one: how large a cell it stands for, the other buckets tell
        passed = (levels < bucket.level) & ~is_top
        above.add(node_keys(codes[passed], levels[passed]), records[passed])
        tops.append(records[is_top])
        own = ~is_top & ~passed
        yield from _with_more(_grouped(records[own], codes[own], levels[own]), bucket)
    records, codes = _sorted(np.concatenate(tops), points)
    above.add(node_keys(codes, np.maximum(sample_depths(codes), GRID) - GRID), records)
    for key in above.tiles():
        level = key_level(key)
        records, _ = _sorted(np.concatenate(list(above.chunks(key, limits.chunk))), points)
        yield OctreeNode(level, node_position(key - (1 << 3 * level), level), [records])


def _sorted(records: Records, points: PointBuckets) -> tuple[Records, NDArray[np.uint64]]:
    """Records in Morton order, and the codes of their cells."""
    codes = points.codes(records)
    order = np.argsort(codes, kind="stable")
    return records[order], codes[order]


def _grouped(records: Records, codes: NDArray[np.uint64], levels: NDArray[np.uint8]) -> Iterator[OctreeNode]:
    """Records in Morton order as nodes of their levels, from coarse to fine."""
    order = np.argsort(levels, kind="stable")
    records, keys = records[order], node_keys(codes[order], levels[order])
    borders = np.flatnonzero(np.diff(keys)) + 1
    for first, end in zip([0, *borders.tolist()], [*borders.tolist(), len(keys)], strict=True):
        if end > first:
            key = int(keys[first])
            level = key_level(key)
            yield OctreeNode(level, node_position(key - (1 << 3 * level), level), [records[first:end]])


def _with_more(nodes: Iterator[OctreeNode], bucket: Bucket) -> Iterator[OctreeNode]:
    """The nodes of a bucket's first part; a bucket of more parts is one leaf, and takes them all."""
    if bucket.level < DEEPEST:
        yield from nodes
        return
    position = node_position(bucket.start >> 3 * (DEPTH - DEEPEST), DEEPEST)
    parts = chain(chain.from_iterable(node.parts for node in nodes), bucket.parts)
    if (first := next(parts, None)) is not None:
        yield OctreeNode(DEEPEST, position, chain([first], parts))
