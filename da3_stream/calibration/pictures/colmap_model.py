"""COLMAP's sparse models: a lens and a pose for every picture, whichever of its camera models they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...errors import SettingsError
from ..colmap import read_colmap
from ..known_camera import KnownCamera
from .colmap_images import ImagePose, read_images
from .given import GivenCameras, PictureCamera

PLACES = ("", "sparse/0", "sparse", "0", "colmap/sparse/0")  # of a model in a folder


def find_model(folder: Path) -> Path | None:
    """The folder with cameras and images, `folder` itself or where COLMAP puts it; None where there is none."""
    return next((folder / place for place in PLACES if _suffix(folder / place) is not None), None)


def read_model(folder: Path) -> GivenCameras:
    """Every picture of the model that has a pose; its points are not needed. Raises SettingsError with one sentence."""
    suffix = _suffix(folder)
    lenses = read_colmap(folder / f"cameras{suffix}", f"the cameras of '{folder}'")
    images = read_images(folder / f"images{suffix}")
    if not images:
        raise SettingsError(f"the COLMAP model '{folder}' holds no picture with a pose")
    return GivenCameras(str(folder), {image.name: _of(image, lenses, folder) for image in images})


def _suffix(folder: Path) -> str | None:
    """Of the files of a model in a folder, as COLMAP chooses where it finds both; None where it holds none."""
    both = [end for end in (".bin", ".txt") if all((folder / f"{of}{end}").is_file() for of in ("cameras", "images"))]
    return both[0] if both else None


def _of(image: ImagePose, lenses: Mapping[str, KnownCamera], folder: Path) -> PictureCamera:
    lens = lenses.get(str(image.camera))
    if lens is None:
        raise SettingsError(f"'{image.name}' in '{folder}' is of camera {image.camera}, which the model does not tell")
    return PictureCamera(replace(lens, source=str(folder)), image.camera_from_world)
