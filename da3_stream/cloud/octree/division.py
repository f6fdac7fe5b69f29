"""Which node of an octree each point belongs to: its level of detail, and the leaf that ends the division around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cube import DEPTH
from .leaves import build_leaves


def leaf_levels(
    codes: NDArray[np.uint64], max_points: int, deepest: int, start: int = 0, level: int = 0
) -> NDArray[np.uint8]:
    """The level [M] of the leaf around each point: of the octree of the whole cube, or of the node of `level` whose
    first code is `start`. `codes` are those of the points' cells, ascending."""
    leaves = build_leaves(codes, DEPTH, max_points, start, level, deepest)
    ends = np.append(np.searchsorted(codes, leaves.starts[1:]), len(codes))
    return np.repeat(leaves.levels.astype(np.uint8), np.diff(ends, prepend=0))


def node_levels(depths: NDArray[np.uint8], leaves: NDArray[np.uint8], grid: int) -> NDArray[np.uint8]:
    """The level [M] of the node of each point, by its `sample_depths` and `leaf_levels`: a node that is divided has one
    point in each of its 2^grid cells on a side that hold any, and those that its descendants have."""
    return np.minimum(np.maximum(depths, np.uint8(grid)) - np.uint8(grid), leaves)


def node_keys(codes: NDArray[np.uint64], levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A number [M] for the node of each level that holds a cell: its code behind a leading 1. Those of one level are in
    Morton order, and below those of the next."""
    bits = 3 * levels.astype(np.uint64)
    return ((codes >> (np.uint64(3 * DEPTH) - bits)) | (np.uint64(1) << bits)).astype(np.int64)


def key_level(key: int) -> int:
    """The level of the node of a key."""
    return (key.bit_length() - 1) // 3
