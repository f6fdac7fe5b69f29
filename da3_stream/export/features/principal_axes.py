"""The three directions in which features differ most, over all of a clip, and features as colours along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...types import Float32, Float64, UInt8

SHARES = (0.1, 0.9)  # of the values along an axis: what is outside takes the end colours
LEAST_RANGE = 1e-4


class Covariance:
    """Mean and covariance of all vectors of C numbers that were added, in float64."""

    def __init__(self, width: int) -> None:
        self._count, self._mean, self._scatter = 0, np.zeros(width), np.zeros((width, width))

    def add(self, vectors: Float32) -> None:
        """Add [M,C], by the pairwise update of Chan, Golub, LeVeque (1983)."""
        values = vectors.astype(np.float64)
        count = self._count + len(values)
        mean = values.mean(axis=0)
        away, between = values - mean, mean - self._mean
        self._scatter += away.T @ away + np.outer(between, between) * (self._count * len(values) / count)
        self._mean += between * (len(values) / count)
        self._count = count

    def axes(self) -> PrincipalAxes:
        """The three directions of the largest variance.

        A direction and its opposite are the same to a principal component: the one whose largest number is positive is
        taken, so that colours are the same every time.
        """
        directions = np.linalg.eigh(self._scatter)[1][:, ::-1][:, :3]
        largest = directions[np.abs(directions).argmax(axis=0), np.arange(3)]
        return PrincipalAxes(self._mean.copy(), directions * np.where(largest < 0, -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """Three directions through a mean."""

    mean: Float64  # [C]
    directions: Float64  # [C,3]

    def along(self, vectors: Float32) -> Float32:
        """Vectors [...,C] by how far they go along each axis [...,3]."""
        return ((vectors - self.mean) @ self.directions).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ColourRange:
    """Which values along the three axes are black and which are full red, green and blue."""

    low: Float32  # [3]
    high: Float32  # [3]

    @staticmethod
    def of(values: Float32) -> ColourRange:
        """The 10 % and 90 % quantiles of values [M,3]."""
        low, high = np.quantile(values, SHARES, axis=0).astype(np.float32)
        return ColourRange(low, high)

    def paint(self, values: Float32) -> UInt8:
        """RGB of values [...,3]."""
        level = (np.clip(values, self.low, self.high) - self.low) / np.maximum(self.high - self.low, LEAST_RANGE)
        return (255 * np.clip(level, 0, 1)).astype(np.uint8)
