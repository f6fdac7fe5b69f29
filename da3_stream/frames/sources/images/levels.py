"""Levels: which values of deep pictures become black and white, the same for all pictures of a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....types import Float64, UInt8
from .decoding import read_stored
from .header import sampled
from .stored_picture import StoredPicture

MOST_PICTURES = 16  # of a sequence that are looked at, evenly spaced
MOST_PIXELS = 50_000  # of each
DARKEST, BRIGHT, BRIGHTEST = 0.1, 95.0, 99.9  # percentiles
MOST_HIGHLIGHTS = 3.0  # how far white may lie above black, in distances of what is bright
USUAL_WHITES = {
    "i": (1023.0, 4095.0, 16383.0, 65535.0),  # 10, 12, 14 and 16 bits
    "f": (1.0, 255.0, 65535.0),
}
LEAST_USED = 0.5  # of a usual range, for pictures that are shown in it


@dataclass(frozen=True)
class Levels:
    """The values that become 0 and 255, for pictures of one kind of number (`dtype`)."""

    low: float
    high: float
    dtype: str

    @property
    def is_usual(self) -> bool:
        """Whether it is the whole range of 16 bits, or 0 to 1: nothing is stretched."""
        return (self.low, self.high) in ((0.0, 65535.0), (0.0, 1.0))

    def __str__(self) -> str:
        return (
            f"the pictures' values from {self.low:g} to {self.high:g} ({self.dtype}) are stretched to black and white, "
            "once for the whole sequence"
        )


def show(picture: StoredPicture, levels: Levels) -> UInt8:
    """The picture as RGB [H,W,3] uint8: linear between the levels, clipped beyond, black where it is not a number."""
    values = picture.values
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    elif values.dtype == np.uint16:
        values = _table(levels)[values]
    elif values.dtype != np.uint8:
        values = _stretched(values.astype(np.float64), levels)
    return np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else np.ascontiguousarray(values)


def measure_levels(paths: Sequence[Path], dtype: str) -> Levels:
    """The levels of a sequence of image files of this kind of number, from a sample of them."""
    return levels_of((read_stored(path) for path in sampled(paths, MOST_PICTURES)), dtype)


def levels_of(pictures: Iterable[StoredPicture | str], dtype: str) -> Levels:
    """The levels for a sequence, from pictures of it that have this kind of number; others are left out.

    A usual range (0 to 65535, to 1, ...) is taken as such where the pictures use at least half of it; else levels are
    percentiles.
    """
    return find_levels(_sample((each for each in pictures if isinstance(each, StoredPicture)), dtype), dtype)


def find_levels(values: Float64, dtype: str) -> Levels:
    """The levels for a sample [n] of finite values; see `levels_of`."""
    whites = USUAL_WHITES["f" if np.dtype(dtype).kind == "f" else "i"]
    if not values.size:
        return Levels(0.0, whites[-1], dtype)
    darkest, low, bright, high, brightest = np.percentile(values, (0, DARKEST, BRIGHT, BRIGHTEST, 100)).tolist()
    white = next((white for white in whites if brightest <= white * 1.001), None)
    if white is not None and darkest >= 0 and high - low >= LEAST_USED * white:
        return Levels(0.0, white, dtype)
    if bright > low:
        high = min(high, low + MOST_HIGHLIGHTS * (bright - low))
    return Levels(low, high, dtype) if high > low else Levels(darkest, max(brightest, darkest + 1), dtype)


def _sample(pictures: Iterable[StoredPicture], dtype: str) -> Float64:
    samples = [_pixels(picture) for picture in pictures if picture.values.dtype.name == dtype]
    return np.concatenate(samples) if samples else np.zeros(0)


def _pixels(picture: StoredPicture) -> Float64:
    """Values [n] of a picture that count, evenly spaced."""
    values, mask = picture.values, picture.mask
    counting = values.reshape(-1) if mask is None else values[mask].reshape(-1)
    sample = counting[:: max(1, counting.size // MOST_PIXELS)].astype(np.float64)
    return sample[np.isfinite(sample)]


def _table(levels: Levels) -> UInt8:
    """What each value of 16 bits becomes; over the whole range the upper 8 bits."""
    values = np.arange(65536)
    if (levels.low, levels.high) == (0.0, 65535.0):
        return (values >> 8).astype(np.uint8)
    return _stretched(values.astype(np.float64), levels)


def _stretched(values: NDArray[Any], levels: Levels) -> UInt8:
    shares = np.clip((values - levels.low) / (levels.high - levels.low), 0.0, 1.0)
    return np.rint(np.nan_to_num(shares, nan=0.0) * 255).astype(np.uint8)
