"""Errors of a trajectory against the truth: absolute (ATE), relative (RPE), scale and its drift.

RPE follows the KITTI odometry benchmark (Geiger, Lenz, Urtasun, CVPR 2012): relative poses over fixed lengths of the
truth's path, errors divided by the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import umeyama

Float64 = NDArray[np.float64]

KITTI_LENGTHS_M = tuple(float(length) for length in range(100, 801, 100))
KITTI_STEP = 10  # every tenth frame starts a subsequence
DRIFT_PARTS = 10
DRIFT_DEFINITION = (
    "Sim(3) scale (truth per estimate) of every tenth of the path, relative to that of the whole:"
    " largest over smallest, and its trend (line through the logarithms) per 100 m"
)


@dataclass(frozen=True)
class AbsoluteTrajectoryError:
    """ATE: distances between true and aligned positions, in metres."""

    rmse_m: float
    median_m: float
    max_m: float


@dataclass(frozen=True)
class RelativePoseError:
    """RPE: mean errors of relative poses over subsequences of the truth's path; NaN where none fits."""

    trans_percent: float
    rot_deg_per_m: float
    lengths_m: tuple[float, ...]
    pairs: int


@dataclass(frozen=True)
class ScaleDrift:
    """How the scale changes along the path (DRIFT_DEFINITION); NaN for parts that do not determine it."""

    relative_scale: tuple[float, ...]
    max_over_min: float
    percent_per_100m: float


def path_distances(positions: Float64) -> Float64:
    """Length of the path [N] from its first position to each of [N,3]."""
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def absolute_trajectory_error(truth: Float64, aligned: Float64) -> AbsoluteTrajectoryError:
    """ATE of aligned positions [N,3] against the truth [N,3]."""
    errors = np.linalg.norm(truth - aligned, axis=1)
    return AbsoluteTrajectoryError(float(np.sqrt(np.mean(errors**2))), float(np.median(errors)), float(errors.max()))


def straight_line_percent(truth: Float64) -> float:
    """ATE RMSE, in % of the path, of a straight line at constant speed after Sim(3) alignment to truth [N,3].

    The score of an estimate that does not depend on the video; NaN for a path without length.
    """
    length = path_distances(truth)[-1]
    line = np.zeros((len(truth), 3))
    line[:, 0] = np.arange(len(truth))
    return percent(absolute_trajectory_error(truth, umeyama(truth, line).apply(line)).rmse_m, length)


def percent(part: float, whole: float) -> float:
    """A part in % of the whole; NaN where the whole is 0."""
    return 100.0 * part / whole if whole > 0 else float("nan")


def subsequence_lengths(path_length_m: float) -> tuple[float, ...]:
    """The KITTI lengths that fit into the path, or a tenth of the path where none does."""
    fitting = tuple(length for length in KITTI_LENGTHS_M if length <= path_length_m)
    return fitting or (path_length_m / 10,)


def relative_pose_error(truth: Float64, estimate: Float64) -> RelativePoseError:
    """RPE of poses world_from_camera [N,4,4] (the estimate in the truth's units; frames of reference do not matter).

    Subsequences start at every tenth frame, on paths shorter than 100 m at every frame.
    """
    along = path_distances(truth[:, :3, 3])
    lengths = subsequence_lengths(along[-1])
    starts = np.arange(0, len(truth), KITTI_STEP if lengths[0] in KITTI_LENGTHS_M else 1)
    if not along[-1] > 0:
        return RelativePoseError(float("nan"), float("nan"), (), 0)
    errors = [_subsequence_errors(truth, estimate, *_subsequences(along, starts, length), length) for length in lengths]
    trans, rot = np.concatenate(errors, axis=1)
    return RelativePoseError(100.0 * _mean(trans), float(np.degrees(_mean(rot))), lengths, len(trans))


def fit_scale(truth: Float64, estimate: Float64) -> float:
    """Truth per estimate of positions [N,3] by a Sim(3) fit; NaN for fewer than 3 or without extent."""
    if len(truth) < 3 or not (_has_extent(truth) and _has_extent(estimate)):
        return float("nan")
    return umeyama(truth, estimate).scale


def scale_drift(truth: Float64, estimate: Float64) -> ScaleDrift:
    """Scale of every tenth of the truth's path against the scale of the whole, from positions [N,3]."""
    along = path_distances(truth)
    edges = np.linspace(0.0, along[-1], DRIFT_PARTS + 1)
    firsts, ends = np.searchsorted(along, edges[:-1]), np.searchsorted(along, edges[1:], side="right")
    tenths = [fit_scale(truth[i:j], estimate[i:j]) for i, j in zip(firsts, ends, strict=True)]
    scales = np.array(tenths) / fit_scale(truth, estimate)
    middles = (edges[:-1] + edges[1:]) / 2
    known = np.isfinite(scales)
    if known.sum() < 2:
        return ScaleDrift(tuple(scales), float("nan"), float("nan"))
    slope_per_m = np.polyfit(middles[known], np.log(scales[known]), 1)[0]
    spread = scales[known].max() / scales[known].min()
    return ScaleDrift(tuple(scales), float(spread), 100.0 * float(np.expm1(100.0 * slope_per_m)))


def _has_extent(positions: Float64) -> bool:
    return bool(np.ptp(positions, axis=0).max() > 1e-9 * np.abs(positions).max())


def _subsequences(
    along: Float64, starts: NDArray[np.int64], length: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end rows of subsequences: the end is the first frame at least `length` further along the truth."""
    ends = np.searchsorted(along, along[starts] + length * (1 - 1e-9))
    return starts[ends < len(along)], ends[ends < len(along)]


def _subsequence_errors(
    truth: Float64, estimate: Float64, starts: NDArray[np.int64], ends: NDArray[np.int64], length: float
) -> Float64:
    """Translation (per metre) and rotation (radians per metre) errors [2,K] of the relative poses."""
    error = np.linalg.inv(_relative_poses(estimate, starts, ends)) @ _relative_poses(truth, starts, ends)  # (K, 4, 4)
    trans = np.linalg.norm(error[:, :3, 3], axis=1)
    rot = Rotation.from_matrix(error[:, :3, :3]).magnitude()
    return (np.stack([trans, rot]) / length).astype(np.float64)


def _relative_poses(world_from_camera: Float64, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Float64:
    """start_from_end [K,4,4]."""
    return np.linalg.inv(world_from_camera[starts]) @ world_from_camera[ends]


def _mean(values: Float64 | Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
