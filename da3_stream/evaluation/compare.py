"""The segments of a run against the truth: one alignment per segment, and the metrics that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..errors import EvaluationError
from ..geometry import Sim3, umeyama
from ..geometry.sim3_closed_forms import hat
from ..store import PoseTable
from .associate import Association
from .metrics import absolute_trajectory_error, fit_scale, path_distances, percent, relative_pose_error, scale_drift
from .trajectories import Trajectory

Align = Literal["sim3", "se3", "none"]
MIN_POSES = 3  # fewer do not determine a similarity
PATH_ROWS = 500  # of a comparison: for drawings
PATH_DIGITS = 5  # of a metre


@dataclass(frozen=True, eq=False)
class SegmentComparison:
    """The M frames of one segment that have both truth and a pose, and their alignment."""

    segment: int
    source_index: NDArray[np.int64]  # [M]
    truth: NDArray[np.float64]  # [M,4,4], truth_from_camera
    estimate: NDArray[np.float64]  # [M,4,4], world_from_camera
    truth_from_world: Sim3

    @property
    def truth_positions(self) -> NDArray[np.float64]:
        """Camera centres [M,3] of the truth, in metres."""
        return self.truth[:, :3, 3]

    @property
    def aligned_positions(self) -> NDArray[np.float64]:
        """Camera centres [M,3] of the estimate after alignment, in metres."""
        return self.truth_from_world.apply(self.estimate[:, :3, 3])

    def metrics(self) -> dict[str, Any]:
        """Path length, ATE, RPE, scale and scale drift (metres, %, degrees per metre; NaN where one is undefined)."""
        truth, world = self.truth_positions, self.estimate[:, :3, 3]
        length = float(path_distances(truth)[-1])
        ate = absolute_trajectory_error(truth, self.aligned_positions)
        rpe = relative_pose_error(self.truth, self._scaled_estimate())
        drift = scale_drift(truth, world)
        return {
            "segment": self.segment,
            "frames": len(truth),
            "path_length_m": length,
            "ate_rmse_m": ate.rmse_m,
            "ate_median_m": ate.median_m,
            "ate_max_m": ate.max_m,
            "ate_percent": percent(ate.rmse_m, length),
            "rpe_trans_percent": rpe.trans_percent,
            "rpe_rot_deg_per_m": rpe.rot_deg_per_m,
            "rpe_lengths_m": rpe.lengths_m,
            "rpe_pairs": rpe.pairs,
            "scale": fit_scale(truth, world),
            "scale_drift": drift.max_over_min,
            "scale_drift_percent_per_100m": drift.percent_per_100m,
            "scale_along_path": drift.relative_scale,
        }

    def path(self) -> dict[str, Any]:
        """Both paths and the error along the true one, of `PATH_ROWS` frames evenly and the worst one; in metres."""
        errors = np.linalg.norm(self.truth_positions - self.aligned_positions, axis=1)
        evenly = np.linspace(0, len(errors) - 1, min(len(errors), PATH_ROWS)).round().astype(np.int64)
        rows = np.union1d(evenly, errors.argmax())
        of_rows = {
            "truth": self.truth_positions,
            "aligned": self.aligned_positions,
            "along_m": path_distances(self.truth_positions),
            "error_m": errors,
        }
        rounded = {name: np.round(values[rows], PATH_DIGITS) for name, values in of_rows.items()}
        return {"source_index": self.source_index[rows], **rounded}

    def _scaled_estimate(self) -> NDArray[np.float64]:
        scaled = self.estimate.copy()
        scaled[:, :3, 3] *= self.truth_from_world.scale
        return scaled


def align_positions(truth: NDArray[np.float64], estimate: NDArray[np.float64], align: Align) -> Sim3:
    """`truth_from_world` from positions [N,3]; "none" is the identity: both are in the same frame and units."""
    if align == "none":
        return Sim3.identity()
    return umeyama(truth, estimate, with_scale=align == "sim3")


def align_roll(comparison: SegmentComparison) -> Sim3:
    """The alignment with its roll about the path's direction taken from the cameras' orientations.

    Positions on a straight line do not determine that roll, which moves points far from the line. The angle maximises
    sum trace(truth_rotation^T Roll alignment_rotation estimate_rotation), the chordal mean of the differences.
    """
    centre = comparison.truth_positions.mean(axis=0)
    axis = np.linalg.svd(comparison.truth_positions - centre, full_matrices=False)[2][0]
    aligned = comparison.truth_from_world.rotation @ comparison.estimate[:, :3, :3]
    m = np.einsum("nij,nkj->ik", aligned, comparison.truth[:, :3, :3])
    angle = np.arctan2(np.trace(hat(axis) @ m), np.trace(m) - axis @ m @ axis)
    roll = Rotation.from_rotvec(angle * axis).as_matrix()
    return Sim3(1.0, roll, centre - roll @ centre) @ comparison.truth_from_world


def straightness(positions: NDArray[np.float64]) -> float:
    """Extent across the path's main direction over the extent along it (0 = on a line), of positions [N,3]."""
    singular = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)
    return float(singular[1] / singular[0]) if singular[0] > 0 else 0.0


def compare_segments(poses: PoseTable, truth: Trajectory, pairs: Association, align: Align) -> list[SegmentComparison]:
    """One comparison per segment with at least 3 frames that have truth and a pose, the one with most frames first.

    Raises EvaluationError if no segment has that many.
    """
    posed = poses.has_pose[pairs.rows]
    rows, truth_rows = pairs.rows[posed], pairs.truth_rows[posed]
    numbers, counts = np.unique(poses.segment[rows], return_counts=True)
    largest = int(counts.max(initial=0))
    if largest < MIN_POSES:
        raise EvaluationError(
            f"no segment of the run has {MIN_POSES} frames with both a pose and truth (the most is {largest},"
            f" {len(pairs.rows)} selected frames have truth): nothing can be aligned"
        )
    by_size = np.argsort(-counts, kind="stable")
    chosen = [(int(numbers[k]), poses.segment[rows] == numbers[k]) for k in by_size if counts[k] >= MIN_POSES]
    return [_compare_segment(poses, truth, segment, rows[mask], truth_rows[mask], align) for segment, mask in chosen]


def _compare_segment(
    poses: PoseTable,
    truth: Trajectory,
    segment: int,
    rows: NDArray[np.int64],
    truth_rows: NDArray[np.int64],
    align: Align,
) -> SegmentComparison:
    estimate, target = poses.world_from_camera[rows], truth.world_from_camera[truth_rows]
    alignment = align_positions(target[:, :3, 3], estimate[:, :3, 3], align)
    return SegmentComparison(segment, poses.source_index[rows], target, estimate, alignment)
