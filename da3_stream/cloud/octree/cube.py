"""The cube that an octree divides, and the Morton codes of its cells.

Morton, "A computer oriented geodetic data base" (1966): a cell's code interleaves the bits of its coordinates, so that
the cells of a node have consecutive codes, and a node of level L is the first 3 L bits of its cells' codes.
Gargantini, "An effective way to represent quadtrees" (1982).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from ..voxels import BITS, HALF, grid_cells

DEPTH = BITS  # the cube has 2^21 cells on a side
TILE_DEPTH = DEPTH - 6  # of the smallest tiles of the merged cloud, which have 2^6 voxels on a side
_HALF_BITS = 11  # the bits of a coordinate that are interleaved at once


@dataclass(frozen=True, eq=False)
class Cube:
    """2^21 cells on a side of edge `cell`, in a grid through `origin`; the lowest corner is that of cell `first`."""

    cell: float
    first: NDArray[np.int64]  # [3]
    origin: Float64 = field(default_factory=lambda: np.zeros(3))

    @classmethod
    def of_voxels(cls, voxel: float) -> Cube:
        """The cube of 2^20 voxels on either side of the origin; what lies beyond counts to its outermost cells."""
        return cls(voxel, np.full(3, -HALF, np.int64))

    @classmethod
    def around(cls, low: Float64, high: Float64) -> Cube:
        """A cube that holds the box from `low` [3] to `high` [3].

        The edge of its cells is a power of two, so that the bounds of nodes are exact, and no finer than float64 is
        at these coordinates.
        """
        farthest = float(max(np.abs(low).max(), np.abs(high).max(), 1e-30))
        cell = 2.0 ** math.ceil(math.log2(max(float((high - low).max()) / 2.0**DEPTH, farthest * 2.0**-50)))
        while (np.floor(high / cell) - np.floor(low / cell) >= 2.0**DEPTH).any():
            cell *= 2
        return cls(cell, np.floor(low / cell).astype(np.int64))

    @classmethod
    def tight(cls, low: Float64, high: Float64) -> Cube:
        """A cube that holds the box from `low` [3] to `high` [3], at most 4 % larger, in few binary digits."""
        farthest = float(max(np.abs(low).max(), np.abs(high).max(), 1e-30))
        step = 2.0 ** (math.floor(math.log2(max(float((high - low).max()), farthest * 2.0**-20))) - 6)
        origin = step * np.floor(low / step)
        edge = step * (math.floor(float((high - origin).max()) / step) + 1)
        return cls(edge / (1 << DEPTH), np.zeros(3, np.int64), origin)

    @property
    def edge(self) -> float:
        """Of the whole cube."""
        return self.cell * (1 << DEPTH)

    @property
    def low(self) -> Float64:
        """Lowest corner [3]."""
        return self.origin + self.cell * self.first.astype(np.float64)

    def codes(self, xyz: NDArray[np.floating], depth: int = DEPTH) -> NDArray[np.uint64]:
        """The Morton code [M] of the node of level `depth` around each point [M,3]; by default that of its cell."""
        low_bits, high_bits = _spread_bits()
        code = np.zeros(len(xyz), np.uint64)
        for axis, cells in enumerate(grid_cells(xyz, self.cell, self.first, self.origin)):
            cells >>= DEPTH - depth
            spread = low_bits.take(cells & ((1 << _HALF_BITS) - 1))
            spread |= high_bits.take(cells >> _HALF_BITS)
            spread <<= np.uint64(2 - axis)
            code |= spread
        return code


def tile_codes(xyz: NDArray[np.floating], voxel: float) -> NDArray[np.uint64]:
    """The code [M] of the smallest tile of the merged cloud around each point [M,3]: a node of level `TILE_DEPTH`."""
    return Cube.of_voxels(voxel).codes(xyz, TILE_DEPTH)


def node_position(code: int, level: int) -> tuple[int, int, int]:
    """Coordinates of the node of a code at a level, in nodes of that level from the cube's lowest corner."""
    axes = [0, 0, 0]
    for bit in range(level):
        for axis in range(3):
            axes[axis] |= ((code >> (3 * bit + 2 - axis)) & 1) << bit
    return axes[0], axes[1], axes[2]


@cache
def _spread_bits() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Each number of 11 bits with its bits moved apart, two zeros between them; and the same 33 bits higher."""
    numbers = np.arange(1 << _HALF_BITS, dtype=np.uint64)
    spread = np.zeros_like(numbers)
    for bit in range(_HALF_BITS):
        spread |= ((numbers >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit)
    return spread, spread << np.uint64(3 * _HALF_BITS)
