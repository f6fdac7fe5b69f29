"""What a place is recognised by: one vector of length one for every frame that can be read."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import LoopsError
from ..types import Float32, UInt8, WindowGeometry

DARKEST_SPREAD = 2.0  # grey levels: a picture with less contrast shows nothing
LOOKED_AT = 4  # of so many pixels in a row and a column one is looked at

Rows = NDArray[np.int64]


class DescriptorExtractor(Protocol):
    """Frames of a window -> descriptors."""

    def describe(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """[N,D] unit vectors of the rows (all if None), NaN where a frame has none; the window may be learnt from."""
        ...


class DinoDescriber:
    """The descriptors that the DA3 predictor made of its own tokens on the way (`WindowGeometry.descriptors`)."""

    def describe(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """See `Describer`; raises LoopsError where the predictor gives none."""
        if window.descriptors is None:
            raise LoopsError("this predictor gives no descriptors: set loops.descriptor to vlad, salad, auto or off")
        rows = all_rows(window) if rows is None else rows
        return as_unit(window.descriptors[rows], readable(window.images[rows]))


def all_rows(window: WindowGeometry) -> Rows:
    """The numbers of all rows of a window."""
    return np.arange(len(window.frame_indices))


def readable(images: UInt8) -> NDArray[np.bool_]:
    """Which of the images [N,H,W,3] show anything: not black, white or of one colour."""
    seen = images[:, ::LOOKED_AT, ::LOOKED_AT].astype(np.float32).mean(axis=3)
    return seen.std(axis=(1, 2)) > DARKEST_SPREAD


def as_unit(vectors: Float32, usable: NDArray[np.bool_]) -> Float32:
    """The vectors [N,D] brought to length one; NaN rows where not usable, not finite or without length."""
    vectors = np.asarray(vectors, np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    good = usable & np.isfinite(length[:, 0]) & (length[:, 0] > 0)
    return np.where(good[:, None], vectors / np.where(good[:, None], length, 1), np.float32(np.nan))
