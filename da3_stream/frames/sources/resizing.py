"""Resizing: all frames of a run have one size."""

from __future__ import annotations

import numpy as np

from ...geometry.masks import Mask
from ...types import UInt8
from ..image_size import fit_size, size_of
from .picture import Picture

MAX_ASPECT_CHANGE = 0.01  # relative; a frame beyond it cannot be the first frame's format at another scale


def fit_picture(picture: Picture, size: tuple[int, int], longest: int | None) -> Picture | str:
    """A picture resized to the run's `size`, shrunk so that its longest side is at most `longest`; of its mask a pixel
    counts where everything counts that it is made of.

    Returns the reason instead where its aspect ratio differs from the run's.
    """
    width, height = picture.size
    if abs(width * size[1] / (height * size[0]) - 1) > MAX_ASPECT_CHANGE:
        return f"size {width}x{height} differs from the run's {size[0]}x{size[1]}"
    target = fit_size(size, longest)
    if size_of(picture.image) == target:
        return picture
    mask = None if picture.mask is None else shrink_to(picture.mask, target)
    return Picture(_resize(picture.image, target), mask, picture.size)


def shrink_to(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask [H,W] at (width, height): a pixel counts where everything counts that it is made of."""
    import cv2

    shrinks = mask.shape[1] > size[0]
    shares = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(shares > 1 - 1e-4, np.bool_)


def _resize(image: UInt8, size: tuple[int, int]) -> UInt8:
    import cv2

    shrinks = image.shape[1] > size[0]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
