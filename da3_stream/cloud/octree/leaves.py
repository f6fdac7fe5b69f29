"""The leaves of an octree: a cube cut into nodes of about equal numbers of points, which fill it without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Leaves:
    """T leaves in Morton order, by the codes of nodes of one level, `depth`; `levels` count from 0, the whole cube."""

    starts: NDArray[np.uint64]  # [T] the first code in each, ascending from 0
    levels: NDArray[np.int64]  # [T]
    depth: int

    def leaf_of(self, codes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The leaf [M] that holds each node of level `depth`, by its code [M]."""
        return np.searchsorted(self.starts, codes, side="right") - 1


def build_leaves(
    codes: NDArray[np.uint64], depth: int, max_points: int, start: int = 0, level: int = 0, deepest: int | None = None
) -> Leaves:
    """The coarsest octree with at most `max_points` of the points in every leaf, but for leaves of level `deepest`.

    Points are given by their codes [M] at level `depth`, the default of `deepest`. The octree is that of the whole
    cube, or of the node of `level` whose first code is `start`, which holds all the points then.
    """
    most = depth if deepest is None else deepest
    leaves = list(_leaves(np.sort(codes), start, level, depth, most, max_points))
    return Leaves(np.array([code for code, _ in leaves], np.uint64), np.array([rank for _, rank in leaves]), depth)


def _leaves(
    codes: NDArray[np.uint64], start: int, level: int, depth: int, deepest: int, max_points: int
) -> Iterator[tuple[int, int]]:
    """(start, level) of the leaves within one node, in order; `codes` are those of its points, sorted."""
    if len(codes) <= max_points or level >= deepest:
        yield start, level
        return
    borders = [start + (k << (3 * (depth - level - 1))) for k in range(9)]
    cuts = np.searchsorted(codes, np.array(borders, np.uint64))
    for k in range(8):
        yield from _leaves(codes[cuts[k] : cuts[k + 1]], borders[k], level + 1, depth, deepest, max_points)
