"""Where a series of frames' values lies, and how surely: neighbouring frames err alike."""

from __future__ import annotations

import numpy as np

from ..types import Float64

MAD_TO_SIGMA = 1.4826  # for a normal distribution
CUT = 3.0  # sigmas beyond which a value is not of the bulk
LEAST_CORRELATION = 0.5  # of neighbours: they share most of their pixels


def location(values: Float64) -> tuple[float, float]:
    """Mean of the bulk of the values [N], and its standard deviation."""
    middle = float(np.median(values))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
    bulk = values[np.abs(values - middle) <= CUT * sigma]
    return float(bulk.mean()), max(sigma, float(bulk.std()))


def correlated_sigma(errors: Float64, spread: float) -> float:
    """Standard deviation of the mean of a series of errors [N] of the given spread.

    Of a first-order process n values are worth n (1 - r)/(1 + r), its correlation r from successive differences (von
    Neumann, 1941), in medians, so that single wild values do not hide it.
    """
    if len(errors) < 3 or spread == 0:
        return spread
    steps = float(np.median(np.square(np.diff(errors))))
    size = max(float(np.median(np.square(errors))), 1e-300)
    r = float(np.clip(1 - steps / (2 * size), LEAST_CORRELATION, 1.0))
    worth = max(1.0, len(errors) * (1 - r) / (1 + r))
    return spread / float(np.sqrt(worth))
