"""The world cut into cubes of about equal numbers of points: the leaves of an octree, in Morton order.

Morton, "A computer oriented geodetic data base" (1966): a cube's code interleaves the bits of its coordinates, so
that the cubes within a larger one have consecutive codes, and a leaf is a range of them. The leaves fill the world
without gaps, and a voxel lies in exactly one. Gargantini, "An effective way to represent quadtrees" (1982).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from ..voxels import BITS, HALF, voxel_cells

SMALLEST = 6  # the smallest tile has 2^6 voxels on a side
_LEVELS = BITS - SMALLEST  # and the largest, the world, 2^15 of those


@dataclass(frozen=True, eq=False)
class Tiling:
    """T tiles: the code of the first smallest cube in each, ascending from 0, and log2 of its edge in such cubes."""

    starts: NDArray[np.uint64]  # [T]
    levels: NDArray[np.int64]  # [T]

    def tile_of(self, codes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The tile [M] that holds each smallest cube, by its code [M]."""
        return np.searchsorted(self.starts, codes, side="right") - 1

    def bounds(self, tile: int, voxel: float) -> tuple[Float64, Float64]:
        """Lower and upper corner [3] of a tile in the world."""
        corner = (np.array(_morton_cell(int(self.starts[tile]))) << SMALLEST).astype(np.float64) - HALF
        edge = 1 << (int(self.levels[tile]) + SMALLEST)
        return voxel * corner, voxel * (corner + edge)


def morton_codes(xyz: NDArray[np.floating], voxel: float) -> NDArray[np.uint64]:
    """The Morton code [M] of the smallest cube around each point [M,3]."""
    spread = _spread_bits()
    x, y, z = (spread[cell >> np.uint64(SMALLEST)] for cell in voxel_cells(xyz, voxel))
    return (x << np.uint64(2)) | (y << np.uint64(1)) | z


def build_tiling(codes: NDArray[np.uint64], max_points: int) -> Tiling:
    """The coarsest octree with at most `max_points` of the points, by their codes [M], in every leaf."""
    leaves = list(_leaves(np.sort(codes), 0, _LEVELS, max_points))
    return Tiling(np.array([start for start, _ in leaves], np.uint64), np.array([level for _, level in leaves]))


def _leaves(codes: NDArray[np.uint64], start: int, level: int, max_points: int) -> Iterator[tuple[int, int]]:
    """(start, level) of the leaves within one cube, in order; `codes` are those of its points, sorted."""
    if len(codes) <= max_points or level == 0:
        yield start, level
        return
    borders = [start + (k << (3 * (level - 1))) for k in range(9)]
    cuts = np.searchsorted(codes, np.array(borders, np.uint64))
    for k in range(8):
        yield from _leaves(codes[cuts[k] : cuts[k + 1]], borders[k], level - 1, max_points)


def _spread_bits() -> NDArray[np.uint64]:
    """[2^15]: each number's bits moved apart, two zeros between them."""
    numbers = np.arange(1 << _LEVELS, dtype=np.uint64)
    spread = np.zeros_like(numbers)
    for bit in range(_LEVELS):
        spread |= ((numbers >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit)
    return spread


def _morton_cell(code: int) -> tuple[int, int, int]:
    """Coordinates of the smallest cube of a code, in such cubes from the corner of the world."""
    axes = [0, 0, 0]
    for bit in range(_LEVELS):
        for axis in range(3):
            axes[axis] |= ((code >> (3 * bit + 2 - axis)) & 1) << bit
    return axes[0], axes[1], axes[2]
