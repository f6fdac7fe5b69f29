"""Trajectory files: TUM RGB-D, KITTI odometry, EuRoC; camera_poses.txt and intrinsics.txt of a run directory.

Texts hold all digits of every number, so that it is read back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...errors import ExportError
from ...store import PoseTable, RunReader
from ...store.files import replacing, write_text
from ...types import Float64
from ..frame_views import nothing_to_export
from ..options import TrajectoryOptions
from ..output_path import side_file
from ..placed import PlacedReader
from .chosen_poses import ChosenPoses, chosen_poses

ROWS = ".rows"  # suffix of the side file that numbers the real poses of a KITTI file
_COLUMNS = "timestamp [s] tx ty tz qx qy qz qw, world from camera (a camera's axes: x right, y down, z ahead)"
_ROWS_AT_ONCE = 1024  # that are text at a time: as Python's numbers and strings a row takes ten times its bytes


def export_tum(reader: PlacedReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_tum`; comments at the head tell columns, axes and interpolated rows."""
    chosen = chosen_poses(reader, options, one_row_a_frame=options.unknown == "nan")
    write_tum(chosen.table, path, [_COLUMNS, *reader.axes.comments(), *_interpolated_rows(chosen)])
    return chosen.summary()


def export_kitti(reader: RunReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_kitti`. The side file `.rows` has the number, from 0, of every frame asked for whose pose is the run's
    own, one a line: those are its lines' numbers, but with `unknown=omit`, which leaves the others out.
    """
    chosen = chosen_poses(reader, options, one_row_a_frame=options.unknown != "omit")
    write_kitti(chosen.table, path)
    write_text(side_file(path, ROWS), "".join(f"{number}\n" for number in chosen.numbers[chosen.real].tolist()))
    return chosen.summary() + ("" if chosen.real.all() else f"; the file {ROWS} beside it numbers those that are real")


def export_euroc(reader: RunReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_euroc`. Raises ExportError where no frame has a pose, and for lines of nan."""
    if options.unknown == "nan":
        raise ExportError("euroc has no mark for an unknown pose: give unknown omit or interpolate")
    chosen = chosen_poses(reader, options, one_row_a_frame=False)
    if not chosen.table.has_pose.any():
        raise nothing_to_export(reader, "a place")
    write_euroc(chosen.table, reader.units, path)
    return chosen.summary()


def write_tum(poses: PoseTable, path: Path, header: Iterable[str] = ()) -> None:
    """`timestamp tx ty tz qx qy qz qw`, world from camera (the TUM RGB-D benchmark's format).

    One line per frame; frames without a pose keep their time and have `nan` for the rest.
    """
    write_rows(path, tum_rows(poses.timestamp, poses.world_from_camera), header)


def tum_rows(timestamps: Float64, world_from_camera: Float64) -> Float64:
    """Rows [N,8] of a TUM file, from times [N] and poses [N,4,4]; NaN where a pose is unknown."""
    known = np.isfinite(world_from_camera).all(axis=(1, 2))
    rows = np.full((len(timestamps), 8), np.nan)
    rows[:, 0] = timestamps
    rows[:, 1:4] = world_from_camera[:, :3, 3]
    rows[known, 4:] = Rotation.from_matrix(world_from_camera[known, :3, :3]).as_quat()
    return rows


def write_kitti(poses: PoseTable, path: Path) -> None:
    """The upper 3x4 of world from camera, row by row (the KITTI odometry benchmark's format).

    One line of 12 numbers per frame, `nan` where the pose is unknown.
    """
    write_rows(path, poses.world_from_camera[:, :3].reshape(-1, 12))


def write_euroc(poses: PoseTable, units: str, path: Path) -> None:
    """Time in whole nanoseconds, position and quaternion, w first (the columns of EuRoC's ground truth).

    The camera takes the part of the sensor S. There are no velocities and biases, and no line for a frame without a
    pose, for which the format has no mark. The header names columns and units. Times are exactly those of the input,
    where it has whole nanoseconds.
    """
    unit = "m" if units == "metres" else "relative"
    axes = [f"p_RS_R_{axis} [{unit}]" for axis in "xyz"] + [f"q_RS_{axis} []" for axis in "wxyz"]
    posed = poses.take(np.flatnonzero(poses.has_pose).tolist())
    quaternions = Rotation.from_matrix(posed.world_from_camera[:, :3, :3]).as_quat(scalar_first=True)
    rows = np.concatenate([posed.world_from_camera[:, :3, 3], quaternions], axis=1)
    times = posed.times_ns().tolist()
    lines = [f"{time},{','.join(map(repr, row))}\n" for time, row in zip(times, rows.tolist(), strict=True)]
    write_text(path, "".join([f"#timestamp [ns],{','.join(axes)}\n", *lines]))


def write_camera_poses(poses: PoseTable, path: Path) -> None:
    """The 4x4 matrix world from camera, row by row: 16 numbers a line, `nan` where the pose is unknown."""
    write_rows(path, poses.world_from_camera.reshape(-1, 16))


def write_intrinsics(poses: PoseTable, path: Path) -> None:
    """`fx fy cx cy` in pixels of the input, one line per selected frame, `nan` where unknown; the header says how."""
    k = poses.intrinsics
    header = ["fx fy cx cy, pixels of the input; the centre of the first pixel is at 0.5, 0.5"]
    write_rows(path, np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=-1), header)


def write_rows(path: Path, rows: Float64, header: Iterable[str] = ()) -> None:
    """Write [N,M] numbers, one row a line, in one step; every float is read back as it was, NaN is `nan`."""
    with replacing(path) as file:
        file.write("".join(f"# {line}\n" for line in header).encode())
        file.writelines(row_text(rows))


def row_text(rows: Float64) -> Iterator[bytes]:
    """The lines of [N,M] numbers, many at a time."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE].tolist()
        yield "".join(" ".join(map(repr, row)) + "\n" for row in some).encode()


def _interpolated_rows(chosen: ChosenPoses) -> list[str]:
    rows = np.flatnonzero(chosen.interpolated)
    return [f"interpolated, of the rows below from 0: {_ranges(rows)}"] if len(rows) else []


def _ranges(numbers: NDArray[np.int64]) -> str:
    """Ascending numbers as "3-7, 12"."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
