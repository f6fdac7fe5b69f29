"""Trajectory files: TUM RGB-D, KITTI odometry, EuRoC; camera_poses.txt and intrinsics.txt of a run directory.

Texts hold all digits of every number, so that it is read back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...store import PoseTable, RunReader
from ...store.files import replacing, write_text
from ...types import Float64
from ..frame_views import nothing_to_export, selected_rows
from ..options import TrajectoryOptions

_ROWS_AT_ONCE = 1024  # that are text at a time: as Python's numbers and strings a row takes ten times its bytes


def export_tum(reader: RunReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_tum`."""
    table = reader.poses.take(selected_rows(reader, options))
    write_tum(table, path)
    return _count(table)


def export_kitti(reader: RunReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_kitti`."""
    table = reader.poses.take(selected_rows(reader, options))
    write_kitti(table, path)
    return _count(table)


def export_euroc(reader: RunReader, path: Path, options: TrajectoryOptions) -> str:
    """See `write_euroc`. Raises ExportError where no frame has a pose."""
    table = reader.poses.take(selected_rows(reader, options))
    if not table.has_pose.any():
        raise nothing_to_export(reader, "a place")
    write_euroc(table, reader.units, path)
    return _count(table)


def write_tum(poses: PoseTable, path: Path) -> None:
    """`timestamp tx ty tz qx qy qz qw`, world from camera (the TUM RGB-D benchmark's format).

    One line per frame; frames without a pose keep their time and have `nan` for the rest.
    """
    write_rows(path, tum_rows(poses.timestamp, poses.world_from_camera))


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


def _count(table: PoseTable) -> str:
    unknown = len(table) - int(table.has_pose.sum())
    return f"{len(table)} frames" + (f", {unknown} of them without a pose" if unknown else "")
