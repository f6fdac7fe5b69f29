"""Levels of detail: which points of a node stand for all that lie below it.

The points of levels 0 to L are one point in each cell of the size 2^-(L + 7) of the whole that holds any: the one
whose code is the smallest when shuffled, which has no pattern in space. What stands for a cell also stands for the
smaller ones around it, so that a level adds points and repeats none, whatever order they came in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..voxels import shuffle_keys
from .cube import DEPTH

GRID = 7  # a node's points lie in different ones of its 2^7 cells on a side, but for those of leaves
DEEPEST = DEPTH - GRID  # level of the smallest nodes
_POWERS = np.array([8**k for k in range(DEPTH + 1)], np.uint64)


def sample_depths(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The level [M] of the largest node in which each point stands for all of them, by their cells' codes [M].

    Codes are ascending. 0 stands for the whole cube; 22 is the depth of points whose cell another one stands for.
    """
    depth = np.full(len(codes), DEPTH + 1, np.uint8)
    splits = _split_depths(codes)
    index = np.flatnonzero(splits <= DEPTH)  # the first point of each cell
    splits, rank = splits[index], shuffle_keys(codes[index])
    for level in range(DEPTH - 1, -1, -1):
        starts = np.flatnonzero(splits <= level)
        if len(starts) == len(index):
            continue
        best = np.minimum.reduceat(rank, starts)
        wins = rank == np.repeat(best, np.diff(starts, append=len(index)))
        depth[index[~wins]] = level + 1
        index, rank, splits = index[wins], best, splits[starts]
    depth[index] = 0
    return depth


def _split_depths(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The first level [M] at which each cell and the one before it lie in different nodes; 22 where they are equal."""
    splits = np.zeros(len(codes), np.uint8)
    splits[1:] = DEPTH + 1 - np.searchsorted(_POWERS, codes[1:] ^ codes[:-1], side="right")
    return splits
