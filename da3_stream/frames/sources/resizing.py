"""Resizing: all frames of a run have one size."""

from __future__ import annotations

from dataclasses import dataclass

from ...geometry.masks import Mask, resize_mask
from ...types import UInt8
from ..image_size import fit_size, size_of
from .picture import Picture

MAX_ASPECT_CHANGE = 0.01  # relative; a frame beyond it cannot be the first frame's format at another scale


@dataclass(eq=False)
class PictureResizer:
    """Resizes pictures; those that share a mask share its array afterwards too, so that it is kept once."""

    _last: tuple[Mask, Mask] | None = None  # before and after

    def fit(self, picture: Picture, size: tuple[int, int], longest: int | None) -> Picture | str:
        """A picture resized to the run's `size`, shrunk so that its longest side is at most `longest`; of its mask a
        pixel counts where everything counts that it is made of.

        Returns the reason instead where its aspect ratio differs from the run's.
        """
        width, height = picture.size
        if abs(width * size[1] / (height * size[0]) - 1) > MAX_ASPECT_CHANGE:
            return f"size {width}x{height} differs from the run's {size[0]}x{size[1]}"
        target = fit_size(size, longest)
        if size_of(picture.image) == target:
            return picture
        mask = None if picture.mask is None else self._mask(picture.mask, target)
        return Picture(resize_image(picture.image, target), mask, picture.size)

    def _mask(self, mask: Mask, size: tuple[int, int]) -> Mask:
        if self._last is None or self._last[0] is not mask or self._last[1].shape != size[::-1]:
            self._last = mask, resize_mask(mask, size)
        return self._last[1]


def resize_image(image: UInt8, size: tuple[int, int]) -> UInt8:
    """An image [H,W,3] at (width, height)."""
    import cv2

    shrinks = image.shape[1] > size[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
