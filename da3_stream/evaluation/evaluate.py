"""`da3-stream eval`: a run against its ground truth, as one JSON-ready dictionary."""

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
from .cloud import cloud_error, read_cloud, true_points, truth_intrinsics
from .compare import Align, SegmentComparison, compare, roll_from_cameras, straightness
from .depth import DepthReader, depth_error, depth_file, read_true_depth, truth_frames
from .metrics import DRIFT_DEFINITION, straight_line_percent
from .plot import plot_trajectories
from .trajectories import Trajectory, TrajectoryFormat, read_trajectory

NEARLY_STRAIGHT = 0.02  # straightness below which positions do not hold the roll


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
    """Compare a run with a TUM or KITTI truth; strict JSON types, None where a number has no meaning.

    `fps` is the rate of images that carry no times (default: the run's own assumption, else 30), needed for TUM only.
    `depth_groundtruth` holds %06d.npy per source frame (float, metres along z, 0 = none) and adds "depth" and
    "cloud". `plot` is where a PNG of the largest segment goes. Raises EvaluationError or StoreError in one sentence.
    """
    if align not in get_args(Align):
        raise EvaluationError(f"unknown alignment {align!r}: expected one of {', '.join(get_args(Align))}")
    poses = store.read_poses(run_dir)
    truth = read_trajectory(groundtruth, format)
    pairs = associate(poses, truth, fps)
    parts = compare(poses, truth, pairs, align)
    result = trajectory_result(poses, truth, pairs, parts, align)
    if depth_groundtruth is not None:
        numbers, notes = _depth_result(Path(run_dir), Path(depth_groundtruth), parts[0], align)
        if result["segments"] > 1:
            notes.append(
                "cloud.ply holds all segments, the largest alone is aligned: the others' points count as wrong"
            )
        result |= numbers | {"notes": result["notes"] + notes}
    if plot is not None:
        title = f"{Path(run_dir).name}: ATE {result['ate_rmse_m']:.3g} m over {result['path_length_m']:.4g} m ({align})"
        plot_trajectories(plot, parts[0].truth_positions, parts[0].aligned_positions, title)
    return plain(result)


def trajectory_result(
    poses: store.PoseTable,
    truth: Trajectory,
    pairs: Association,
    parts: Sequence[SegmentComparison],
    align: Align,
) -> dict[str, Any]:
    """The trajectory's part of the result: the largest segment's numbers at the top, the others in "per_segment"."""
    largest, posed = parts[0], poses.has_pose
    return {
        "format": truth.format,
        "association": pairs.by,
        "align": align,
        "frames_selected": len(poses.source_index),
        "frames_with_truth": len(pairs.rows),
        "coverage": len(largest.truth) / len(pairs.rows),
        "segments": len(np.unique(poses.segment[posed])),
        **largest.numbers(),
        "scale_drift_definition": DRIFT_DEFINITION,
        "straight_line_percent": straight_line_percent(largest.truth_positions),
        "per_segment": [part.numbers() for part in parts[1:]],
        "notes": _notes(poses, truth, pairs, parts, align),
    }


def _notes(
    poses: store.PoseTable, truth: Trajectory, pairs: Association, parts: Sequence[SegmentComparison], align: Align
) -> list[str]:
    """What a reader of the numbers must know besides them, one sentence each."""
    notes = list(pairs.notes)
    if truth.skipped:
        notes.append(f"{truth.skipped} of {truth.row_count} rows of the truth hold NaN and were skipped")
    if align == "none":
        notes.append("nothing was aligned: run and truth are taken to be in the same frame and units")
    left_out = len(np.unique(poses.segment[poses.has_pose])) - len(parts)
    if left_out:
        notes.append(f"{left_out} of the run's segments have too few frames with truth to be compared")
    if straightness(parts[0].truth_positions) < NEARLY_STRAIGHT:
        notes.append("the true path is nearly a straight line: its positions do not tell the roll about it")
    return notes


def _depth_result(
    run_dir: Path, directory: Path, part: SegmentComparison, align: Align
) -> tuple[dict[str, Any], list[str]]:
    """Numbers of depth and cloud against the true depth maps, and notes on how they came about."""
    read_depth = partial(store.read_depth, run_dir)
    depth = depth_error(read_depth, directory, part.source_index)
    intrinsics, intrinsics_notes = _true_intrinsics(read_depth, directory, part.source_index)
    truth_from_camera = dict(zip(part.source_index.tolist(), part.truth, strict=True))
    points, median_depth_m = true_points(directory, truth_from_camera, intrinsics)
    truth_from_world, roll_notes = _cloud_alignment(part, align)
    cloud = cloud_error(truth_from_world.apply(read_cloud(run_dir / "cloud.ply")), points, median_depth_m)
    return {"depth": depth, "cloud": cloud}, [*intrinsics_notes, *roll_notes]


def _true_intrinsics(
    read_depth: DepthReader, directory: Path, source_index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[str]]:
    """K [3,3] of the true depth maps: from intrinsics.txt, else the run's own at their resolution, and that is said."""
    known = truth_intrinsics(directory)
    if known is not None:
        return known, []
    index = next(index for index in truth_frames(directory, source_index) if _has_depth(read_depth, index))
    depth, _, intrinsics = read_depth(index)
    true_size = read_true_depth(depth_file(directory, index)).shape[::-1]
    own = resize_intrinsics(intrinsics, depth.shape[::-1], true_size)
    return own, [f"no intrinsics.txt in or above {directory}: the run's own intrinsics place the true points"]


def _has_depth(read_depth: DepthReader, index: int) -> bool:
    try:
        read_depth(index)
    except KeyError:
        return False
    return True


def _cloud_alignment(part: SegmentComparison, align: Align) -> tuple[Sim3, list[str]]:
    """The trajectory's alignment; along a nearly straight path the cameras' orientations give the roll."""
    if align == "none" or straightness(part.truth_positions) >= NEARLY_STRAIGHT:
        return part.truth_from_world, []
    return roll_from_cameras(part), ["the cloud was aligned with the roll that the cameras' orientations give"]
