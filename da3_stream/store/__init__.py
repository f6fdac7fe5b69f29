"""The run directory: its files, written in one step and read back without loss, and the poses and depth of its frames.

`Run` names the files; `Scene` (scene.json) says where submaps lie, windows/*.npz hold their cameras and depth, and
`FramePoses` makes one pose per frame of both. `RunReader` is the way in for everything that only reads a run.
"""

from .array_tree import read_tree, write_tree
from .frame_poses import FramePoses, frame_poses
from .georeference import Georeference
from .journal_loops import JournalLoops, LoopLine
from .open_submaps import OpenSubmaps
from .pose_confidence import BELIEVED
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
from .run import JUST_CREATED, LAYOUT, Run, create_run, drop_after, lock_run, open_run, prepare_folder
from .run_reader import RunReader
from .scene import Scene, SceneFile, Submap, pack_scene, unpack_scene
from .submap import SubmapCameras, SubmapFrames
from .submap_files import (
    read_cameras,
    read_frame,
    read_frames,
    read_images,
    read_masks,
    read_sky,
    read_submap,
    read_witnesses,
    write_submap,
)

__all__ = [
    "BELIEVED",
    "JUST_CREATED",
    "OpenSubmaps",
    "LAYOUT",
    "INTERPOLATED",
    "FramePoses",
    "Georeference",
    "JournalLoops",
    "LoopLine",
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
    "prepare_folder",
    "frame_poses",
    "lock_run",
    "open_run",
    "pack_scene",
    "pose_table",
    "read_depth",
    "read_frame",
    "read_frames",
    "read_cameras",
    "read_images",
    "read_masks",
    "read_poses",
    "read_run_geometry",
    "read_sky",
    "read_tree",
    "read_submap",
    "read_witnesses",
    "unpack_scene",
    "write_tree",
    "write_submap",
]
