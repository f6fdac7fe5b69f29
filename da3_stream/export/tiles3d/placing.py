"""Points of a map on the round Earth, in the frame of a tile set's root."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from ...types import Float64

_DEGREE = 3  # of what is fitted: over 20 km the rest is some 0.1 mm
_POWERS = np.array([p for p in product(range(_DEGREE + 1), repeat=3) if sum(p) <= _DEGREE])  # [20,3]
_KNOTS = np.cos(np.pi * (np.arange(5) + 0.5) / 5)  # Chebyshev's, in -1...1


class EarthPlacing:
    """How points of a box in a file's coordinates, in metres, lie in the root's frame.

    The root's transform touches the Earth at one place. Elsewhere a map and the Earth part (0.2 m at 1.6 km, 8 m at
    10 km), which a polynomial follows over the box from `low` [3] to `high` [3], and a linear map of it within a tile.
    """

    def __init__(
        self, ecef_from_root: Float64, ecef_of: Callable[[Float64], Float64], low: Float64, high: Float64
    ) -> None:
        self._middle, self._half = (low + high) / 2, np.maximum((high - low) / 2, 1.0)
        knots = np.array(list(product(_KNOTS, repeat=3)))
        xyz = self._middle + self._half * knots
        placed = np.linalg.solve(ecef_from_root[:3, :3], (ecef_of(xyz) - ecef_from_root[:3, 3]).T).T
        self._coefficients = np.linalg.lstsq(_monomials(knots), placed - xyz, rcond=None)[0]  # [20,3]

    def place(self, xyz: Float64) -> Float64:
        """The points [M,3] of a tile, at least one, in the root's frame."""
        middle = (xyz.min(axis=0) + xyz.max(axis=0)) / 2
        half = np.maximum((xyz.max(axis=0) - xyz.min(axis=0)) / 2, 1.0)
        ends = np.concatenate([np.zeros((1, 3)), np.diag(half), -np.diag(half)])
        shift = _monomials((middle + ends - self._middle) / self._half) @ self._coefficients
        slope = (shift[1:4] - shift[4:]) / (2 * half[:, None])  # [3,3], a row for each axis
        return xyz + shift[0] + (xyz - middle) @ slope


def _monomials(u: Float64) -> Float64:
    """[M,20] of positions [M,3] in the box, -1...1."""
    return np.prod(u[:, None, :] ** _POWERS, axis=2)
