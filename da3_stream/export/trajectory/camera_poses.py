"""camera_poses.txt and intrinsics.txt, row for row with the trajectory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...store import PoseTable
from .text import write_rows


def write_camera_poses(poses: PoseTable, path: Path) -> None:
    """The 4x4 matrix world from camera, row by row: 16 numbers a line, `nan` where the pose is unknown."""
    write_rows(path, poses.world_from_camera.reshape(-1, 16))


def write_intrinsics(poses: PoseTable, path: Path) -> None:
    """`fx fy cx cy` in pixels of the input, one line per selected frame, `nan` where unknown; the header says how."""
    k = poses.intrinsics
    header = ["fx fy cx cy, pixels of the input; the centre of the first pixel is at 0.5, 0.5"]
    write_rows(path, np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=-1), header)
