"""Errors of neighbouring frames resemble each other: how uncertain that leaves their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import geometric_median

Array = NDArray[np.float64]

MEMORIES = np.linspace(0.0, 0.95, 20)  # correlations of neighbouring frames that are thought of
CLIP = 4.0  # times the median size, beyond which an error is cut: one lost camera is no drift


def mean_variance(series: Array, fitted: int = 1) -> float:
    """Variance of the mean of a component of a series [N,D] of errors, N at least fitted + 2.

    A first-order process, its variance and correlation (common to all components) from the restricted likelihood
    (Patterson and Thompson, "Recovery of inter-block information when block sizes are unequal", Biometrika 1971), the
    variance of the mean averaged over all correlations by how likely they are: a short overlap that drifts cannot be
    told from a steady one, and its plain standard error would be several times too small. `fitted`: 1 if the series
    has its mean at zero because that was fitted, 2 if its trend was too.
    """
    clipped = _clipped(series)
    design = np.vander(np.linspace(-1, 1, len(series)), fitted, increasing=True)
    found = np.array([_given(clipped, design, memory) for memory in MEMORIES])
    likely = np.exp(found[:, 0] - found[:, 0].max())
    return float(likely @ found[:, 1] / likely.sum())


def _clipped(series: Array) -> Array:
    """Errors about their median, none far beyond the bulk; the same whichever way the axes lie."""
    centred = series - geometric_median(series)
    sizes = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred * np.minimum(1.0, CLIP * np.median(sizes) / np.maximum(sizes, 1e-300))


def _given(series: Array, design: Array, memory: float) -> tuple[float, float]:
    """Restricted log-likelihood of a correlation, and the mean's variance if it is right."""
    count, components = series.shape
    x, y = _whitened(design, memory), _whitened(series, memory)
    normal = x.T @ x
    misfit = y - x @ np.linalg.solve(normal, x.T @ y)
    free = components * (count - design.shape[1])
    variance = max(float(np.square(misfit).sum()) / free, 1e-300)
    determinant = (count - 1) * np.log(1 - memory**2) + np.linalg.slogdet(normal)[1]
    return -(free * np.log(variance) + components * determinant) / 2, variance / normal[0, 0]


def _whitened(series: Array, memory: float) -> Array:
    """Independent entries of the series' own variance, first-order process of this correlation taken out."""
    fresh = np.sqrt(1 - memory**2)
    return np.concatenate([series[:1], (series[1:] - memory * series[:-1]) / fresh])
