"""The camera that took an exported image: its size, its lens, and images without the lens's distortion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...geometry import resize_intrinsics
from ...geometry.lens import Lens, Straightener
from ...geometry.masks import Mask, resize_mask
from ...store import RunReader
from ...types import UInt8
from ..frame_views import FrameView
from ..options import ImageOptions

NEGLIGIBLE_PX = 1 / 3  # a lens that moves the corners by less was taken for a pinhole by the run, too


@dataclass(frozen=True)
class ImageCamera:
    """The camera of an image of `size` (width, height); see `Lens` (first pixel centre at 0.5)."""

    size: tuple[int, int]
    lens: Lens


def image_camera(reader: RunReader, view: FrameView, options: ImageOptions) -> ImageCamera:
    """The camera of the view's image as these options have it written."""
    size = image_size(reader, options.resolution)
    lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, reader.input_size, size))
    return ImageCamera(size, lens if options.undistort else replace(lens, k1=radial_distortion(reader)))


def image_size(reader: RunReader, resolution: Literal["input", "model"]) -> tuple[int, int]:
    """(width, height) of all images of an export."""
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
    mask = reader.mask(view.index)
    if mask is None:
        return None
    if options.undistort and np.isfinite(view.intrinsics).all():
        mask = _straightener(reader, view, (mask.shape[1], mask.shape[0])).mask(mask)
    return resize_mask(mask, image_size(reader, options.resolution))


def undistorted(reader: RunReader, view: FrameView, image: UInt8) -> UInt8:
    """The view's image [H,W,3] of any size, as a pinhole sees it; unchanged where its intrinsics are unknown."""
    if not np.isfinite(view.intrinsics).all():
        return image
    return _straightener(reader, view, (image.shape[1], image.shape[0]))(image)


def _straightener(reader: RunReader, view: FrameView, size: tuple[int, int]) -> Straightener:
    """What undistorts images of (width, height) of the view."""
    lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, reader.input_size, size))
    return Straightener(replace(lens, k1=radial_distortion(reader)), size)
