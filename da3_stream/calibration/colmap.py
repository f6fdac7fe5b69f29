"""Calibrations by COLMAP: cameras.txt and cameras.bin, read by pycolmap."""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import Da3StreamError, SettingsError
from ..geometry.camera_models import COLMAP_MODELS, CameraModel
from .known_camera import KnownCamera, checked

BYTES_OF_A_CAMERA = 4 + 4 + 8 + 8 + 3 * 8  # at least: id, model, width, height, three parameters
MODEL_NAMES = {"FOV", "THIN_PRISM_FISHEYE", *COLMAP_MODELS}


def is_colmap(lines: list[str]) -> bool:
    """Whether the lines are those of a cameras.txt."""
    return all(len(words := line.split()) > 4 and words[1] in MODEL_NAMES for line in lines) and bool(lines)


def read_colmap(path: Path, what: str) -> dict[str, KnownCamera]:
    """The cameras by their numbers. Raises SettingsError with one sentence."""
    import cv2  # noqa: F401 (before pycolmap: in the other order, with Pillow between, memory gets damaged)
    import pycolmap

    data = path.read_bytes()
    is_binary = path.suffix.lower() == ".bin"
    if is_binary and not _is_plausible(data):
        raise SettingsError(f"{what} are no cameras.bin of COLMAP's that can be read")
    with TemporaryDirectory() as folder:  # pycolmap reads whole models only
        suffix, empty = ("bin", struct.pack("<Q", 0)) if is_binary else ("txt", b"")
        for name, content in (("cameras", data), ("images", empty), ("points3D", empty)):
            (Path(folder) / f"{name}.{suffix}").write_bytes(content)
        try:
            cameras = pycolmap.Reconstruction(folder).cameras
        except (RuntimeError, ValueError, IndexError) as error:
            raise SettingsError(f"{what} are no cameras of COLMAP's that can be read") from error
    return {str(number): _camera(cameras[number], what) for number in sorted(cameras)}


def _camera(camera: object, what: str) -> KnownCamera:
    name, params = camera.model_name, tuple(float(value) for value in camera.params)  # type: ignore[attr-defined]
    size = (int(camera.width), int(camera.height))  # type: ignore[attr-defined]
    try:
        model = CameraModel.from_colmap(name, params)
    except Da3StreamError as error:
        raise SettingsError(f"{what} cannot be used: {error}") from None
    return checked(KnownCamera(model, size), what)


def _is_plausible(data: bytes) -> bool:
    """Whether there are as many bytes as so many cameras have at least: pycolmap would go on reading behind the end."""
    if len(data) < 8:
        return False
    (count,) = struct.unpack_from("<Q", data)
    return count > 0 and count * BYTES_OF_A_CAMERA <= len(data) - 8
