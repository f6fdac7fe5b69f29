"""COLMAP's sparse models: a lens and a pose for every picture, whichever of its camera models they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import Da3StreamError, SettingsError
from ...geometry.camera_models import CameraModel
from ..known_camera import KnownCamera, checked
from .given import GivenCameras, PictureCamera, rigid

PLACES = ("", "sparse/0", "sparse", "0", "colmap/sparse/0")  # of a model in a folder


def find_model(folder: Path) -> Path | None:
    """The folder with cameras and images, `folder` itself or where COLMAP puts it; None where there is none."""
    for place in PLACES:
        there = folder / place
        if any((there / f"cameras{end}").is_file() and (there / f"images{end}").is_file() for end in (".bin", ".txt")):
            return there
    return None


def read_model(folder: Path) -> GivenCameras:
    """Every picture of the model that has a pose. Raises SettingsError with one sentence."""
    import cv2  # noqa: F401 (before pycolmap: in the other order, with Pillow between, memory gets damaged)
    import pycolmap

    try:
        model = pycolmap.Reconstruction(folder)
        images = [image for _, image in sorted(model.images.items()) if image.has_pose]
    except (RuntimeError, ValueError, IndexError) as error:
        raise SettingsError(f"'{folder}' is no COLMAP model that can be read: {_first_line(error)}") from None
    if not images:
        raise SettingsError(f"the COLMAP model '{folder}' holds no picture with a pose")
    lenses = {number: _lens(camera, folder) for number, camera in model.cameras.items()}
    return GivenCameras(str(folder), {image.name: _of(image, lenses[image.camera_id], folder) for image in images})


def _of(image: Any, lens: KnownCamera, folder: Path) -> PictureCamera:
    pose = np.asarray(image.cam_from_world().matrix(), np.float64)
    return PictureCamera(lens, rigid(pose, f"the pose of '{image.name}' in '{folder}'"))


def _lens(camera: Any, folder: Path) -> KnownCamera:
    """The lens of a camera. Raises SettingsError where its model is not one of those that can be straightened."""
    try:
        model = CameraModel.from_colmap(camera.model_name, tuple(float(value) for value in camera.params))
    except Da3StreamError as error:
        raise SettingsError(f"camera {camera.camera_id} of '{folder}' cannot be used: {error}") from None
    return checked(KnownCamera(model, (int(camera.width), int(camera.height)), str(folder)), f"'{folder}'")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason is told"])[0]
