"""The camera that took an exported image: its size, its lens, and images without the lens's distortion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from ...geometry import pixel_centres, resize_intrinsics
from ...geometry.camera_models import CameraModel
from ...geometry.lens import Lens, Straightener
from ...geometry.masks import Mask, resize_mask
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ..frame_views import FrameView
from ..options import ImageOptions
from .cropping import Box, box_of_seen

NEGLIGIBLE_PX = 1 / 3  # a lens that moves the corners by less was taken for a pinhole by the run, too


@dataclass(frozen=True)
class ImageCamera:
    """The camera of an image of `size` (width, height), first pixel centre at 0.5: a `Lens` as the run learnt it, or
    the model of a calibration, of images as the input stores them."""

    size: tuple[int, int]
    lens: Lens | CameraModel

    @property
    def is_distorted(self) -> bool:
        """Whether its images are not those of a pinhole."""
        return not self.lens.is_pinhole if isinstance(self.lens, CameraModel) else bool(self.lens.k1)

    def rays(self, xy: Float32) -> Float64:
        """Normalised coordinates [n,2] (x and y at depth 1) of pixels [n,2]; NaN where the lens sees nothing."""
        if isinstance(self.lens, CameraModel):
            return self.lens.undistort(xy.astype(np.float64))
        return self.lens.normalised(self.lens.undistort(xy))

    def pixels(self, rays: Float64) -> Float64:
        """Pixels [n,2] of normalised coordinates [n,2]; NaN where the lens sees nothing."""
        lens = self.lens
        radius2 = np.sum(rays**2, axis=1, keepdims=True)
        if isinstance(lens, CameraModel):
            return np.where(radius2 <= lens.max_radius() ** 2, lens.project(rays), np.nan)
        rises = 1 + 3 * lens.k1 * radius2 > 0  # beyond, the polynomial folds
        bent = rays * (1 + lens.k1 * radius2) * [lens.fx, lens.fy] + [lens.cx, lens.cy]
        return np.where(rises, bent, np.nan)


def stored_lens(reader: RunReader, options: ImageOptions) -> CameraModel | None:
    """The lens of the input's pictures as they are stored, where these options ask for those and a calibration told it.

    None where the run's own pictures are asked for, which its calibration straightened; and where the format has no
    such model, or a rest of distortion was learnt beside the calibration, which it could not say.
    """
    camera = reader.status.get("camera") or {}
    if options.resolution != "input" or options.undistort or camera.get("model") not in options.lens_models:
        return None
    return None if radial_distortion(reader) else CameraModel.from_colmap(camera["model"], tuple(camera["params"]))


def image_camera(reader: RunReader, view: FrameView, options: ImageOptions) -> ImageCamera:
    """The camera of the view's image as these options have it written; straight images are cropped to what was seen."""
    size = image_size(reader, options.resolution)
    stored = stored_lens(reader, options)
    if stored is not None:
        return ImageCamera(size, stored)
    lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, reader.input_size, size))
    if not options.undistort:
        return ImageCamera(size, replace(lens, k1=radial_distortion(reader)))
    box = seen_box(reader, options)
    return ImageCamera(box.size, replace(lens, cx=lens.cx - box.left, cy=lens.cy - box.top))


@lru_cache(maxsize=2)
def _seen_box(reader: RunReader, size: tuple[int, int]) -> Box:
    known = reader.poses.intrinsics[np.isfinite(reader.poses.intrinsics).all(axis=(1, 2))]
    k = resize_intrinsics(np.unique(known, axis=0), reader.input_size, size)
    return box_of_seen(k, radial_distortion(reader), size)


def seen_box(reader: RunReader, options: ImageOptions) -> Box:
    """The part of the straight images, of the size that the options ask for, that the lens saw in every frame of the
    run: all exported images are of one size, whichever frames are asked for."""
    size = image_size(reader, options.resolution)
    return _seen_box(reader, size) if options.undistort else Box(0, 0, *size)


def image_size(reader: RunReader, resolution: Literal["input", "model"]) -> tuple[int, int]:
    """(width, height) of all images of an export, before straight ones are cropped."""
    if resolution == "input":
        return reader.input_size
    return next(iter(reader.geometry.submaps.values())).depth_size


def radial_distortion(reader: RunReader) -> float:
    """`k1` of the input's lens (see `Lens`), 0 where it is negligible or nothing is known of it."""
    camera = reader.status.get("camera") or {}
    is_known = camera.get("corner_shift_px", 0.0) > NEGLIGIBLE_PX
    return float(camera.get("k1", 0.0)) if is_known else 0.0


def image_mask(reader: RunReader, view: FrameView, options: ImageOptions) -> Mask | None:
    """Which pixels [H,W] of the view's image, as these options have it written, count; None where all do."""
    mask, stored = reader.mask(view.index), stored_lens(reader, options)
    if stored is not None:
        return _through_lens(mask, reader, view, stored, outside=False)
    if mask is None:
        return None
    if options.undistort and np.isfinite(view.intrinsics).all():
        mask = _straightener(reader, view, (mask.shape[1], mask.shape[0])).mask(mask)
    return seen_box(reader, options).cut(resize_mask(mask, image_size(reader, options.resolution)))


def written_mask(reader: RunReader, view: FrameView, options: ImageOptions, looked_at: Mask | None) -> Mask | None:
    """The mask [H,W] that goes with the view's image into an export; None where all of it counts. Unlike `looked_at`,
    its `image_mask`, it keeps the rim of pictures as they are stored, which the run did not look at."""
    stored = stored_lens(reader, options)
    if stored is None:
        return looked_at
    mask = reader.mask(view.index)
    return None if mask is None else _through_lens(mask, reader, view, stored, outside=True)


def straight_pixels(camera: ImageCamera, size: tuple[int, int], k: Float64) -> Float64:
    """Where each pixel of the camera's images, of (width, height), lies in those of a pinhole K [3,3]: x, y [H,W,2],
    first pixel centre at 0.5; NaN where the lens sees nothing."""
    return _rays_of_pixels(camera, size) * [k[0, 0], k[1, 1]] + k[:2, 2]


@lru_cache(maxsize=2)
def _rays_of_pixels(camera: ImageCamera, size: tuple[int, int]) -> Float64:
    """[H,W,2]"""
    pixels = pixel_centres(size[1], size[0]).reshape(-1, 2) * np.array(camera.size) / size
    return camera.rays(pixels.astype(np.float32)).reshape(size[1], size[0], 2)


def _through_lens(
    mask: Mask | None, reader: RunReader, view: FrameView, lens: CameraModel, *, outside: bool
) -> Mask | None:
    """The mask [H,W] of the run's pictures in those of the lens, with `outside` where the run's pictures do not reach;
    None where it is not known what they show."""
    if not np.isfinite(view.intrinsics).all():
        return None
    size = reader.input_size
    mask = np.ones(size[::-1], np.bool_) if mask is None else mask
    height, width = mask.shape
    at = straight_pixels(ImageCamera(size, lens), size, resize_intrinsics(view.intrinsics, size, (width, height)))
    column, row = np.moveaxis(np.floor(np.nan_to_num(at, nan=-1.0)).astype(np.int64), -1, 0)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.where(inside, mask[np.where(inside, row, 0), np.where(inside, column, 0)], outside)


def undistorted(reader: RunReader, view: FrameView, image: UInt8) -> UInt8:
    """The view's image [H,W,3] of any size, as a pinhole sees it, black where the lens saw nothing; unchanged where its
    intrinsics are unknown."""
    if not np.isfinite(view.intrinsics).all():
        return image
    straighten = _straightener(reader, view, (image.shape[1], image.shape[0]))
    straight, seen = straighten(image), straighten.seen()
    return straight if seen is None else np.where(seen[..., None], straight, np.uint8(0))


def _straightener(reader: RunReader, view: FrameView, size: tuple[int, int]) -> Straightener:
    """What undistorts images of (width, height) of the view."""
    lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, reader.input_size, size))
    return _straightener_of(replace(lens, k1=radial_distortion(reader)), size)


_straightener_of = lru_cache(maxsize=2)(Straightener)  # frames of one lens share its maps
