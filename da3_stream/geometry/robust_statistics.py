"""Robust location and spread of values, weighted or in a series; medians of groups and of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # for a normal distribution
TUKEY = 4.685  # 95 % efficient at the normal distribution (Huber and Ronchetti, "Robust Statistics", 4.8)
CLIP_SIGMAS = 3.0  # distance from the median beyond which a value is an outlier
LEAST_CORRELATION = 0.5  # of neighbours in a series: frames next to each other share most of their pixels


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


def mad_sigma(values: Array, centre: float) -> float:
    """Standard deviation of the bulk of the values [N] about `centre`, by the median absolute deviation."""
    return MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))


def spread(values: Array, weights: Array, centre: float) -> float:
    """Standard deviation of the bulk of weighted values [N] about `centre`, by the weighted median deviation."""
    return MAD_TO_SIGMA * weighted_median(np.abs(values - centre), weights)


def tukey_weights(deviations: Array, sigma: float) -> Array:
    """Tukey's biweight of deviations [M]: 1 at zero, 0 from 4.685 sigma on."""
    if sigma <= 0:
        return (deviations == 0).astype(float)
    return np.square(np.clip(1 - np.square(deviations / (TUKEY * sigma)), 0, None))


def location(values: Array, weights: Array, floor: float) -> tuple[float, float]:
    """Robust mean of weighted values (Tukey's biweight from the median), and their spread, at least `floor`."""
    start = weighted_median(values, weights)
    sigma = max(spread(values, weights, start), floor)
    return _biweight(values, weights, start, sigma), sigma


def _biweight(values: Array, weights: Array, start: float, width: float) -> float:
    """Tukey's location from `start`; the width is estimated again from the values inside it, to exclude a minority."""
    centre = start
    for _ in range(20):
        pull = weights * tukey_weights(values - centre, width)
        if not pull.any():
            break
        updated = float(pull @ values / pull.sum())
        inner_spread = spread(values, np.where(pull > 0, weights, 0.0), updated)
        done = abs(updated - centre) <= 1e-12
        centre, width = updated, min(width, max(inner_spread, width / 2))
        if done:
            break
    return centre


def geometric_median(points: Array) -> Array:
    """The point with the least sum of distances to points [N,D] (Weiszfeld's iteration from the medians)."""
    centre = np.median(points, axis=0)
    floor = 1e-12 * (1 + np.abs(points).max())
    for _ in range(50):
        distances = np.maximum(np.linalg.norm(points - centre, axis=1), floor)
        updated = (points / distances[:, None]).sum(axis=0) / (1 / distances).sum()
        done = np.linalg.norm(updated - centre) <= floor
        centre = updated
        if done:
            break
    return centre


def effective_count(weights: Array) -> float:
    """Effective sample size (sum w)^2 / sum w^2 of weights (Kish)."""
    total = weights.sum()
    return float(total * total / np.square(weights).sum()) if total > 0 else 0.0


def sigma_clipped_mean(values: Array) -> tuple[float, float]:
    """Mean of the bulk of the values [N], those within 3 sigmas of the median, and its standard deviation."""
    median = float(np.median(values))
    sigma = mad_sigma(values, median)
    bulk = values[np.abs(values - median) <= CLIP_SIGMAS * sigma]
    return float(bulk.mean()), max(sigma, float(bulk.std()))


def correlated_sigma(errors: Array, spread: float) -> float:
    """Standard deviation of the mean of a series of errors [N] of the given spread.

    The effective number of n values of a first-order autoregressive process is n (1 - r)/(1 + r); its correlation r is
    from successive differences (von Neumann, 1941), by medians, so that outliers do not hide it.
    """
    if len(errors) < 3 or spread == 0:
        return spread
    steps = float(np.median(np.square(np.diff(errors))))
    size = max(float(np.median(np.square(errors))), 1e-300)
    r = float(np.clip(1 - steps / (2 * size), LEAST_CORRELATION, 1.0))
    effective = max(1.0, len(errors) * (1 - r) / (1 + r))
    return spread / float(np.sqrt(effective))
