"""A COLMAP model in memory: cameras, images, points and their tracks (pycolmap)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...geometry.lens import Lens
from ...types import Float32, Float64
from ..images.camera import ImageCamera
from .triangulation import Structure

log = logging.getLogger(__name__)

SAME_PX = 0.02  # cameras whose corners differ by less are one


def shared_camera(cameras: Sequence[ImageCamera], wanted: bool | None) -> ImageCamera | None:
    """One camera for all pictures, or None for one each. With `wanted` None: one if all are the same.

    Where they differ and one is wanted, it has the medians of their numbers, and a warning says how much they differ.
    """
    numbers = np.array([_numbers(camera.lens) for camera in cameras])
    middle = ImageCamera(cameras[0].size, Lens(*np.median(numbers, axis=0).tolist()))
    differs = max(_difference_px(camera, middle) for camera in cameras)
    if wanted is None:
        return middle if differs < SAME_PX else None
    if wanted and differs >= SAME_PX:
        log.warning(
            "the cameras differ by up to %.2f px in the corners: one with their medians stands for all", differs
        )
    return middle if wanted else None


def build_model(
    names: Sequence[str],
    cameras: Sequence[ImageCamera],
    shared: ImageCamera | None,
    camera_from_world: Float64,
    xy: Sequence[Float32],
    structure: Structure,
) -> Any:
    """A pycolmap.Reconstruction of N images with their observations; image and camera numbers start at 1."""
    import pycolmap

    model = pycolmap.Reconstruction()
    for number, camera in enumerate([shared] if shared else cameras):
        model.add_camera_with_trivial_rig(_camera(camera, number + 1))
    place = _add_images(model, names, shared is not None, camera_from_world, xy, structure)
    _add_points(model, structure, place)
    model.update_point_3d_errors()
    return model


def _add_images(
    model: Any, names: Sequence[str], is_shared: bool, camera_from_world: Float64, xy: Sequence[Float32], s: Structure
) -> np.ndarray:
    """Add the images with the points that are seen in them, and tell each observation's place in its image [M]."""
    import pycolmap

    place = np.zeros(len(s.picture), np.int64)
    order = np.argsort(s.picture, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(s.picture, minlength=len(names)))[:-1])
    for number, (name, rows) in enumerate(zip(names, parts, strict=True)):
        place[rows] = np.arange(len(rows))
        points = xy[number][s.key_point[rows]].astype(np.float64)
        camera_id = 1 if is_shared else number + 1
        image = pycolmap.Image(name=name, keypoints=points, camera_id=camera_id, image_id=number + 1)
        pose = pycolmap.Rigid3d(camera_from_world[number, :3])
        model.add_image_with_trivial_frame(image, pose)
    return place


def _add_points(model: Any, s: Structure, place: np.ndarray) -> None:
    import pycolmap

    ends = np.cumsum(np.bincount(s.point, minlength=len(s.position))).tolist()
    first = 0
    for position, rgb, end in zip(s.position, s.rgb, ends, strict=True):
        seen = zip(s.picture[first:end].tolist(), place[first:end].tolist(), strict=True)
        track = pycolmap.Track([pycolmap.TrackElement(picture + 1, point) for picture, point in seen])
        model.add_point3D(position, track, rgb)
        first = end


def _camera(camera: ImageCamera, number: int) -> Any:
    """PINHOLE without distortion, else SIMPLE_RADIAL, or OPENCV where the two focal lengths differ."""
    import pycolmap

    fx, fy, cx, cy, k1 = _numbers(camera.lens)
    if not k1:
        model, params = "PINHOLE", [fx, fy, cx, cy]
    elif fx == fy:
        model, params = "SIMPLE_RADIAL", [fx, cx, cy, k1]
    else:
        model, params = "OPENCV", [fx, fy, cx, cy, k1, 0.0, 0.0, 0.0]
    width, height = camera.size
    return pycolmap.Camera(model=model, width=width, height=height, params=params, camera_id=number)


def _numbers(lens: Lens) -> tuple[float, float, float, float, float]:
    return lens.fx, lens.fy, lens.cx, lens.cy, lens.k1


def _difference_px(a: ImageCamera, b: ImageCamera) -> float:
    """How far apart the two cameras see what b sees in its corners."""
    width, height = b.size
    x = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - [b.lens.cx, b.lens.cy]
    rays = x / [b.lens.fx, b.lens.fy]
    return float(np.linalg.norm(_pixels(rays, a.lens) - _pixels(rays, b.lens), axis=1).max())


def _pixels(rays: Float64, lens: Lens) -> Float64:
    bent = rays * (1 + lens.k1 * np.sum(rays**2, axis=1, keepdims=True))
    return bent * [lens.fx, lens.fy] + [lens.cx, lens.cy]
