"""Resizing: all frames of a run have one size."""

from __future__ import annotations

import numpy as np

from ...geometry.masks import Mask
from ...types import UInt8
from ..image_size import fit_size, size_of
from .picture import Picture

MAX_ASPECT_CHANGE = 0.01  # relative; a frame beyond it cannot be the first frame's format at another scale


def fit_picture(picture: Picture, size: tuple[int, int], longest: int | None) -> Picture | str:
    """A picture with its mask, resized like `fit_image`: a pixel counts where everything counts that it is made of."""
    image = fit_image(picture.image, size, longest)
    if isinstance(image, str) or picture.mask is None or image is picture.image:
        return image if isinstance(image, str) else Picture(image, picture.mask)
    return Picture(image, shrink_to(picture.mask, size_of(image)))


def shrink_to(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask [H,W] at (width, height): a pixel counts where everything counts that it is made of."""
    import cv2

    shrinks = mask.shape[1] > size[0]
    shares = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(shares > 1 - 1e-4, np.bool_)


def fit_image(image: UInt8, size: tuple[int, int], longest: int | None) -> UInt8 | str:
    """Resize an image [H,W,3] to the run's `size`, shrunk so that its longest side is at most `longest`.

    Returns the reason instead where its aspect ratio differs from the run's.
    """
    import cv2

    width, height = size_of(image)
    if abs(width * size[1] / (height * size[0]) - 1) > MAX_ASPECT_CHANGE:
        return f"size {width}x{height} differs from the run's {size[0]}x{size[1]}"
    target = fit_size(size, longest)
    if (width, height) == target:
        return image
    return cv2.resize(image, target, interpolation=cv2.INTER_AREA if width > target[0] else cv2.INTER_LINEAR)
