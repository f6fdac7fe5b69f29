"""trajectory.tum: `timestamp tx ty tz qx qy qz qw`, world from camera (the TUM RGB-D benchmark's format)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..store import PoseTable
from ..store.files import write_text
from ..types import Float64
from .text import row_lines


def write_tum(poses: PoseTable, path: Path) -> None:
    """One line per selected frame; frames without a pose keep their time and have `nan` for the rest."""
    write_text(path, "".join(tum_lines(poses.timestamp, poses.world_from_camera)))


def tum_lines(timestamps: Float64, world_from_camera: Float64) -> list[str]:
    """The lines of times [N] and poses [N,4,4], NaN where unknown."""
    known = np.isfinite(world_from_camera).all(axis=(1, 2))
    rows = np.full((len(timestamps), 8), np.nan)
    rows[:, 0] = timestamps
    rows[:, 1:4] = world_from_camera[:, :3, 3]
    rows[known, 4:] = Rotation.from_matrix(world_from_camera[known, :3, :3]).as_quat()
    return row_lines(rows)
