"""The poses that a trajectory file gets: of one segment, and what stands where a frame has none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...store import PoseTable, RunReader
from ...store.interpolation import geodesic
from ...types import Float64
from ..frame_views import selected_rows
from ..options import TrajectoryOptions


@dataclass(frozen=True, eq=False)
class ChosenPoses:
    """The rows of a trajectory file; poses are NaN where they are unknown."""

    table: PoseTable  # N rows
    numbers: NDArray[np.int64]  # [N] of each row among the frames asked for, from 0
    interpolated: NDArray[np.bool_]  # [N]
    longest_gap_s: float  # that was interpolated
    without_pose: int  # frames asked for that are left out for it
    segment: int | None  # None: all
    elsewhere: int  # poses of other segments, which are not in `table`

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which rows [N] have a pose that is the run's own."""
        return self.table.has_pose & ~self.interpolated

    def summary(self) -> str:
        """What was written and what was left out, for people."""
        unknown = len(self.table) - int(self.table.has_pose.sum())
        without = f", {unknown} of them without a pose" if unknown else ""
        written = f"{_numbered(len(self.table), 'frame')}{without}"
        return "".join([written, *self._of_interpolated(), *self._of_left_out(), *self._of_times()])

    def _of_interpolated(self) -> list[str]:
        count = int(self.interpolated.sum())
        return [f", {count} of them interpolated (over gaps of up to {self.longest_gap_s:.3g} s)"] if count else []

    def _of_left_out(self) -> list[str]:
        said = [f"; {self.without_pose} without a pose left out"] if self.without_pose else []
        if self.elsewhere:
            said.append(
                f"; {_numbered(self.elsewhere, 'pose')} of other segments left out: nothing ties them to segment "
                f"{self.segment} (--set segment=N writes another one)"
            )
        return said

    def _of_times(self) -> list[str]:
        if not self.table.has_times:
            return ["; the input has no times: those of an even pace were assumed"]
        late = int((np.diff(self.table.timestamp) <= 0).sum())
        return [f"; {late} times are not later than the one before, which readers may refuse"] if late else []


def chosen_poses(reader: RunReader, options: TrajectoryOptions, *, one_row_a_frame: bool) -> ChosenPoses:
    """The poses that the options ask for; with `one_row_a_frame` also those of frames without one, as NaN.

    Raises ExportError for a segment that has none of the frames asked for.
    """
    rows = np.array(selected_rows(reader, options))
    poses = reader.poses
    segment = _segment(poses.segment[rows], options.segment)
    filled, gaps_s = poses, np.zeros(len(poses))
    if options.unknown == "interpolate":
        filled, gaps_s = interpolate_unknown(poses)
    inside = filled.segment[rows] >= 0 if segment is None else filled.segment[rows] == segment
    kept = np.ones(len(rows), bool) if one_row_a_frame else inside
    numbers, gaps_s = np.flatnonzero(kept), np.where(inside, gaps_s[rows], 0.0)[kept]
    table = filled.take(rows[kept].tolist())
    own = poses.has_pose[rows]
    return ChosenPoses(
        table=replace(table, world_from_camera=np.where(inside[kept, None, None], table.world_from_camera, np.nan)),
        numbers=numbers,
        interpolated=gaps_s > 0,
        longest_gap_s=float(gaps_s.max(initial=0.0)),
        without_pose=int((~kept & ~own).sum()),
        segment=segment,
        elsewhere=int((own & ~inside).sum()),
    )


def interpolate_unknown(poses: PoseTable) -> tuple[PoseTable, Float64]:
    """The table with poses between those before and after, and the seconds between these two [N], 0 for other rows.

    An unknown pose is A exp(w log(A^-1 B)), w the share of time, where A and B, the last one known before it and the
    first one after it, are of one segment. Nothing is extrapolated.
    """
    known, unknown = np.flatnonzero(poses.has_pose), np.flatnonzero(~poses.has_pose)
    after = np.searchsorted(known, unknown)
    between = (after > 0) & (after < len(known))
    unknown, a, b = unknown[between], known[after[between] - 1], known[after[between]]
    times, segment = poses.timestamp, poses.segment
    tied = (segment[a] == segment[b]) & (times[a] < times[unknown]) & (times[unknown] < times[b])
    unknown, a, b = unknown[tied], a[tied], b[tied]
    shares = (times[unknown] - times[a]) / (times[b] - times[a])
    world_from_camera, segments, gaps_s = poses.world_from_camera.copy(), segment.copy(), np.zeros(len(poses))
    if len(unknown):
        world_from_camera[unknown] = geodesic(world_from_camera[a], world_from_camera[b], shares)
        segments[unknown] = segment[a]
        gaps_s[unknown] = times[b] - times[a]
    return replace(poses, world_from_camera=world_from_camera, segment=segments), gaps_s


def _segment(segments: NDArray[np.int64], asked: int | str | None) -> int | None:
    """The segment that is written, by default that of most frames; None for all. `segments` are the frames' [N]."""
    numbers, counts = np.unique(segments[segments >= 0], return_counts=True)
    if asked == "all" or (asked is None and not len(numbers)):
        return None
    if asked is None:
        return int(numbers[counts.argmax()])
    if asked not in numbers:
        there = ", ".join(map(str, numbers.tolist())) or "none"
        raise ExportError(f"no frame asked for is of segment {asked}: they are of {there}")
    return int(asked)


def _numbered(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
