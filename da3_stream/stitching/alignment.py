"""Sim(3) between two windows from the frames they share: scale first, then cameras, then all seven numbers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, nearest_rotations
from ..geometry.robust_statistics import geometric_median
from ..types import Alignment, Status, WindowGeometry
from .overlap import Overlap, find_overlap
from .refinement import Noise, information, point_errors, refine, residuals
from .scale import ScaleEstimate, combine_log_scales, scale_from_centres, scale_from_depth

Array = NDArray[np.float64]

INLIER_CAP = 0.3  # a point further off than this share of its depth is never an inlier
WEAK_INLIERS = 0.5
WEAK_SPREAD = 0.08  # of single frames' log-scales
WEAK_SIGMA = 0.05  # of the log-scale
WEAK_FRAMES = 1.5  # of equal weight
MAX_ROTATION_SPREAD = (
    0.1  # rad, the median over the shared cameras; beyond it the windows' cameras contradict each other
)
METRIC_TOLERANCE = 0.01  # log-scale by which two metric windows may differ, however sure the difference is
SAME_EVIDENCE = 0.5  # of its information that an edge to an earlier window keeps


def align_windows(previous: WindowGeometry, current: WindowGeometry) -> Alignment:
    """How `current` lies in `previous`, from the frames that both contain.

    Scale first, from depth ratios on the same pixels; rotation and translation from the shared cameras; then all
    together on sampled pixels and cameras. Two metric windows keep scale 1 unless the evidence against it is
    significant (3 sigma, and more than 1 %). The status is WEAK if depth disagrees (few inliers, frames that differ in
    scale) or is missing, so that the alignment is that of the cameras alone; if a single frame is shared; if a window
    is HELD or TURNED (scale 1 if unknown). It is FAILED, with the identity and residual 1, if neither depth nor the
    cameras of the two windows agree, or no frame is shared. Raises StitchingError for depth maps of different sizes.
    """
    overlap = find_overlap(previous, current)
    if not len(overlap.frames) or Status.FAILED in (previous.status, current.status):
        return _failure(overlap)
    rotation = average_rotation(overlap)
    turned = any(_only_turns(window, overlap.frames) for window in (previous, current))
    centre_scale = None if turned else scale_from_centres(overlap, rotation)
    held = Status.HELD in (previous.status, current.status)
    metric = previous.is_metric and current.is_metric
    with_depth = _align_with_depth(overlap, rotation, centre_scale, metric)
    if with_depth and with_depth.status is Status.OK:
        return with_depth
    if rotation_spread(overlap, rotation) <= MAX_ROTATION_SPREAD:
        if centre_scale is not None:
            return _fit(overlap, rotation, None, *_start_scale(overlap, centre_scale, None, metric))
        if with_depth and with_depth.inlier_ratio >= WEAK_INLIERS:
            return with_depth
        if held or turned:
            alignment = _fit(overlap, rotation, None, _unit_scale(overlap), 6)
            return _without_scale(alignment, current) if turned else alignment
    return _failure(overlap)


def align_earlier(earlier: Sequence[WindowGeometry], current: WindowGeometry) -> list[tuple[int, Alignment]]:
    """Row i of `earlier` and `earlier[i]`_from_current for every window there that `current` shares frames with.

    For windows at distance two and more, and for a window of strided keyframes on all those that its frames come from.
    Only sure edges (OK) are worth having besides the neighbours'. They look at depth and cameras that the neighbours'
    edges have counted already, so they keep half of their information.
    """
    edges = []
    for row, window in enumerate(earlier):
        if not np.isin(window.frame_indices, current.frame_indices).any():
            continue
        alignment = align_windows(window, current)
        if alignment.status is Status.OK:
            edges.append((row, replace(alignment, information=SAME_EVIDENCE * alignment.information)))
    return edges


def average_rotation(overlap: Overlap) -> Array:
    """Robust mean [3,3] of R_previous R_current^T over the shared cameras.

    The chordal L1 mean (Hartley et al., "Rotation averaging", IJCV 2013, section 5): median of matrices, projected.
    """
    single = _single_rotations(overlap)
    return nearest_rotations(geometric_median(single.reshape(-1, 9)).reshape(1, 3, 3))[0]


def rotation_spread(overlap: Overlap, rotation: Array) -> float:
    """Median angle (rad) between the mean rotation and those of single cameras."""
    return float(np.median(Rotation.from_matrix(_single_rotations(overlap) @ rotation.T).magnitude()))


def transform_from_cameras(overlap: Overlap, log_scale: float, rotation: Array) -> Sim3:
    """previous_from_current with this scale and rotation, its translation the geometric median over camera centres."""
    scale = float(np.exp(log_scale))
    offsets = overlap.previous.centres - scale * overlap.current.centres @ rotation.T
    return Sim3(scale, rotation, geometric_median(offsets))


def _single_rotations(overlap: Overlap) -> Array:
    """R_previous R_current^T [F,3,3] of each shared camera."""
    return overlap.previous.rotations @ overlap.current.rotations.transpose(0, 2, 1)


def _only_turns(window: WindowGeometry, frames: NDArray[np.int64]) -> bool:
    """Whether the camera turns on the spot in all of some frames of a window."""
    if not window.frame_status:
        return window.status is Status.TURNED
    rows = np.searchsorted(window.frame_indices, frames)
    return all(window.frame_status[row] is Status.TURNED for row in rows)


def _without_scale(alignment: Alignment, current: WindowGeometry) -> Alignment:
    """The alignment of windows that share one place of the camera only."""
    shared = np.isin(current.frame_indices, alignment.shared) & current.has_pose
    centre = np.median(current.window_from_camera[shared, :3, 3], axis=0)
    return replace(alignment, scale_known=False, centre=centre)


def _align_with_depth(
    overlap: Overlap, rotation: Array, centre_scale: ScaleEstimate | None, metric: bool
) -> Alignment | None:
    """The alignment from depth and cameras together; None without depth."""
    depth_scale = scale_from_depth(overlap)
    if depth_scale is None:
        return None
    log_scale, unknowns = _start_scale(overlap, depth_scale, centre_scale, metric)
    if unknowns == 6:
        misfit = combine_log_scales(depth_scale, centre_scale) - log_scale
        depth_scale = replace(depth_scale, sigma=float(np.hypot(depth_scale.sigma, misfit)))
    return _fit(overlap, rotation, depth_scale, log_scale, unknowns)


def _start_scale(
    overlap: Overlap, scale: ScaleEstimate, other: ScaleEstimate | None, metric: bool
) -> tuple[float, int]:
    """The log-scale to start from and how many unknowns to refine: 6 if the scale of metric windows is held at 1."""
    log_scale, unit = combine_log_scales(scale, other), _unit_scale(overlap)
    if metric and abs(log_scale - unit) <= max(3 * scale.sigma, METRIC_TOLERANCE):
        return unit, 6
    return log_scale, 7


def _unit_scale(overlap: Overlap) -> float:
    """The log-scale between the normalised windows that means scale 1 between the windows themselves."""
    previous, current = overlap.previous.normalized_from_window, overlap.current.normalized_from_window
    return float(np.log(previous.scale / current.scale))


def _fit(overlap: Overlap, rotation: Array, scale: ScaleEstimate | None, log_scale: float, unknowns: int) -> Alignment:
    """The alignment in the windows' own lengths, with its quality; WEAK if `scale` is missing or uncertain."""
    start = transform_from_cameras(overlap, log_scale, rotation)
    normalized, noise = refine(overlap, start, scale, unknowns)
    inlier_ratio, residual = _quality(overlap, normalized, noise)
    strong = (
        scale is not None
        and inlier_ratio >= WEAK_INLIERS
        and scale.frame_spread <= WEAK_SPREAD
        and scale.sigma <= WEAK_SIGMA
        and scale.frames >= WEAK_FRAMES
    )
    return Alignment(
        overlap.previous.normalized_from_window.inverse() @ normalized @ overlap.current.normalized_from_window,
        information(overlap, normalized, noise),
        inlier_ratio,
        residual,
        Status.OK if strong else Status.WEAK,
        overlap.frames,
    )


def _quality(overlap: Overlap, normalized: Sim3, noise: Noise) -> tuple[float, float]:
    """Share of points within three sigmas and the median error relative to depth; of camera centres without points."""
    if len(overlap.frame):
        sizes, sigma = point_errors(overlap, normalized), noise.sigmas[2]
    else:
        sizes, sigma = np.linalg.norm(residuals(overlap, normalized)[1].errors, axis=1), noise.sigmas[1]
    return float(np.mean(sizes <= min(3 * sigma, INLIER_CAP))), float(np.median(sizes))


def _failure(overlap: Overlap) -> Alignment:
    return Alignment(Sim3.identity(), 1e-6 * np.eye(7), 0.0, 1.0, Status.FAILED, overlap.frames)
