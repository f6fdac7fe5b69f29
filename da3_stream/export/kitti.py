"""trajectory.kitti: the upper 3x4 of world from camera, row by row (the KITTI odometry benchmark's format)."""

from __future__ import annotations

from pathlib import Path

from ..store import PoseTable
from .text import write_rows


def write_kitti(poses: PoseTable, path: Path) -> None:
    """One line of 12 numbers per selected frame, `nan` where the pose is unknown."""
    write_rows(path, poses.world_from_camera[:, :3].reshape(-1, 12))
