"""Sim(3) between two windows from the frames they share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..types import Alignment, Status, WindowGeometry
from .cameras import average_rotation, from_cameras, turned_apart
from .overlap import Overlap, find_overlap
from .refinement import Noise, information, point_errors, refine, residuals
from .scale import ScaleEstimate, combined, scale_from_centres, scale_from_depth

Array = NDArray[np.float64]

INLIER_CAP = 0.3  # a point further off than this share of its depth is never an inlier
WEAK_INLIERS = 0.5
WEAK_SPREAD = 0.08  # of single frames' log-scales
WEAK_SIGMA = 0.05  # of the log-scale
WEAK_FRAMES = 1.5  # of equal weight
LOST_TURN = 0.1  # rad by which the middle one of the shared cameras may be turned against the others
METRIC_TOLERANCE = 0.01  # log-scale by which two metric windows may differ, however sure the difference is


def align_windows(
    previous: WindowGeometry, current: WindowGeometry, shared: NDArray[np.int64] | None = None
) -> Alignment:
    """How `current` lies in `previous`, from the frames (all, or those of index `shared`) that both contain.

    Scale first, from depth ratios on the same pixels; rotation and translation from the shared cameras; then all
    together on sampled pixels and cameras. Two metric windows keep scale 1 unless the evidence against it is
    significant (3 sigma, and more than 1 %). WEAK: depth disagrees (few inliers, frames that differ in scale) or is
    not there, and the answer is that of the cameras alone; a single frame; a HELD window (scale 1 if unknown). FAILED,
    with the identity and residual 1: neither depth nor the cameras of the two windows agree, or nothing is shared.
    Raises StitchingError for depth maps of different sizes and for `shared` frames that are not in both windows.
    """
    overlap = find_overlap(previous, current, shared)
    if not len(overlap.frames) or Status.FAILED in (previous.status, current.status):
        return _failed(overlap)
    rotation = average_rotation(overlap)
    centre_scale = scale_from_centres(overlap, rotation)
    held = Status.HELD in (previous.status, current.status)
    metric = previous.is_metric and current.is_metric
    with_depth = _from_depth(overlap, rotation, centre_scale, metric)
    if with_depth and with_depth.status is Status.OK:
        return with_depth
    if turned_apart(overlap, rotation) <= LOST_TURN:
        if centre_scale is not None:
            return _fitted(overlap, rotation, None, *_unless_one(overlap, centre_scale, None, metric))
        if with_depth and with_depth.inlier_ratio >= WEAK_INLIERS:
            return with_depth
        if held:
            return _fitted(overlap, rotation, None, _unit_scale(overlap), 6)
    return _failed(overlap)


def _from_depth(
    overlap: Overlap, rotation: Array, centre_scale: ScaleEstimate | None, metric: bool
) -> Alignment | None:
    """The alignment that depth and cameras together make; None without depth."""
    depth_scale = scale_from_depth(overlap)
    if depth_scale is None:
        return None
    log_scale, unknowns = _unless_one(overlap, depth_scale, centre_scale, metric)
    if unknowns == 6:
        off = combined(depth_scale, centre_scale) - log_scale
        depth_scale = replace(depth_scale, sigma=float(np.hypot(depth_scale.sigma, off)))
    return _fitted(overlap, rotation, depth_scale, log_scale, unknowns)


def _unless_one(overlap: Overlap, scale: ScaleEstimate, other: ScaleEstimate | None, metric: bool) -> tuple[float, int]:
    """The log-scale to start from and how many unknowns to refine: 6 if it is held at 1."""
    log_scale, unit = combined(scale, other), _unit_scale(overlap)
    if metric and abs(log_scale - unit) <= max(3 * scale.sigma, METRIC_TOLERANCE):
        return unit, 6
    return log_scale, 7


def _unit_scale(overlap: Overlap) -> float:
    """The normalised log-scale that means 1 between the windows themselves."""
    return float(np.log(overlap.previous.normal_from_window.scale / overlap.current.normal_from_window.scale))


def _fitted(
    overlap: Overlap, rotation: Array, scale: ScaleEstimate | None, log_scale: float, unknowns: int
) -> Alignment:
    """The alignment in the windows' own lengths, with its quality; WEAK if `scale` does not bear it."""
    normal, noise = refine(overlap, from_cameras(overlap, log_scale, rotation), scale, unknowns)
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
    if len(overlap.frame):
        sizes, sigma = point_errors(overlap, normal), noise.sigmas[2]
    else:
        sizes, sigma = np.linalg.norm(residuals(overlap, normal)[1].errors, axis=1), noise.sigmas[1]
    return float(np.mean(sizes <= min(3 * sigma, INLIER_CAP))), float(np.median(sizes))


def _failed(overlap: Overlap) -> Alignment:
    return Alignment(Sim3.identity(), 1e-6 * np.eye(7), 0.0, 1.0, Status.FAILED, overlap.frames)
