"""Sim(3) between two windows from the frames they share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..types import Alignment, Status, WindowGeometry
from .cameras import average_rotation, from_cameras
from .overlap import Overlap, find_overlap
from .refinement import Noise, information, refine, residuals
from .scale import ScaleEstimate, combined, scale_from_centres, scale_from_depth

Array = NDArray[np.float64]

INLIER_CAP = 0.3  # a point further off than this share of its depth is never an inlier
WEAK_INLIERS = 0.5
WEAK_SPREAD = 0.08  # of single frames' log-scales
WEAK_SIGMA = 0.05  # of the log-scale
WEAK_FRAMES = 1.5  # of equal weight
METRIC_TOLERANCE = 0.05  # log-scale by which metric windows may differ before it counts


def align_windows(
    previous: WindowGeometry, current: WindowGeometry, shared: NDArray[np.int64] | None = None
) -> Alignment:
    """How `current` lies in `previous`, from the frames (all, or those of index `shared`) that both contain.

    Scale first, from depth ratios on the same pixels; rotation and translation from the shared cameras; then all
    together on sampled pixels and cameras. Two metric windows keep scale 1 unless the evidence against it is
    significant. WEAK: few inliers or frames, frames that disagree on the scale, or a scale known from cameras only
    (or, where a window is HELD, not at all: then 1). FAILED, with the identity and residual 1: too little to go by.
    Raises StitchingError for depth maps of different sizes and for `shared` frames that are not in both windows.
    """
    overlap = find_overlap(previous, current, shared)
    if not len(overlap.frames) or Status.FAILED in (previous.status, current.status):
        return _failed(overlap)
    rotation = average_rotation(overlap)
    depth_scale = scale_from_depth(overlap)
    centre_scale = scale_from_centres(overlap, rotation)
    scale = depth_scale or centre_scale
    held = Status.HELD in (previous.status, current.status)
    if scale is None and not held:
        return _failed(overlap)
    unit = _unit_scale(overlap)
    log_scale, unknowns = (combined(scale, centre_scale), 7) if scale else (unit, 6)
    if scale and previous.is_metric and current.is_metric and _is_one(log_scale - unit, scale.sigma):
        log_scale, unknowns = unit, 6
    first = from_cameras(overlap, log_scale, rotation)
    return _judged(overlap, *refine(overlap, first, depth_scale, unknowns), depth_scale)


def _unit_scale(overlap: Overlap) -> float:
    """The normalised log-scale that means 1 between the windows themselves."""
    return float(np.log(overlap.previous.normal_from_window.scale / overlap.current.normal_from_window.scale))


def _is_one(log_scale: float, sigma: float) -> bool:
    return abs(log_scale) <= max(3 * sigma, METRIC_TOLERANCE)


def _judged(overlap: Overlap, normal: Sim3, noise: Noise, scale: ScaleEstimate | None) -> Alignment:
    """The alignment in the windows' own lengths, with its quality."""
    inlier_ratio, residual = _quality(overlap, normal, noise)
    strong = (
        scale is not None
        and inlier_ratio >= WEAK_INLIERS
        and scale.frame_spread <= WEAK_SPREAD
        and scale.sigma <= WEAK_SIGMA
        and scale.frames >= WEAK_FRAMES
    )
    return Alignment(
        overlap.previous.normal_from_window.inverse() @ normal @ overlap.current.normal_from_window,
        information(overlap, normal, noise),
        inlier_ratio,
        residual,
        Status.OK if strong else Status.WEAK,
        overlap.frames,
    )


def _quality(overlap: Overlap, normal: Sim3, noise: Noise) -> tuple[float, float]:
    """Share of points within three sigmas and the median error relative to depth; of camera centres without points."""
    _, centres, points = residuals(overlap, normal)
    kind, sigma = (points, noise.sigmas[2]) if len(points.errors) else (centres, noise.sigmas[1])
    sizes = np.linalg.norm(kind.errors, axis=1)
    return float(np.mean(sizes <= min(3 * sigma, INLIER_CAP))), float(np.median(sizes))


def _failed(overlap: Overlap) -> Alignment:
    return Alignment(Sim3.identity(), 1e-6 * np.eye(7), 0.0, 1.0, Status.FAILED, overlap.frames)
