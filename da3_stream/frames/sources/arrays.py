"""Frames from any Python iterable of images held in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sized
from functools import partial
from typing import Any

import numpy as np

from ...settings import FramesSettings
from ...types import UInt8
from .picture import Picture
from .recording import Candidate, Recording
from .source import FrameSource


def open_arrays(arrays: Iterable[Any], settings: FramesSettings, image_side: int | None) -> FrameSource:
    """Frames from an iterable (a generator too) of RGB [H,W,3] or gray [H,W] uint8 arrays, which are copied.

    Arrays have no times: timestamp = index / `settings.default_fps`. Any other item is recorded as a skipped frame.
    Raises FramesError with one sentence if no item can be used; errors of the iterable itself are passed on.
    """
    rate = settings.default_fps
    total = len(arrays) if isinstance(arrays, Sized) else None
    name = f"{type(arrays).__name__} of arrays"
    recording = Recording(name, "arrays", partial(_candidates, arrays, rate), total, rate)
    return FrameSource.of(recording, settings, image_side)


def _candidates(arrays: Iterable[Any], rate: float, start: float | None) -> Generator[Candidate]:
    for index, item in enumerate(arrays):
        yield Candidate(index, index / rate, f"array_{index:06d}", partial(_picture, item))


def _picture(item: Any) -> Picture | str:
    image = as_rgb(item)
    return image if isinstance(image, str) else Picture(image)


def as_rgb(item: Any) -> UInt8 | str:
    """A copy of the item as [H,W,3] uint8, or the reason why it is not an image."""
    if not isinstance(item, np.ndarray):
        return f"type {type(item).__name__}, expected a numpy array"
    if item.dtype != np.uint8:
        return f"dtype {item.dtype}, expected uint8"
    if item.size == 0 or not (item.ndim == 2 or (item.ndim == 3 and item.shape[2] == 3)):
        return f"shape {list(item.shape)}, expected [height, width, 3] or [height, width]"
    return np.repeat(item[:, :, None], 3, axis=2) if item.ndim == 2 else np.array(item)
