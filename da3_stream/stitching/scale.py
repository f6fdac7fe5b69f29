"""The scale between two windows, alone and first: from depth ratios, or from how far the cameras are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import effective_count, grouped_median, location, tukey_weights
from .autocorrelation import mean_variance
from .depth_bands import consistent_depths
from .inlier_mixture import InlierMixture, fit_inlier_mixture
from .overlap import BLOCKS, Overlap

Array = NDArray[np.float64]

MIN_PIXELS = 30  # in all, below which depth says nothing
CELLS = 2 * BLOCKS[0] * BLOCKS[1]  # of a frame: every block has a near and a far half
CELLS_PER_SAMPLE = 8  # neighbouring cells err together
FLOOR = 1e-6  # of log-scales: what is told apart from no spread
MAX_FRAMES = 60  # whose cameras are compared pair by pair


@dataclass(frozen=True, eq=False)
class ScaleEstimate:
    """log(previous / current), its standard deviation, the spread of single frames about it, and what supports it."""

    log_scale: float
    sigma: float
    frame_spread: float
    frames: float  # how many frames carry it
    pixel_weight: Array  # [M] the weights of pixels that agree, 0 where a whole cell of the image does not


def scale_from_depth(overlap: Overlap) -> ScaleEstimate | None:
    """Robust location of log depth ratios on the same pixels; None without enough pixels.

    Medians over cells (a block of the image, near or far half), then the inliers of every frame's cells, then the
    location over frames, keep apart what errs together: a wrong object is a minority of cells however many pixels it
    has.
    Depths at which the windows differ by another factor than at most depths (a compressed far field) are left out.
    """
    if len(overlap.frame) < MIN_PIXELS:
        return None
    ratios = np.log(overlap.previous.depths) - np.log(overlap.current.depths)
    weight = overlap.weight * consistent_depths(overlap, ratios)
    frames, cell = len(overlap.frames), _cells(overlap)
    values, weights = grouped_median(ratios, weight, cell, CELLS * frames)
    values, weights = values.reshape(frames, CELLS), weights.reshape(frames, CELLS)
    if not weights.any():
        return None
    mixture = fit_inlier_mixture(values, weights, FLOOR)
    mass = (weights * mixture.membership).sum(axis=1)
    known = mass > 0
    log_scale, frame_spread = location(mixture.centres[known], mass[known], FLOOR)
    inlier_frames = tukey_weights(np.nan_to_num(mixture.centres - log_scale), frame_spread) > 0
    membership = mixture.membership * inlier_frames[:, None]
    return ScaleEstimate(
        log_scale,
        _standard_deviation(mixture, values, weights, frame_spread),
        frame_spread,
        effective_count(mass[known]),
        weight * membership.ravel()[cell],
    )


def _standard_deviation(mixture: InlierMixture, values: Array, weights: Array, frame_spread: float) -> float:
    """Standard deviation of the log-scale: from frames, whose errors are a series, and from lasting errors of cells.

    Neighbouring pixels err together. Over frames this needs no model, as a frame's location holds all its pixels; what
    does not change from frame to frame shows only as cells that differ, of which `CELLS_PER_SAMPLE` count as one.
    """
    pull = weights * mixture.membership
    frames = mixture.centres[pull.any(axis=1)]
    count = len(frames)
    over_frames = mean_variance(frames[:, None]) if count > 2 else np.square(1.25 * frame_spread) / count
    off = np.where(pull > 0, values - mixture.centres[:, None], 0.0)
    totals = pull.sum(axis=0)
    lasting = (pull * off).sum(axis=0) / np.where(totals > 0, totals, 1.0)
    variance = totals @ np.square(lasting) / totals.sum()
    if count > 2:
        variance = max(variance - np.square(mixture.sigma) / count, 0.0)
    return float(np.sqrt(over_frames + variance * CELLS_PER_SAMPLE / CELLS))


def scale_from_centres(overlap: Overlap, rotation: Array) -> ScaleEstimate | None:
    """Robust location of the log ratios of camera distances; None where the cameras do not move alike."""
    step = -(-len(overlap.frames) // MAX_FRAMES)
    if len(overlap.frames) < 2:
        return None
    a, b = overlap.previous.centres[::step], overlap.current.centres[::step] @ rotation.T
    i, j = np.triu_indices(len(a), 1)
    a, b = a[i] - a[j], b[i] - b[j]
    length_a, length_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    apart = _well_apart(length_a) & _well_apart(length_b)
    if not apart.any():
        return None
    ratios = np.log(length_a[apart] / length_b[apart])
    log_scale, sigma = location(ratios, np.ones(len(ratios)), FLOOR)
    misfit = np.linalg.norm(a[apart] - np.exp(log_scale) * b[apart], axis=1) / length_a[apart]
    if np.median(misfit) > 0.3:
        return None
    return ScaleEstimate(log_scale, sigma, sigma, float(len(overlap.frames)), overlap.weight)


def combine_log_scales(first: ScaleEstimate, second: ScaleEstimate | None) -> float:
    """The log-scale that two estimates together make most likely."""
    if second is None:
        return first.log_scale
    trust = 1 / np.square(np.maximum([first.sigma, second.sigma], FLOOR))
    return float(trust @ [first.log_scale, second.log_scale] / trust.sum())


def _well_apart(lengths: Array) -> NDArray[np.bool_]:
    """Which of the lengths are large enough for a ratio: those near zero are all noise."""
    return lengths > max(0.3 * lengths.max(), 1e-9)


def _cells(overlap: Overlap) -> NDArray[np.int64]:
    """Cell of every pixel: its block's near or far half, by the mean of both log depths (no window is preferred)."""
    log_depth = np.log(overlap.previous.depths) + np.log(overlap.current.depths)
    blocks = CELLS // 2 * len(overlap.frames)
    middle, _ = grouped_median(log_depth, np.ones(len(log_depth)), overlap.block, blocks)
    return 2 * overlap.block + (log_depth > middle[overlap.block])
