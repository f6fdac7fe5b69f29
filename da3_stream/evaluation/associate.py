"""Which selected frame of a run belongs to which row of the truth: by time (TUM) or by source index (KITTI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import EvaluationError
from ..store import PoseTable
from .trajectories import Trajectory

DEFAULT_FPS = 30.0


@dataclass(frozen=True, eq=False)
class Association:
    """Matched rows [M] of the pose table and of the truth, in the run's order."""

    by: Literal["time", "index"]
    rows: NDArray[np.int64]
    truth_rows: NDArray[np.int64]
    notes: tuple[str, ...] = ()


def associate(poses: PoseTable, truth: Trajectory, fps: float | None = None) -> Association:
    """Match every selected frame that has truth, whether or not the run found its pose.

    `fps` is the rate of the source for runs whose images carry no times (by default the one that the run assumed, else
    30). Raises EvaluationError if nothing matches.
    """
    if fps is not None and not fps > 0:
        raise EvaluationError(f"the rate of the images must be positive, not {fps:g} fps")
    if not len(poses.source_index):
        raise EvaluationError("the run has no frames: there is nothing to compare with the truth")
    if truth.indices is not None:
        return _by_index(poses.source_index, truth.indices, truth.row_count)
    assert truth.timestamps is not None
    times, notes = _frame_times(poses, fps)
    return _by_time(times, _frame_interval(times, poses.source_index), truth.timestamps, notes)


def _by_index(source_index: NDArray[np.int64], truth_index: NDArray[np.int64], row_count: int) -> Association:
    """Match frames with truth of the same source index."""
    last = int(source_index.max(initial=-1))
    if last >= row_count == len(source_index):
        raise EvaluationError(
            f"the truth has {row_count} rows, one per selected frame, but those are source frames up to {last}:"
            " a KITTI truth needs one row per frame of the source, the unselected ones too"
        )
    _, rows, truth_rows = np.intersect1d(source_index, truth_index, assume_unique=True, return_indices=True)
    if not len(rows):
        raise EvaluationError(
            f"no selected frame has truth: source frames {_span(source_index)} were selected,"
            f" the truth has poses in rows {_span(truth_index)}"
        )
    short = f"the truth has {row_count} rows, the selected frames go up to {last}: those beyond have no truth"
    return Association("index", rows, truth_rows, (short,) if last >= row_count else ())


def _frame_times(poses: PoseTable, fps: float | None) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Seconds [N] of the selected frames, and a note on what had to be assumed for them."""
    if poses.has_times:
        return poses.timestamp, ()
    assumed = 1.0 / _frame_interval(poses.timestamp, poses.source_index)
    rate = fps if fps is not None else assumed
    # the source index, but for numbers that are missing between the images' names
    steps = np.where(np.isfinite(poses.timestamp), np.rint(poses.timestamp * assumed), poses.source_index)
    return steps / rate, (f"the images carry no times: source index / {rate:g} fps was assumed",)


def _frame_interval(times: NDArray[np.float64], source_index: NDArray[np.int64]) -> float:
    """Median seconds between neighbouring frames of the source; 1/30 where the run has no times."""
    steps = np.diff(times) / np.diff(source_index)
    steps = steps[np.isfinite(steps) & (steps > 0)]
    return float(np.median(steps)) if len(steps) else 1.0 / DEFAULT_FPS


def _by_time(
    times: NDArray[np.float64], interval: float, truth_times: NDArray[np.float64], notes: tuple[str, ...]
) -> Association:
    """Match frames with the nearest truth within half a frame interval, a row of truth with its nearest frame only."""
    nearest = _nearest(truth_times, times)
    distance = np.abs(truth_times[nearest] - times)
    rows = np.flatnonzero(distance <= interval / 2 + 1e-6)
    if not len(rows):
        raise EvaluationError(
            f"no selected frame lies within {interval / 2:.3g} s of a truth pose: the frames' times are"
            f" {_span(times)} s, the truth's {_span(truth_times)} s"
        )
    by_distance = rows[np.argsort(distance[rows], kind="stable")]
    truth_rows, first = np.unique(nearest[by_distance], return_index=True)
    matched = f"{len(truth_rows)} of {len(times)} selected frames have truth within {interval / 2:.3g} s"
    return Association("time", by_distance[first], truth_rows, (*notes, f"{matched} (half a frame of the source)"))


def _nearest(sorted_values: NDArray[np.float64], queries: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest of ascending values for every query; the earlier one of two equally near."""
    right = np.searchsorted(sorted_values, queries).clip(1, max(len(sorted_values) - 1, 1))
    left = right - 1
    right = right.clip(max=len(sorted_values) - 1)
    return np.where(queries - sorted_values[left] <= sorted_values[right] - queries, left, right)


def _span(values: NDArray[np.float64] | NDArray[np.int64]) -> str:
    return f"{np.nanmin(values):.10g} to {np.nanmax(values):.10g}"
