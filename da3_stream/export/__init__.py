"""One file per format; each reads a run through `store`."""

from .camera_poses import write_camera_poses, write_intrinsics
from .overview import write_overview
from .trajectories import tum_lines, write_kitti, write_tum

__all__ = ["tum_lines", "write_camera_poses", "write_intrinsics", "write_kitti", "write_overview", "write_tum"]
