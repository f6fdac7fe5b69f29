"""Reading a mask from an image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....geometry.masks import Mask
from ..images.decoding import read_stored
from ..resizing import MAX_ASPECT_CHANGE

LOSSY_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif")  # what was 0 is only nearly so


def read_mask(path: Path) -> Mask | str:
    """A mask [H,W] from an image file: False where it is 0 (as COLMAP reads masks), or transparent; or the reason why
    it cannot be read. Lossy formats count from half of the brightest value on."""
    stored = read_stored(path)
    if isinstance(stored, str):
        return stored
    values = stored.values if stored.values.ndim == 2 else stored.values.max(axis=2)
    least = values.max() / 2 if path.suffix.lower() in LOSSY_SUFFIXES else 0
    inside = np.asarray(values > least, np.bool_)
    return inside if stored.mask is None else inside & stored.mask


def fit_mask(mask: Mask, size: tuple[int, int]) -> Mask | None:
    """The mask at (width, height), a pixel of it counting where at least half of it does; None for another aspect."""
    import cv2

    height, width = mask.shape
    if (width, height) == size:
        return mask
    if abs(width * size[1] / (height * size[0]) - 1) > MAX_ASPECT_CHANGE:
        return None
    shrinks = width > size[0]
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    return np.asarray(share >= 0.5, np.bool_)
