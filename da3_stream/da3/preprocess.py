"""Images at the network's size: one of four ways to sides that are multiples of 14.

Every step works on rounded 8-bit values, because the network was trained on such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .backbone.embedding import PATCH

METHODS = ("upper_bound_resize", "upper_bound_crop", "lower_bound_resize", "lower_bound_crop")

Image = NDArray[np.uint8]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image [h,w,3] at the network's size, and where its pixels come from: model_from_input [3,3] in coordinates
    whose origin is the corner of the first pixel."""

    image: Image
    model_from_input: Array

    def crop_centre(self, size: tuple[int, int]) -> PreparedImage:
        """The middle of it, (height, width)."""
        top, left = (self.image.shape[0] - size[0]) // 2, (self.image.shape[1] - size[1]) // 2
        shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
        part = self.image[top : top + size[0], left : left + size[1]]
        return PreparedImage(part, shift @ self.model_from_input)

    def resize(self, size: tuple[int, int]) -> PreparedImage:
        """Brought to (height, width): by areas where it shrinks, by cubic interpolation where a side grows."""
        height, width = self.image.shape[:2]
        if size == (height, width):
            return self
        grows = size[0] > height or size[1] > width
        image = cv2.resize(self.image, size[::-1], interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA)
        scale = np.diag([size[1] / width, size[0] / height, 1.0])
        return PreparedImage(image.astype(np.uint8, copy=False), scale @ self.model_from_input)

    def intrinsics(self, k: Array) -> Array:
        """K [3,3] of the input's pixels for this image's."""
        return self.model_from_input @ k


def prepare(images: Sequence[Image], resolution: int = 504, method: str = "upper_bound_resize") -> list[PreparedImage]:
    """RGB images [H,W,3] to one size; where they differ, the middle that all have.

    "upper_bound" makes the longer side `resolution`, "lower_bound" the shorter one; "resize" then rounds both sides to
    multiples of 14, "crop" cuts them down to such. Raises ModelError for an unknown method, an empty list, or an image
    that is not 8-bit RGB or too thin.
    """
    if method not in METHODS:
        raise ModelError(f"no way to prepare images is called {method!r}; known are {', '.join(METHODS)}")
    if not len(images):
        raise ModelError("there are no images")
    prepared = [_prepare_image(image, resolution, method) for image in images]
    size = (min(each.image.shape[0] for each in prepared), min(each.image.shape[1] for each in prepared))
    return [each.crop_centre(size) for each in prepared]


def _prepare_image(image: Image, resolution: int, method: str) -> PreparedImage:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ModelError(f"an image must be [H,W,3] of 8-bit RGB, not {list(image.shape)} of {image.dtype}")
    bound, _, way = method.rpartition("_")
    bounded = PreparedImage(image, np.eye(3)).resize(_bounded_size(image.shape[:2], resolution, bound == "upper_bound"))
    height, width = bounded.image.shape[:2]
    to_multiple = _nearest_multiple if way == "resize" else _lower_multiple
    size = (to_multiple(height), to_multiple(width))
    if 0 in size:
        raise ModelError(f"an image of {image.shape[1]}x{image.shape[0]} is too thin at resolution {resolution}")
    return bounded.resize(size) if way == "resize" else bounded.crop_centre(size)


def _bounded_size(size: tuple[int, ...], resolution: int, upper: bool) -> tuple[int, int]:
    """(height, width) with the longer or shorter side at the resolution."""
    height, width = size
    side = max(size) if upper else min(size)
    if side == resolution:
        return height, width
    scale = resolution / float(side)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _lower_multiple(side: int) -> int:
    return side // PATCH * PATCH


def _nearest_multiple(side: int) -> int:
    """The nearest multiple of 14, of two the larger."""
    return (side + PATCH // 2) // PATCH * PATCH
