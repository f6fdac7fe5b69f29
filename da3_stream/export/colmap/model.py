"""A COLMAP model in memory: cameras, images, points and their tracks (pycolmap)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...geometry.camera_models import CameraModel
from ...geometry.lens import Lens
from ...types import Float32, Float64
from ..images.camera import ImageCamera
from .triangulation import Structure

log = logging.getLogger(__name__)

MAX_DIFFERENCE_PX = 0.02  # in the corners: cameras that differ by less are the same


def shared_camera(cameras: Sequence[ImageCamera], wanted: bool | None) -> ImageCamera | None:
    """The one camera of all images, or None if each has its own; with `wanted` None there is one if all are the same.

    Where they differ and one is wanted, it has the medians of their parameters, and a warning tells how much they
    differ.
    """
    if isinstance(cameras[0].lens, CameraModel):  # of a calibration: one for all
        return None if wanted is False else cameras[0]
    parameters = np.array([_parameters(camera) for camera in cameras])
    median = ImageCamera(cameras[0].size, Lens(*np.median(parameters, axis=0).tolist()))
    difference_px = max(_max_difference_px(camera, median) for camera in cameras)
    if wanted is None:
        return median if difference_px < MAX_DIFFERENCE_PX else None
    if wanted and difference_px >= MAX_DIFFERENCE_PX:
        log.warning(
            "the cameras differ by up to %.2f px in the corners: one with their medians stands for all", difference_px
        )
    return median if wanted else None


def build_model(
    names: Sequence[str],
    cameras: Sequence[ImageCamera],
    shared: ImageCamera | None,
    camera_from_world: Float64,
    xy: Sequence[Float32],
    structure: Structure,
) -> Any:
    """A pycolmap.Reconstruction of N images with their keypoints on tracks `xy` and their points; image and camera ids
    start at 1."""
    import pycolmap

    model = pycolmap.Reconstruction()
    for number, camera in enumerate([shared] if shared else cameras):
        model.add_camera_with_trivial_rig(_pycolmap_camera(camera, number + 1))
    point2d = _add_images(model, names, shared is not None, camera_from_world, xy, structure)
    _add_points(model, structure, point2d)
    model.update_point_3d_errors()
    return model


def _add_images(
    model: Any,
    names: Sequence[str],
    is_shared: bool,
    camera_from_world: Float64,
    xy: Sequence[Float32],
    structure: Structure,
) -> np.ndarray:
    """Add the images with their observations; returns the index [M] of each observation within its image."""
    import pycolmap

    point2d = np.zeros(len(structure.image), np.int64)
    order = np.argsort(structure.image, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(structure.image, minlength=len(names)))[:-1])
    for number, (name, rows) in enumerate(zip(names, parts, strict=True)):
        point2d[rows] = np.arange(len(rows))
        points = xy[number][structure.keypoint[rows]].astype(np.float64)
        camera_id = 1 if is_shared else number + 1
        image = pycolmap.Image(name=name, keypoints=points, camera_id=camera_id, image_id=number + 1)
        pose = pycolmap.Rigid3d(camera_from_world[number, :3])
        model.add_image_with_trivial_frame(image, pose)
    return point2d


def _add_points(model: Any, structure: Structure, point2d: np.ndarray) -> None:
    import pycolmap

    ends = np.cumsum(np.bincount(structure.point, minlength=len(structure.position))).tolist()
    first = 0
    for position, rgb, end in zip(structure.position, structure.rgb, ends, strict=True):
        elements = zip(structure.image[first:end].tolist(), point2d[first:end].tolist(), strict=True)
        track = pycolmap.Track([pycolmap.TrackElement(image + 1, point) for image, point in elements])
        model.add_point3D(position, track, rgb)
        first = end


def _pycolmap_camera(camera: ImageCamera, number: int) -> Any:
    """The model of a calibration; else PINHOLE without distortion, SIMPLE_RADIAL, or OPENCV where the two focal lengths
    differ."""
    import pycolmap

    fx, fy, cx, cy, k1 = _parameters(camera)
    if isinstance(camera.lens, CameraModel):
        model, params = camera.lens.name, list(camera.lens.params)
    elif not k1:
        model, params = "PINHOLE", [fx, fy, cx, cy]
    elif fx == fy:
        model, params = "SIMPLE_RADIAL", [fx, cx, cy, k1]
    else:
        model, params = "OPENCV", [fx, fy, cx, cy, k1, 0.0, 0.0, 0.0]
    width, height = camera.size
    return pycolmap.Camera(model=model, width=width, height=height, params=params, camera_id=number)


def _parameters(camera: ImageCamera) -> tuple[float, float, float, float, float]:
    lens = camera.lens
    return lens.fx, lens.fy, lens.cx, lens.cy, 0.0 if isinstance(lens, CameraModel) else lens.k1


def _max_difference_px(a: ImageCamera, b: ImageCamera) -> float:
    """How far apart two cameras project, in pixels, what b sees in its corners."""
    width, height = b.size
    x = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - [b.lens.cx, b.lens.cy]
    rays = x / [b.lens.fx, b.lens.fy]
    return float(np.linalg.norm(a.pixels(rays) - b.pixels(rays), axis=1).max())
