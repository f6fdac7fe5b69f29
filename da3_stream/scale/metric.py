"""Scale observation of a window from a metric depth model, its sigma from the consistency of the frames' depths."""

from __future__ import annotations

import numpy as np

from ..geometry import pixel_centres, unproject
from ..geometry.robust_statistics import sigma_clipped_mean
from ..types import Float64, ScaleObservation, WindowGeometry
from .camera_height import Refusal

PIXELS = 2000  # of a frame, on a lattice
MIN_PIXELS = 50
MIN_PAIRS = 3
MODEL_SIGMA = 0.05  # of log-scale: the systematic error that all frames of a window share


def metric_scale(window: WindowGeometry, number: int) -> ScaleObservation | Refusal:
    """The observation that window `number` is in metres; a refusal if its model is not metric or few frames overlap.

    Its sigma combines the spread over frames of the log ratio between a frame's depth and the depth of the previous
    frame's points in it with the model's systematic error, which does not average out over the frames of a window.
    """
    if not window.is_metric:
        return Refusal("the model is not metric")
    ratios = np.array([_log_ratio(window, row) for row in range(len(window.frame_indices) - 1)])
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < MIN_PAIRS:
        return Refusal(f"{len(ratios)} pairs of frames see the same depth, {MIN_PAIRS} are needed")
    return ScaleObservation(
        number, 0.0, float(np.hypot(sigma_clipped_mean(ratios)[1], MODEL_SIGMA)), "metric model", True
    )


def _log_ratio(window: WindowGeometry, row: int) -> float:
    """Median log of a frame's points' depth in the next one over the depth stored there; NaN without enough pixels."""
    points = _points(window, row)
    poses = window.window_from_camera[row : row + 2]
    if not (window.has_pose[row : row + 2].all() and np.isfinite(window.intrinsics[row + 1]).all()):
        return np.nan
    in_next = (points @ poses[0, :3, :3].T + poses[0, :3, 3] - poses[1, :3, 3]) @ poses[1, :3, :3]
    ahead = in_next[in_next[:, 2] > 0]
    pixels = np.floor((ahead / ahead[:, 2:]) @ window.intrinsics[row + 1].T)[:, :2]
    height, width = window.depth.shape[1:]
    inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
    column, line = pixels[inside].astype(np.int64).T
    stored = window.depth[row + 1, line, column].astype(np.float64)
    usable = (stored > 0) & (window.confidence[row + 1, line, column] > 0)
    if usable.sum() < MIN_PIXELS:
        return np.nan
    return float(np.median(np.log(ahead[inside][usable, 2] / stored[usable])))


def _points(window: WindowGeometry, row: int) -> Float64:
    """Points [P,3] of a lattice of a frame's pixels in its camera's axes; only those with depth."""
    height, width = window.depth.shape[1:]
    step = max(1, int(np.sqrt(height * width / PIXELS)))
    lattice = np.s_[step // 2 :: step, step // 2 :: step]
    depth = window.depth[row][lattice].astype(np.float64)
    usable = (depth > 0) & (window.confidence[row][lattice] > 0)
    return unproject(pixel_centres(height, width)[lattice][usable], depth[usable], window.intrinsics[row])
