"""Masks of images: boolean [H,W], True where the image counts, False on what goes with the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def convert_masks(masks: Sequence[Mask | None], convert: Callable[[Mask], Mask]) -> tuple[Mask | None, ...]:
    """Every mask converted, each distinct one once: what was one array for several frames is one again. An empty tuple
    where there is no mask at all."""
    known: dict[int, Mask] = {}
    for mask in masks:
        if mask is not None and id(mask) not in known:
            known[id(mask)] = convert(mask)
    return tuple(None if mask is None else known[id(mask)] for mask in masks) if known else ()


def unpack_mask(bits: NDArray[np.uint8], shape: Sequence[int]) -> Mask:
    """The mask of this shape [H,W] from eight pixels in a byte (numpy.packbits)."""
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape[0], shape[1]).astype(np.bool_)


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at (width, height). A pixel counts where everything counts that it is made of."""
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    import cv2

    shrinks = size[0] <= mask.shape[1] and size[1] <= mask.shape[0]
    share = mask.astype(np.float32)
    resized = cv2.resize(share, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized > 1 - 1e-4, np.bool_)


def distance_px(mask: Mask) -> NDArray[np.float32]:
    """How far each pixel [H,W] is from the nearest one that does not count, between centres; 0 where it does not count
    itself, large where all count."""
    import cv2

    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def shrink_mask(mask: Mask, margin_px: float) -> Mask:
    """The mask without the pixels within the margin of one that does not count."""
    return np.asarray(distance_px(mask) > margin_px, np.bool_)


def fill_masked(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """The image [H,W,3] with the mean colour of what counts where it does not: a blank of no contrast to the rest."""
    colour = image[mask].mean(axis=0) if mask.any() else np.zeros(3)
    return np.where(mask[..., None], image, colour.round().astype(np.uint8))
