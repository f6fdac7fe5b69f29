"""trajectory.tum: `timestamp tx ty tz qx qy qz qw`, world from camera (the TUM RGB-D benchmark's format)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..store import PoseTable
from .text import write_rows


def write_tum(poses: PoseTable, path: Path) -> None:
    """One line per selected frame; frames without a pose keep their time and have `nan` for the rest."""
    known = np.isfinite(poses.world_from_camera).all(axis=(1, 2))
    rows = np.full((len(poses), 8), np.nan)
    rows[:, 0] = poses.timestamp
    rows[:, 1:4] = poses.world_from_camera[:, :3, 3]
    rows[known, 4:] = Rotation.from_matrix(poses.world_from_camera[known, :3, :3]).as_quat()
    write_rows(path, rows)
