"""Which runs of the bank are wrong: errors of whole trajectories and turns, beside those of single poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from da3_stream.evaluation.metrics import path_distances
from da3_stream.evaluation.pose_errors import PoseErrors, pose_errors
from da3_stream.geometry import nearest_rotations, umeyama
from da3_stream.geometry.camera_alignment import angle_deg

__all__ = ["PoseErrors", "angle_deg", "ate_percent", "pose_errors", "turn_error_deg"]

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

FEWEST_OF_SEGMENT = 3


def ate_percent(truth: Float64, estimate: Float64, segment: Int64) -> float:
    """RMSE of all positions, each segment aligned by a Sim(3) of its own, in % of the whole true path.

    Segments of fewer than three poses count for nothing; NaN where that leaves nothing.
    """
    squares = [
        np.sum((umeyama(y, x).apply(x) - y) ** 2, axis=1)
        for y, x in _segments(truth[:, :3, 3], estimate[:, :3, 3], segment)
    ]
    length = path_distances(truth[:, :3, 3])[-1]
    return 100.0 * float(np.sqrt(np.mean(np.concatenate(squares)))) / length if squares and length > 0 else np.nan


def turn_error_deg(truth: Float64, estimate: Float64, segment: Int64) -> float:
    """The largest error of an orientation after one rotation for each segment; NaN where no segment has three poses."""
    worst = [np.nan]
    for y, x in _segments(truth[:, :3, :3], estimate[:, :3, :3], segment):
        rotation = nearest_rotations((y @ x.transpose(0, 2, 1)).sum(axis=0)[None])[0]
        worst += [angle_deg(a, rotation @ b) for a, b in zip(y, x, strict=True)]
    return float(np.nanmax(worst)) if len(worst) > 1 else np.nan


def _segments(truth: Float64, estimate: Float64, segment: Int64) -> list[tuple[Float64, Float64]]:
    """Truth and estimate of every segment's rows that have a pose."""
    posed = np.isfinite(estimate.reshape(len(estimate), -1)).all(axis=1)
    rows = [np.flatnonzero(posed & (segment == k)) for k in np.unique(segment[segment >= 0])]
    return [(truth[chosen], estimate[chosen]) for chosen in rows if len(chosen) >= FEWEST_OF_SEGMENT]
