"""A run in the formats of other tools: `exporting.export_run` is the one way in, `formats.FORMATS` the table of all.

A writer takes a `RunReader` (`store`), the path of a new file or folder, and its options (`options`); it returns a line
for people. Writers share the selection of frames (`frame_views`), their images (`images/`) and the points of the merged
cloud (`cloud/`). Here are the functions that a run uses itself to write its trajectory and its overview.
"""

from .trajectory.files import row_text, tum_rows, write_camera_poses, write_intrinsics, write_kitti, write_tum
from .trajectory.frames_csv import FindSource, write_frames_csv
from .trajectory.overview import write_overview

__all__ = [
    "FindSource",
    "row_text",
    "tum_rows",
    "write_camera_poses",
    "write_frames_csv",
    "write_intrinsics",
    "write_kitti",
    "write_overview",
    "write_tum",
]
