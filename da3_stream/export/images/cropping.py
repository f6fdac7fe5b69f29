"""The part of straight images that a lens with distortion saw: where it saw less than they show, they are cropped.

As COLMAP's undistortion does: a pixel that was never seen would be a repetition of the rim, from which splats learn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...geometry.lens import Lens
from ...types import Float64

Image = TypeVar("Image", bound=NDArray[Any])


class Box(NamedTuple):
    """A rectangle of an image, in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.width, self.height

    def cut(self, image: Image) -> Image:
        """That part of an image [H,W] or [H,W,C]."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]  # type: ignore[return-value]


def box_of_seen(k: Float64, k1: float, size: tuple[int, int]) -> Box:
    """The rectangle of straight images of (width, height) whose pixels were all seen through every one of the lenses
    K [n,3,3] with one radial term.

    Where a lens sees less than a straight image shows, its own corners, straightened, are the corners of a rectangle
    that it saw whole. A pixel more is left out, because images are resized after they are straightened. Raises
    ExportError where nothing is left.
    """
    if k1 <= 0 or not len(k):  # barrel distortion: a straight image shows less than was seen
        return Box(0, 0, *size)
    far = np.subtract(size, 0.5)
    corners = np.array([[0.5, 0.5], far, [far[0], 0.5], [0.5, far[1]]], np.float32)
    seen = np.stack([replace(Lens.from_matrix(matrix), k1=k1).undistort(corners) for matrix in k])  # [n,4,2]
    middle = k[:, None, :2, 2]
    near = np.where(seen < middle, seen, 0.5).max(axis=(0, 1))
    far = np.where(seen > middle, seen, far).min(axis=(0, 1))
    left, top = np.where(near > 0.5, np.ceil(near + 0.5), 0).astype(int).tolist()
    right, bottom = np.where(far < np.subtract(size, 0.5), np.floor(far - 0.5), size).astype(int).tolist()
    if right <= left or bottom <= top:
        raise ExportError("no pixel of the straight pictures was seen in all frames: export them as they are")
    return Box(left, top, right - left, bottom - top)
