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


def sample_depths(codes: NDArray[np.uint64], deepest: int = DEPTH) -> NDArray[np.uint8]:
    """The level [M] of the largest node in which each point stands for all of them, by their cells' codes [M].

    Codes are ascending. 0 stands for the whole cube; `deepest` + 1 is the depth of points for which another one stands
    in their node of level `deepest`.
    """
    return depths_of_splits(codes, split_depths(codes), deepest)


def depths_of_splits(codes: NDArray[np.uint64], splits: NDArray[np.uint8], deepest: int = DEPTH) -> NDArray[np.uint8]:
    """What `sample_depths` gives, by what `split_depths` gave."""
    depth = np.full(len(codes), deepest + 1, np.uint8)
    index = np.flatnonzero(splits <= DEPTH)  # the first point of each cell
    splits, rank = splits[index], shuffle_keys(codes[index])
    for level in range(min(deepest, DEPTH - 1), -1, -1):
        starts = np.flatnonzero(splits <= level)
        if len(starts) == len(index):
            continue
        best = np.minimum.reduceat(rank, starts)
        wins = rank == np.repeat(best, np.diff(starts, append=len(index)))
        depth[index[~wins]] = level + 1
        index, rank, splits = index[wins], best, splits[starts]
    depth[index] = 0
    return depth


def split_depths(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The first level [M] at which each cell and the one before it lie in different nodes; 22 where they are equal."""
    splits = np.zeros(len(codes), np.uint8)
    apart = codes[1:] ^ codes[:-1]
    apart &= ~(apart >> np.uint64(1))  # its highest bit stays, and it is rounded to float64 downwards
    bits = np.frexp(apart.astype(np.float64))[1]
    splits[1:] = DEPTH + 1 - (bits + 2) // 3
    return splits
