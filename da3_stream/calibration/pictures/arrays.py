"""Arrays of cameras in an .npz, as Depth Anything 3 and the exports `npz` and `mini_npz` write them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ...errors import SettingsError
from ...geometry.camera_models import CameraModel
from ..known_camera import KnownCamera, checked
from .given import GivenCameras, PictureCamera, rigid


def read_arrays(path: Path) -> GivenCameras:
    """`extrinsics` [N,3 or 4,4] camera from world and `intrinsics` [N,3,3] in pixels of the depth maps (of `depth`, or
    `image`, or else of the pictures), in the order of the pictures, or by `file` [N]. Raises SettingsError."""
    what = f"'{path}'"
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [*archive.files]
            poses, ks = (np.asarray(archive[key], np.float64) for key in ("extrinsics", "intrinsics"))
            size = _size(archive, names)
            files = [str(name) for name in archive["file"]] if "file" in names else []
    except (OSError, EOFError, ValueError, TypeError, KeyError, BadZipFile, zlib.error):
        raise SettingsError(f"{what} holds no arrays 'extrinsics' and 'intrinsics' that can be read") from None
    count = len(poses) if poses.ndim else 0
    fit = poses.shape[1:] in ((3, 4), (4, 4)) and ks.shape == (count, 3, 3) and len(files) in (0, count)
    if not count or not fit:
        raise SettingsError(f"{what} must hold extrinsics [N,3 or 4,4] and intrinsics [N,3,3], a row for each picture")
    cameras = [
        PictureCamera(
            checked(KnownCamera(CameraModel.of_matrix(k), size, str(path)), f"intrinsics of {what}"),
            rigid(pose, f"a pose of {what}"),
        )
        for k, pose in zip(ks, poses, strict=True)
    ]
    return GivenCameras(str(path), dict(zip(files, cameras, strict=True)) if files else {}, cameras)


def _size(archive: Any, names: list[str]) -> tuple[int, int] | None:
    """(width, height) of the pictures that the intrinsics are for; None: those of the input."""
    for key, axis in (("depth", 1), ("image", 1)):
        if key in names:
            height, width = archive[key].shape[axis : axis + 2]
            return int(width), int(height)
    return None
