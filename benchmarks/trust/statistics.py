"""Shares with their intervals, and how honest probabilities are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, rankdata

Float64 = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """k of n."""

    k: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share (Clopper and Pearson, Biometrika 1934); 0 to 1 where n is 0."""
        low = float(beta.ppf(0.025, self.k, self.n - self.k + 1)) if self.k else 0.0
        high = float(beta.ppf(0.975, self.k + 1, self.n - self.k)) if self.k < self.n else 1.0
        return low, high

    def __str__(self) -> str:
        if not self.n:
            return "0 of 0"
        low, high = self.interval
        return f"{self.k} of {self.n} = {self.k / self.n:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Bin:
    """Poses of like confidence: how many, what they promise on average, and how many of them are right."""

    count: int
    promised: float
    right: float


def reliability(confidence: Float64, right: Mask, bins: int = 10) -> list[Bin]:
    """The bins that hold poses, of `bins` equally wide ones."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    members = [which == k for k in range(bins) if (which == k).any()]
    return [Bin(int(m.sum()), float(confidence[m].mean()), float(right[m].mean())) for m in members]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: the mean gap between what is promised and what is right; NaN without poses."""
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.promised - b.right) for b in bins) / total if total else float("nan")


def roc_area(score: Float64, right: Mask) -> float:
    """The chance that a right pose scores above a wrong one, ties counted half; NaN without both kinds."""
    positive, negative = int(right.sum()), int((~right).sum())
    if not positive or not negative:
        return float("nan")
    return float((rankdata(score)[right].sum() - positive * (positive + 1) / 2) / (positive * negative))
