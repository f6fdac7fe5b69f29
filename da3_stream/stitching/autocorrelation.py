"""Errors of neighbouring frames resemble each other: how uncertain that leaves their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import geometric_median

Array = NDArray[np.float64]

CORRELATIONS = np.linspace(0.0, 0.95, 20)  # of the errors of neighbouring frames, over which likelihoods are averaged
CLIP = 4.0  # times the median size, beyond which an error is cut: one lost camera is no drift


def mean_variance(series: Array, fitted: int = 1) -> float:
    """Variance of the mean of a component of a series [N,D] of errors, N at least fitted + 2.

    A first-order process, its variance and correlation (common to all components) from the restricted likelihood
    (Patterson and Thompson, "Recovery of inter-block information when block sizes are unequal", Biometrika 1971), the
    variance of the mean averaged over all correlations by how likely they are: a short overlap that drifts cannot be
    told from a steady one, and its plain standard error would be several times too small. `fitted`: 1 if the series
    has its mean at zero because that was fitted, 2 if its trend was too.
    """
    clipped = _clip(series)
    design = np.vander(np.linspace(-1, 1, len(series)), fitted, increasing=True)
    fits = np.array([_fit_correlation(clipped, design, correlation) for correlation in CORRELATIONS])
    likelihood = np.exp(fits[:, 0] - fits[:, 0].max())
    return float(likelihood @ fits[:, 1] / likelihood.sum())


def _clip(series: Array) -> Array:
    """Errors about their geometric median, the largest shortened; the result turns with the axes."""
    centred = series - geometric_median(series)
    sizes = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred * np.minimum(1.0, CLIP * np.median(sizes) / np.maximum(sizes, 1e-300))


def _fit_correlation(series: Array, design: Array, correlation: float) -> tuple[float, float]:
    """Restricted log-likelihood of a correlation of neighbouring errors, and the mean's variance if it holds."""
    count, components = series.shape
    x, y = _whiten(design, correlation), _whiten(series, correlation)
    normal = x.T @ x
    misfit = y - x @ np.linalg.solve(normal, x.T @ y)
    free = components * (count - design.shape[1])
    variance = max(float(np.square(misfit).sum()) / free, 1e-300)
    determinant = (count - 1) * np.log(1 - correlation**2) + np.linalg.slogdet(normal)[1]
    return -(free * np.log(variance) + components * determinant) / 2, variance / normal[0, 0]


def _whiten(series: Array, correlation: float) -> Array:
    """The series as independent entries of its own variance, the first-order process of this correlation removed."""
    fresh = np.sqrt(1 - correlation**2)
    return np.concatenate([series[:1], (series[1:] - correlation * series[:-1]) / fresh])
