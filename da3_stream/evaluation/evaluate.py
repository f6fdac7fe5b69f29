"""The whole evaluation of a run against its ground truth, as one JSON-ready dictionary (`da3-stream eval`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .. import store
from ..errors import EvaluationError
from ..geometry import Sim3, resize_intrinsics
from ..store.files import plain
from .associate import Association, associate
from .cloud import compare_clouds, read_cloud, read_truth_intrinsics, true_points
from .compare import Align, SegmentComparison, align_roll, compare_segments, straightness
from .depth import DepthReader, compare_depth, depth_file, read_true_depth, truth_frames
from .metrics import DRIFT_DEFINITION, straight_line_percent
from .plot import plot_trajectories
from .pose_errors import pose_errors
from .trajectories import Trajectory, TrajectoryFormat, read_trajectory

NEARLY_STRAIGHT = 0.02  # straightness below which positions do not determine the roll about the path


def evaluate(
    run_dir: Path,
    groundtruth: Path,
    *,
    format: TrajectoryFormat | None = None,
    align: Align = "sim3",
    fps: float | None = None,
    depth_groundtruth: Path | None = None,
    plot: Path | None = None,
) -> dict[str, Any]:
    """Compare a run with a TUM or KITTI truth; values have JSON types, None where a number is undefined.

    `fps` is the rate of images that carry no times (by default the one that the run assumed, else 30), used for TUM
    only.
    `depth_groundtruth` holds %06d.npy per source frame (float, metres along z, 0 = none) and adds "depth" and
    "cloud". `plot` is where a PNG of the largest segment goes. Raises EvaluationError or StoreError in one sentence.
    """
    if align not in get_args(Align):
        raise EvaluationError(f"unknown alignment {align!r}: expected one of {', '.join(get_args(Align))}")
    poses = store.read_poses(run_dir)
    truth = read_trajectory(groundtruth, format)
    pairs = associate(poses, truth, fps)
    comparisons = compare_segments(poses, truth, pairs, align)
    of_map = {"scene_crc32": store.open_run(run_dir).scene_crc32()}
    result = of_map | trajectory_result(poses, truth, pairs, comparisons, align)
    if depth_groundtruth is not None:
        metrics, notes = _depth_result(Path(run_dir), Path(depth_groundtruth), comparisons[0], align)
        if result["segments"] > 1:
            notes.append(
                "cloud.ply holds all segments, the largest alone is aligned: the others' points count as wrong"
            )
        result |= metrics | {"notes": result["notes"] + notes}
    if plot is not None:
        title = f"{Path(run_dir).name}: ATE {result['ate_rmse_m']:.3g} m over {result['path_length_m']:.4g} m ({align})"
        plot_trajectories(plot, comparisons[0].truth_positions, comparisons[0].aligned_positions, title)
    return plain(result)


def trajectory_result(
    poses: store.PoseTable,
    truth: Trajectory,
    pairs: Association,
    comparisons: Sequence[SegmentComparison],
    align: Align,
) -> dict[str, Any]:
    """The result for the trajectory: the largest segment's metrics at the top, those of the others in "per_segment"."""
    largest, posed = comparisons[0], poses.has_pose
    return {
        "format": truth.format,
        "association": pairs.by,
        "align": align,
        "frames_selected": len(poses.source_index),
        "frames_with_truth": len(pairs.rows),
        "coverage": len(largest.truth) / len(pairs.rows),
        "segments": len(np.unique(poses.segment[posed])),
        **largest.metrics(),
        "scale_drift_definition": DRIFT_DEFINITION,
        "straight_line_percent": straight_line_percent(largest.truth_positions),
        "trust": _trust_result(poses, truth, pairs),
        "path": largest.path(),
        "per_segment": [part.metrics() for part in comparisons[1:]],
        "notes": _notes(poses, truth, pairs, comparisons, align),
    }


def _trust_result(poses: store.PoseTable, truth: Trajectory, pairs: Association) -> dict[str, Any]:
    """Which share of the frames with truth is believed, how many poses can be scored, and which share of those is
    right; by the path alone, as the trajectory tells no depth."""
    confidence, segment = poses.confidence[pairs.rows], poses.segment[pairs.rows]
    errors = pose_errors(truth.world_from_camera[pairs.truth_rows], poses.world_from_camera[pairs.rows], segment, 0.0)
    return {
        "believed_share": float(np.mean(confidence >= store.BELIEVED)),
        "scored": int(errors.scored.sum()),
        "right_share": float(np.mean(errors.right[errors.scored])) if errors.scored.any() else np.nan,
    }


def _notes(
    poses: store.PoseTable,
    truth: Trajectory,
    pairs: Association,
    comparisons: Sequence[SegmentComparison],
    align: Align,
) -> list[str]:
    """Caveats about the metrics, one sentence each."""
    notes = list(pairs.notes)
    if truth.skipped:
        notes.append(f"{truth.skipped} of {truth.row_count} rows of the truth have no pose and were skipped")
    if align == "none":
        notes.append("nothing was aligned: run and truth are taken to be in the same frame and units")
    left_out = len(np.unique(poses.segment[poses.has_pose])) - len(comparisons)
    if left_out:
        notes.append(f"{left_out} of the run's segments have too few frames with truth to be compared")
    if straightness(comparisons[0].truth_positions) < NEARLY_STRAIGHT:
        notes.append("the true path is nearly a straight line: its positions do not tell the roll about it")
    return notes


def _depth_result(
    run_dir: Path, directory: Path, comparison: SegmentComparison, align: Align
) -> tuple[dict[str, Any], list[str]]:
    """Metrics of depth and cloud against the true depth maps, and notes on the assumptions behind them."""
    read_depth = partial(store.read_depth, run_dir)
    depth = compare_depth(read_depth, directory, comparison.source_index)
    intrinsics, intrinsics_notes = _depth_map_intrinsics(read_depth, directory, comparison.source_index)
    truth_from_camera = dict(zip(comparison.source_index.tolist(), comparison.truth, strict=True))
    points, median_depth_m = true_points(directory, truth_from_camera, intrinsics)
    truth_from_world, roll_notes = _cloud_alignment(comparison, align)
    cloud = compare_clouds(truth_from_world.apply(read_cloud(run_dir / "cloud.ply")), points, median_depth_m)
    return {"depth": depth, "cloud": cloud}, [*intrinsics_notes, *roll_notes]


def _depth_map_intrinsics(
    read_depth: DepthReader, directory: Path, source_index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[str]]:
    """K [3,3] of the true depth maps, and notes: from intrinsics.txt, else the run's own at their resolution."""
    from_file = read_truth_intrinsics(directory)
    if from_file is not None:
        return from_file, []
    index = next(index for index in truth_frames(directory, source_index) if _has_depth(read_depth, index))
    depth, _, intrinsics = read_depth(index)
    true_size = read_true_depth(depth_file(directory, index)).shape[::-1]
    estimated = resize_intrinsics(intrinsics, depth.shape[::-1], true_size)
    return estimated, [f"no intrinsics.txt in or above {directory}: the run's own intrinsics place the true points"]


def _has_depth(read_depth: DepthReader, index: int) -> bool:
    try:
        read_depth(index)
    except KeyError:
        return False
    return True


def _cloud_alignment(comparison: SegmentComparison, align: Align) -> tuple[Sim3, list[str]]:
    """The trajectory's alignment, and notes; along a nearly straight path its roll is that of the orientations."""
    if align == "none" or straightness(comparison.truth_positions) >= NEARLY_STRAIGHT:
        return comparison.truth_from_world, []
    return align_roll(comparison), ["the cloud was aligned with the roll that the cameras' orientations give"]
