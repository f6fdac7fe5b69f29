"""The run directory: what it holds, and what it says of its frames."""

from .places import FramePlaces, frame_places
from .reading import (
    INTERPOLATED,
    PoseTable,
    RunGeometry,
    frame_depth,
    pose_table,
    read_depth,
    read_poses,
    read_run_geometry,
)
from .run import Run, create_run, open_run
from .scene import Scene, SceneNode
from .windows import NodeGeometry, WindowPart, read_frame, read_geometry, read_image, read_window, write_window

__all__ = [
    "INTERPOLATED",
    "FramePlaces",
    "NodeGeometry",
    "PoseTable",
    "Run",
    "RunGeometry",
    "Scene",
    "SceneNode",
    "WindowPart",
    "create_run",
    "frame_depth",
    "frame_places",
    "open_run",
    "pose_table",
    "read_depth",
    "read_frame",
    "read_geometry",
    "read_image",
    "read_poses",
    "read_run_geometry",
    "read_window",
    "write_window",
]
