"""One file per format; each reads a run through `store`."""

from .camera_poses import write_camera_poses, write_intrinsics
from .overview import write_overview
from .text import row_text
from .trajectories import tum_rows, write_kitti, write_tum

__all__ = [
    "row_text",
    "tum_rows",
    "write_camera_poses",
    "write_intrinsics",
    "write_kitti",
    "write_overview",
    "write_tum",
]
