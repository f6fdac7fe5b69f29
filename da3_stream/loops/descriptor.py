"""Global image descriptors: one unit vector for every frame, alike where two frames show the same place."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import LoopsError
from ..geometry.masks import Mask, fill_masked
from ..types import Float32, UInt8, WindowGeometry

MIN_CONTRAST = 2.0  # standard deviation in grey levels: an image with less shows nothing
PIXEL_STRIDE = 4  # of so many pixels in a row and in a column, contrast is measured at one

Rows = NDArray[np.int64]


class DescriptorExtractor(Protocol):
    """Frames of a window -> descriptors."""

    def extract(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """[N,D] unit vectors of the rows (all if None), NaN where a frame has none; it may learn from the window."""
        ...


class DinoExtractor:
    """The descriptors that the DA3 predictor makes of its own tokens (`WindowGeometry.descriptors`).

    They are made of whole images: what is masked there is alike in all frames, and `similarity` is measured from what
    is usual between frames of different places, so it takes part without telling places apart.
    """

    def extract(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """See `DescriptorExtractor`; raises LoopsError where the predictor gives none."""
        if window.descriptors is None:
            raise LoopsError("this predictor gives no descriptors: set loops.descriptor to vlad, salad, auto or off")
        rows = all_rows(window) if rows is None else rows
        return unit_vectors(window.descriptors[rows], has_contrast(window_images(window, rows)))


def all_rows(window: WindowGeometry) -> Rows:
    """All rows [N] of a window."""
    return np.arange(len(window.frame_indices))


def window_images(window: WindowGeometry, rows: Rows) -> UInt8:
    """Images [n,H,W,3] of a window, blank where they are masked."""
    images = window.images[rows]
    if not window.masks:
        return images
    pairs = zip(images, row_masks(window, rows), strict=True)
    return np.stack([image if mask is None else fill_masked(image, mask) for image, mask in pairs])


def row_masks(window: WindowGeometry, rows: Rows) -> list[Mask | None]:
    """Masks of the images of some rows of a window."""
    return [window.masks[row] if window.masks else None for row in rows.tolist()]


def has_contrast(images: UInt8) -> NDArray[np.bool_]:
    """Which images [N,H,W,3] show anything: those that are not black, white or of one colour."""
    grey = images[:, ::PIXEL_STRIDE, ::PIXEL_STRIDE].astype(np.float32).mean(axis=3)
    return grey.std(axis=(1, 2)) > MIN_CONTRAST


def unit_vectors(vectors: Float32, usable: NDArray[np.bool_]) -> Float32:
    """The vectors [N,D] brought to length one; NaN rows where not usable, not finite or without length."""
    vectors = np.asarray(vectors, np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    good = usable & np.isfinite(length[:, 0]) & (length[:, 0] > 0)
    return np.where(good[:, None], vectors / np.where(good[:, None], length, 1), np.float32(np.nan))
