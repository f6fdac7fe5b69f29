"""What `--cameras` names: a folder or a file of one of the kinds that tell cameras of pictures."""

from __future__ import annotations

from pathlib import Path

from ...errors import SettingsError
from .arrays import read_arrays
from .colmap_model import find_model, read_model
from .given import GivenCameras
from .pose_lists import INTRINSICS, POSES, read_pose_list
from .transforms import read_transforms

EXPECTED = (
    "expected a COLMAP model's folder (cameras and images, .bin or .txt), a run directory, or a file: "
    "transforms.json, .npz with extrinsics and intrinsics, or poses a line (12 or 16 numbers, or TUM's 8)"
)


def read_cameras(path: Path) -> GivenCameras:
    """The cameras that a COLMAP folder (or one with `sparse/0` in it), a run directory, a transforms.json, an .npz or a
    list of poses tells. Raises SettingsError with one sentence."""
    if not path.is_dir() and not path.is_file():
        raise SettingsError(f"there is no '{path}' with cameras: {EXPECTED}")
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.suffix.lower() == ".json":
            return read_transforms(path)
        if path.suffix.lower() == ".npz":
            return read_arrays(path)
        if path.suffix.lower() != ".bin":
            return read_pose_list(path, None)
    except (OSError, UnicodeDecodeError):
        pass
    raise SettingsError(f"'{path}' holds no cameras that can be read: {EXPECTED}")


def _read_folder(path: Path) -> GivenCameras:
    model = find_model(path)
    if model is not None:
        return read_model(model)
    if (path / POSES).is_file():
        return read_pose_list(path / POSES, path / INTRINSICS if (path / INTRINSICS).is_file() else None)
    raise SettingsError(f"the folder '{path}' holds no cameras: {EXPECTED}")
