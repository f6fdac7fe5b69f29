"""transforms.json of nerfstudio: a lens and a pose for every picture, in the axes of OpenGL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import SettingsError
from ..mappings import read_mapping
from ..nerfstudio import has_lens, read_camera
from .given import GivenCameras, PictureCamera, rigid

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])  # of a camera: y down and z ahead, for y up and z back


def read_transforms(path: Path) -> GivenCameras:
    """Every frame of the file. Raises SettingsError with one sentence."""
    mapping, what = read_mapping(path), f"'{path}'"
    frames = mapping.get("frames")
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        raise SettingsError(f"{what} holds no frames, as a transforms.json of nerfstudio does")
    return GivenCameras(str(path), dict(_of(mapping, frame, what) for frame in frames))


def _of(mapping: dict[str, Any], frame: dict[str, Any], what: str) -> tuple[str, PictureCamera]:
    name = str(frame.get("file_path", ""))
    if not name:
        raise SettingsError(f"a frame of {what} has no file_path")
    try:
        world_from_camera = np.array(frame["transform_matrix"], np.float64)
    except (KeyError, TypeError, ValueError):
        world_from_camera = np.zeros(0)
    if world_from_camera.shape != (4, 4):
        raise SettingsError(f"frame '{name}' of {what} has no transform_matrix of 4x4 numbers")
    pose = rigid(world_from_camera, f"the pose of '{name}' in {what}")
    values = {**mapping, **frame}
    return name.removeprefix("./"), PictureCamera(
        read_camera(values, what) if has_lens(values) else None, OPENCV_FROM_OPENGL @ np.linalg.inv(pose)
    )
