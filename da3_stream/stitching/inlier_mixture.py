"""Where the inliers of many values lie when up to nearly a half of all values are outliers, perhaps all to one side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDS = 60
FIRST_SHARE = 0.75  # of inliers, at the start
SHARES = (0.5, 0.99)  # of inliers, at least and at most


@dataclass(frozen=True, eq=False)
class InlierMixture:
    """For each of F rows of C values, a normal distribution of inliers amid evenly scattered outliers."""

    centres: Array  # [F] means of the inliers, NaN for a row without values
    sigma: float  # of the inliers of all rows
    share: float  # of inliers among all values
    membership: Array  # [F,C] the probability that a value is an inlier


def fit_inlier_mixture(values: Array, weights: Array, floor: float) -> InlierMixture:
    """The mixture of rows of values [F,C] with weights >= 0, the inliers' sigma at least `floor`.

    By expectation-maximisation (Torr and Zisserman, "MLESAC", CVIU 2000, section 3) from each row's shortest half; a
    median or a wide redescending weight would be dragged along by values that are all off to one side. Sigma and share
    are common to all rows, whose own values are few.
    """
    used = np.where(weights > 0, values, 0.0)
    mixture = _initial_mixture(used, weights, floor)
    off = (used - mixture.centres[:, None])[weights > 0]
    density = 1 / max(float(np.subtract(*np.quantile(off, [0.98, 0.02]))), floor)
    for _ in range(ROUNDS):
        membership = np.where(weights > 0, _membership(used, mixture, density), 0.0)
        improved = _maximize_likelihood(used, weights, membership, mixture, floor)
        step = np.nanmax(np.abs(improved.centres - mixture.centres))
        mixture = improved
        if step <= 1e-4 * mixture.sigma:
            break
    return mixture


def _initial_mixture(values: Array, weights: Array, floor: float) -> InlierMixture:
    halves = [shortest_half(row, weight) for row, weight in zip(values, weights, strict=True)]
    centres, sigmas = np.array(halves).T
    return InlierMixture(centres, max(float(np.nanmedian(sigmas)), floor), FIRST_SHARE, np.zeros_like(values))


def _membership(values: Array, mixture: InlierMixture, density: float) -> Array:
    """The probability [F,C] that a value is an inlier of its row, the outliers having an even density (E step)."""
    distances = (values - mixture.centres[:, None]) / mixture.sigma
    inside = mixture.share / (np.sqrt(2 * np.pi) * mixture.sigma) * np.exp(-np.square(distances) / 2)
    return inside / (inside + (1 - mixture.share) * density)


def _maximize_likelihood(
    values: Array, weights: Array, membership: Array, mixture: InlierMixture, floor: float
) -> InlierMixture:
    """Centres, sigma and share under these memberships (M step); a row without inliers keeps its centre."""
    pull = weights * membership
    totals = pull.sum(axis=1)
    means = (pull * values).sum(axis=1) / np.where(totals > 0, totals, 1.0)
    centres = np.where(totals > 0, means, mixture.centres)
    misfit = np.where(weights > 0, np.square(values - centres[:, None]), 0.0)
    sigma = np.sqrt((pull * misfit).sum() / max(totals.sum(), 1e-300))
    share = np.clip(totals.sum() / weights.sum(), *SHARES)
    return replace(mixture, centres=centres, sigma=max(float(sigma), floor), share=float(share), membership=membership)


def shortest_half(values: Array, weights: Array) -> tuple[float, float]:
    """Middle of the shortest interval with half of the weight, and the sigma of a normal distribution that has it.

    NaN without any weight.
    """
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    if not len(order):
        return np.nan, np.nan
    x, below = values[order], np.cumsum(weights[order])
    starts = below - weights[order]
    ends = np.searchsorted(below, starts + below[-1] / 2, "left")
    inside = ends < len(x)
    lengths = x[ends[inside]] - x[inside]
    best = int(np.argmin(lengths))
    return float(x[best] + lengths[best] / 2), float(lengths[best] / 2 / 0.6745)
