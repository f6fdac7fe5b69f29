"""The run directory: what it holds, and what it says of its frames."""

from .array_tree import read_tree, write_tree
from .frame_poses import FramePoses, frame_poses
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
from .run import JUST_CREATED, LAYOUT, Run, create_run, drop_after, free_folder, locked, open_run
from .run_reader import RunReader
from .scene import Scene, SceneFile, Submap, pack_scene, unpack_scene
from .submap import SubmapCameras, SubmapFrames
from .submap_files import (
    read_cameras,
    read_frame,
    read_frames,
    read_images,
    read_sky,
    read_submap,
    write_submap,
)

__all__ = [
    "JUST_CREATED",
    "LAYOUT",
    "INTERPOLATED",
    "FramePoses",
    "Georeference",
    "SubmapCameras",
    "PoseTable",
    "Run",
    "RunGeometry",
    "RunReader",
    "Scene",
    "SceneFile",
    "Submap",
    "SubmapFrames",
    "create_run",
    "drop_after",
    "frame_depth",
    "frame_depth_size",
    "frame_sky",
    "free_folder",
    "frame_poses",
    "locked",
    "open_run",
    "pack_scene",
    "pose_table",
    "read_depth",
    "read_frame",
    "read_frames",
    "read_cameras",
    "read_images",
    "read_poses",
    "read_run_geometry",
    "read_sky",
    "read_tree",
    "read_submap",
    "unpack_scene",
    "write_tree",
    "write_submap",
]
