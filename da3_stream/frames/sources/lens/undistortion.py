"""Undistortion of frames: pictures of a lens that is known, as a pinhole sees the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ....geometry import resize_intrinsics
from ....geometry.camera_models import CameraModel
from ....geometry.masks import Mask
from ....geometry.straight_view import StraightMaps, straight_maps
from ....types import Float64, Frame, UInt8
from ..resizing import size_of


@dataclass(eq=False)
class Undistortion:
    """Makes frames of a lens those of a pinhole K [3,3], both of pictures of (width, height) `size`.

    Works on frames of any other resolution as well. What lies outside the lens's picture is black and masked.
    """

    lens: CameraModel
    k: Float64
    size: tuple[int, int]
    _maps: StraightMaps | None = None  # of the latest resolution
    _outline: Mask | None = field(default=None, repr=False)
    _last: tuple[Mask, Mask] | None = field(default=None, repr=False)  # a frame's mask, and what became of it

    def __call__(self, frame: Frame) -> Frame:
        """The frame with its image and mask undistorted."""
        maps = self._maps_for(size_of(frame.image))
        image = straight_image(frame.image, maps)
        if frame.mask is None:
            return replace(frame, image=image, mask=self._outline)
        if self._last is None or self._last[0] is not frame.mask:  # frames that share a mask go on sharing one
            self._last = frame.mask, straight_mask(frame.mask, maps) & maps.valid
        return replace(frame, image=image, mask=self._last[1])

    def _maps_for(self, size: tuple[int, int]) -> StraightMaps:
        if self._maps is None or self._maps.valid.shape != size[::-1]:
            lens, k = self.lens.resize(self.size, size), resize_intrinsics(self.k, self.size, size)
            self._maps = straight_maps(lens, k, size)
            self._outline = None if self._maps.valid.all() else self._maps.valid
        return self._maps


def straight_image(image: UInt8, maps: StraightMaps) -> UInt8:
    """An image [H,W,3], or [H,W], as the pinhole sees it; black outside the lens's picture."""
    import cv2

    x, y, _ = maps
    four = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA) if image.ndim == 3 else image  # remaps twice as fast as three
    straight = cv2.remap(four, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.cvtColor(straight, cv2.COLOR_RGBA2RGB) if image.ndim == 3 else straight, np.uint8)


def straight_mask(mask: Mask, maps: StraightMaps) -> Mask:
    """A mask as the pinhole sees it: a pixel counts where everything counts that it is made of."""
    return straight_image(mask.astype(np.uint8) * np.uint8(255), maps) == 255
