"""Which node of an octree each point belongs to: its level of detail, and the leaf that ends the division around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cube import DEPTH
from .leaves import build_leaves


def node_levels(
    codes: NDArray[np.uint64],
    depths: NDArray[np.uint8],
    leaf: int,
    grid: int,
    start: int = 0,
    level: int = 0,
) -> NDArray[np.uint8]:
    """The level [M] of the node of each point within one node: the whole cube, or that of `level` whose first code is
    `start`.

    `codes` are those of the points' cells, ascending, and `depths` are `sample_depths` of them. A node with more than
    `leaf` points below it holds one in each of its 2^grid cells on a side.
    """
    leaves = build_leaves(codes, DEPTH, leaf, start, level, DEPTH - grid)
    ends = np.append(np.searchsorted(codes, leaves.starts[1:]), len(codes))
    leaf_levels = np.repeat(leaves.levels, np.diff(ends, prepend=0))
    return np.minimum(np.maximum(depths, grid) - grid, leaf_levels).astype(np.uint8)


def node_keys(codes: NDArray[np.uint64], levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A number [M] for the node of each level that holds a cell: its code behind a leading 1. Those of one level are in
    Morton order, and below those of the next."""
    bits = 3 * levels.astype(np.uint64)
    return ((codes >> (np.uint64(3 * DEPTH) - bits)) | (np.uint64(1) << bits)).astype(np.int64)
