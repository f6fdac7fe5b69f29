"""Robust location and spread, weighted; the small statistics that stitching rests on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # for a normal distribution
TUKEY = 4.685  # 95 % efficient at the normal distribution (Huber and Ronchetti, "Robust Statistics", 4.8)


def grouped_median(values: Array, weights: Array, groups: NDArray[np.int64], count: int) -> tuple[Array, Array]:
    """Weighted median of `values` [M] in each of `count` groups, and the groups' total weights; empty groups give NaN.

    Where half the weight lies exactly between two values their mean is taken, so that median(-x) = -median(x).
    """
    order = np.lexsort((values, groups))
    totals = np.bincount(groups, weights, count).astype(np.float64)
    below = np.cumsum(weights[order])
    half = np.cumsum(totals) - totals / 2
    lower, upper = np.searchsorted(below, half, "left"), np.searchsorted(below, half, "right")
    padded = np.append(values[order], np.nan)
    last = len(values)
    medians = (padded[np.minimum(lower, last)] + padded[np.minimum(upper, last)]) / 2
    return np.where(totals > 0, medians, np.nan), totals


def weighted_median(values: Array, weights: Array) -> float:
    """The value with half of the weight on either side."""
    return float(grouped_median(values, weights, np.zeros(len(values), np.int64), 1)[0][0])


def spread(values: Array, weights: Array, centre: float) -> float:
    """Standard deviation of the bulk about `centre`: 1.4826 times the weighted median absolute deviation."""
    return MAD_TO_SIGMA * weighted_median(np.abs(values - centre), weights)


def tukey_weights(deviations: Array, sigma: float) -> Array:
    """Tukey's biweight of deviations [M]: 1 at zero, 0 from 4.685 sigma on."""
    if sigma <= 0:
        return (deviations == 0).astype(float)
    return np.square(np.clip(1 - np.square(deviations / (TUKEY * sigma)), 0, None))


def location(values: Array, weights: Array, floor: float) -> tuple[float, float]:
    """Where the bulk of the values lies (Tukey's biweight from the median), and their spread, at least `floor`."""
    start = weighted_median(values, weights)
    sigma = max(spread(values, weights, start), floor)
    return _biweight(values, weights, start, sigma), sigma


def _biweight(values: Array, weights: Array, start: float, width: float) -> float:
    """Tukey's location from `start`, its width taken anew from the values inside it: a minority must not stay in."""
    centre = start
    for _ in range(20):
        pull = weights * tukey_weights(values - centre, width)
        if not pull.any():
            break
        moved = float(pull @ values / pull.sum())
        narrowed = spread(values, np.where(pull > 0, weights, 0.0), moved)
        done = abs(moved - centre) <= 1e-12
        centre, width = moved, min(width, max(narrowed, width / 2))
        if done:
            break
    return centre


def geometric_median(points: Array) -> Array:
    """The point with the least sum of distances to points [N,D] (Weiszfeld's iteration from the medians)."""
    centre = np.median(points, axis=0)
    floor = 1e-12 * (1 + np.abs(points).max())
    for _ in range(50):
        distances = np.maximum(np.linalg.norm(points - centre, axis=1), floor)
        moved = (points / distances[:, None]).sum(axis=0) / (1 / distances).sum()
        done = np.linalg.norm(moved - centre) <= floor
        centre = moved
        if done:
            break
    return centre


def effective_count(weights: Array) -> float:
    """How many equal weights carry as much as these."""
    total = weights.sum()
    return float(total * total / np.square(weights).sum()) if total > 0 else 0.0
