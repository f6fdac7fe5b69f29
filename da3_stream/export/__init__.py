"""One file per format; each reads a run through `store`."""

from .trajectory.camera_poses import write_camera_poses, write_intrinsics
from .trajectory.files import tum_rows, write_kitti, write_tum
from .trajectory.overview import write_overview
from .trajectory.text import row_text

__all__ = [
    "row_text",
    "tum_rows",
    "write_camera_poses",
    "write_intrinsics",
    "write_kitti",
    "write_overview",
    "write_tum",
]
