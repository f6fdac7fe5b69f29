"""Do two windows differ by the same factor at all depths? The test that keeps a compressed far field out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import grouped_median
from .autocorrelation import mean_variance
from .inlier_mixture import shortest_half
from .overlap import Overlap

Array = NDArray[np.float64]

BANDS = 10  # of equally many pixels
MIN_FRAMES = 3  # below which nothing tells noise from dependence
SIGNIFICANT = 4.0  # sigmas of a band's offset
NEGLIGIBLE = 1e-6  # of log ratios


def consistent_depths(overlap: Overlap, ratios: Array) -> NDArray[np.bool_]:
    """Which of the pixels' log depth ratios [M] lie in bands of depth whose ratio is that of most bands.

    A band's offset from its frames' medians is tested against its own scatter over the frames; where no band is off,
    all pixels are consistent, and so they are where every band is. Frames of a stand, which have one depth in common,
    count once: they tell no scatter.
    """
    frames = len(overlap.frames)
    if frames < MIN_FRAMES:
        return np.ones(len(ratios), bool)
    band = _bands(overlap)
    medians, weights = grouped_median(ratios, overlap.weight, overlap.frame * BANDS + band, frames * BANDS)
    medians, weights = medians.reshape(frames, BANDS), weights.reshape(frames, BANDS)
    own = np.sort(np.unique(medians, axis=0, return_index=True)[1])
    if len(own) < MIN_FRAMES:
        return np.ones(len(ratios), bool)
    offsets, sigmas, masses = _offsets(medians[own], weights[own])
    centre = _consensus(offsets, masses)
    off = np.abs(offsets - centre) > np.maximum(SIGNIFICANT * sigmas, NEGLIGIBLE)
    return np.ones(len(ratios), bool) if off.all() else ~_dilate(off)[band]


def _bands(overlap: Overlap) -> NDArray[np.int64]:
    """Band of every pixel, by the mean of both log depths: with one window's alone its noise would choose the band."""
    log_depth = np.log(overlap.previous.depths) + np.log(overlap.current.depths)
    borders = np.quantile(log_depth, np.linspace(0, 1, BANDS + 1)[1:-1])
    return np.searchsorted(borders, log_depth)


def _dilate(off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """These bands and their neighbours: the depth at which a difference begins lies amid a band."""
    wide = off.copy()
    wide[1:] |= off[:-1]
    wide[:-1] |= off[1:]
    return off if wide.all() else wide


def _offsets(medians: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Median over frames of every band's offset from its frame, its standard deviation, and the band's weight."""
    frames, bands = medians.shape
    of_frame, of_band = np.repeat(np.arange(frames), bands), np.tile(np.arange(bands), frames)
    own, _ = grouped_median(medians.ravel(), weights.ravel(), of_frame, frames)
    series = medians - own[:, None]
    offsets, masses = grouped_median(series.ravel(), weights.ravel(), of_band, bands)
    sigmas = np.array([_standard_deviation(series[weights[:, band] > 0, band]) for band in range(bands)])
    return offsets, np.maximum(sigmas, np.median(sigmas)), masses


def _standard_deviation(series: Array) -> float:
    """Standard deviation of the mean of one band's offsets [F]; infinite for too few frames."""
    return float(np.sqrt(mean_variance(series[:, None]))) if len(series) >= MIN_FRAMES else np.inf


def _consensus(offsets: Array, masses: Array) -> float:
    """Weighted mean of the bands in the shortest half."""
    middle, width = shortest_half(offsets, masses)
    near = np.abs(offsets - middle) <= 0.6745 * width + NEGLIGIBLE
    return float(masses[near] @ offsets[near] / masses[near].sum())
