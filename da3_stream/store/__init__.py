"""The run directory: what it holds, and what it says of its frames."""

from .array_tree import read_tree, write_tree
from .frame_poses import FramePlaces, frame_places
from .georeference import Georeference
from .pose_table import (
    INTERPOLATED,
    PoseTable,
    RunGeometry,
    frame_depth,
    frame_depth_size,
    frame_sky,
    pose_table,
    read_depth,
    read_poses,
    read_run_geometry,
)
from .run import JUST_CREATED, Run, create_run, drop_after, free_folder, locked, open_run
from .scene import Scene, SceneFile, SceneNode, pack_scene, unpack_scene
from .submap import NodeGeometry, WindowPart
from .submap_files import (
    read_frame,
    read_frames,
    read_geometry,
    read_images,
    read_sky,
    read_window,
    write_window,
)

__all__ = [
    "JUST_CREATED",
    "INTERPOLATED",
    "FramePlaces",
    "Georeference",
    "NodeGeometry",
    "PoseTable",
    "Run",
    "RunGeometry",
    "Scene",
    "SceneFile",
    "SceneNode",
    "WindowPart",
    "create_run",
    "drop_after",
    "frame_depth",
    "frame_depth_size",
    "frame_sky",
    "free_folder",
    "frame_places",
    "locked",
    "open_run",
    "pack_scene",
    "pose_table",
    "read_depth",
    "read_frame",
    "read_frames",
    "read_geometry",
    "read_images",
    "read_poses",
    "read_run_geometry",
    "read_sky",
    "read_tree",
    "read_window",
    "unpack_scene",
    "write_tree",
    "write_window",
]
