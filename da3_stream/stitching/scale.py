"""The scale between two windows, alone and first: from depth ratios, or from how far the cameras are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .overlap import BLOCKS, Overlap
from .robust import (
    dense_location,
    effective_count,
    grouped_median,
    independent_count,
    location,
    tukey_weights,
    weighted_median,
)

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

    Medians over cells (a block of the image, near or far half) and then over a frame's cells keep apart what errs
    together: a wrong object or a compressed far field is a minority of cells however many pixels it has.
    """
    if len(overlap.frame) < MIN_PIXELS:
        return None
    ratios = np.log(overlap.previous.depths) - np.log(overlap.current.depths)
    cell, count = _cells(overlap), CELLS * len(overlap.frames)
    values, weights = grouped_median(ratios, overlap.weight, cell, count)
    frames = np.array([_frame_ratio(values[f], weights[f]) for f in _frame_slices(count)])
    frames = frames[frames[:, 2] > 0]
    log_scale, frame_spread = location(frames[:, 0], frames[:, 2], FLOOR)
    within = weighted_median(frames[:, 1], frames[:, 2])
    supporting = effective_count(frames[:, 2])
    independent = min(independent_count(frames[:, :1] - log_scale), (supporting + 2) / 3)
    variance = (1.25 * frame_spread) ** 2 + within**2 * CELLS_PER_SAMPLE / CELLS
    agreement = tukey_weights(np.nan_to_num(values - log_scale), np.hypot(within, frame_spread))
    return ScaleEstimate(
        log_scale,
        float(np.sqrt(variance / independent)),
        frame_spread,
        supporting,
        overlap.weight * agreement[cell],
    )


def scale_from_centres(overlap: Overlap, rotation: Array) -> ScaleEstimate | None:
    """Robust location of the log ratios of camera distances; None where the cameras do not move alike."""
    step = -(-len(overlap.frames) // MAX_FRAMES)
    if len(overlap.frames) < 2:
        return None
    a, b = overlap.previous.centres[::step], overlap.current.centres[::step] @ rotation.T
    i, j = np.triu_indices(len(a), 1)
    a, b = a[i] - a[j], b[i] - b[j]
    length_a, length_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    apart = _long(length_a) & _long(length_b)
    if not apart.any():
        return None
    ratios = np.log(length_a[apart] / length_b[apart])
    log_scale, sigma = location(ratios, np.ones(len(ratios)), FLOOR)
    misfit = np.linalg.norm(a[apart] - np.exp(log_scale) * b[apart], axis=1) / length_a[apart]
    if np.median(misfit) > 0.3:
        return None
    return ScaleEstimate(log_scale, sigma, sigma, float(len(overlap.frames)), overlap.weight)


def combined(first: ScaleEstimate, second: ScaleEstimate | None) -> float:
    """The log-scale that two estimates together make most likely."""
    if second is None:
        return first.log_scale
    trust = 1 / np.square(np.maximum([first.sigma, second.sigma], FLOOR))
    return float(trust @ [first.log_scale, second.log_scale] / trust.sum())


def _long(lengths: Array) -> NDArray[np.bool_]:
    """Which of the lengths stand above rounding and above the short ones, which say little."""
    return lengths > max(0.3 * lengths.max(), 1e-9)


def _cells(overlap: Overlap) -> NDArray[np.int64]:
    """Cell of every pixel: its block's near or far half, by the mean of both log depths (no window is preferred)."""
    log_depth = np.log(overlap.previous.depths) + np.log(overlap.current.depths)
    blocks = CELLS // 2 * len(overlap.frames)
    middle, _ = grouped_median(log_depth, np.ones(len(log_depth)), overlap.block, blocks)
    return 2 * overlap.block + (log_depth > middle[overlap.block])


def _frame_slices(count: int) -> list[slice]:
    return [slice(start, start + CELLS) for start in range(0, count, CELLS)]


def _frame_ratio(values: Array, weights: Array) -> tuple[float, float, float]:
    """Log ratio of one frame, the spread of its cells, and its weight; weight 0 without any pixel."""
    filled = weights > 0
    if not filled.any():
        return 0.0, 0.0, 0.0
    centre, sigma = dense_location(values[filled], weights[filled], FLOOR)
    return centre, sigma, float(weights.sum())
