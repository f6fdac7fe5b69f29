"""Decoding OpenEXR, which OpenCV's wheels cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .stored_picture import MOST_PIXELS, StoredPicture, without_alpha


def decode_exr(path: Path) -> StoredPicture | str:
    """The channels R, G and B, or Y, or the only one there is, as a picture [H,W,3] or [H,W] of float32 in the display
    window; what lies outside the data window, and where A is 0, does not count. Or the reason why that cannot be."""
    import OpenEXR

    try:
        with OpenEXR.File(str(path), separate_channels=True) as exr:
            return _picture(exr.channels(), exr.header())
    except (RuntimeError, ValueError, KeyError, TypeError, OSError):
        return "cannot be decoded as an image"


def _picture(channels: Any, header: Any) -> StoredPicture | str:
    names = _colours(list(channels))
    if not names:
        return f"has no channels R, G and B or Y (but {', '.join(channels)})"
    wanted = [channels[name] for name in (*names, *(["A"] if "A" in channels else []))]
    if any((each.xSampling, each.ySampling) != (1, 1) for each in wanted):
        return "has channels of different sizes: convert it to R, G and B"
    stored = np.stack([np.asarray(each.pixels, np.float32) for each in wanted], axis=-1)
    if "A" not in channels:
        stored = np.concatenate([stored, np.ones_like(stored[..., :1])], axis=-1)
    return without_alpha(_in_display_window(stored, header))


def _colours(names: list[str]) -> list[str]:
    if {"R", "G", "B"} <= set(names):
        return ["R", "G", "B"]
    if "Y" in names and not {"RY", "BY"} & set(names):
        return ["Y"]
    return names if len(names) == 1 else []


def _in_display_window(stored: NDArray[np.float32], header: Any) -> NDArray[np.float32]:
    """The values [h,w,C] of the data window in the display window [H,W,C], with zeros around (OpenEXR, technical
    introduction: both windows are inclusive corners)."""
    (left, top), _ = (np.asarray(corner, int) for corner in header["dataWindow"])
    (x0, y0), (x1, y1) = (np.asarray(corner, int) for corner in header["displayWindow"])
    height, width = stored.shape[:2]
    if (y1 - y0 + 1) * (x1 - x0 + 1) > MOST_PIXELS:
        raise ValueError(f"a display window of {x1 - x0 + 1}x{y1 - y0 + 1} pixels")
    canvas = np.zeros((y1 - y0 + 1, x1 - x0 + 1, stored.shape[2]), np.float32)
    rows = slice(max(top, y0), min(top + height, y1 + 1))
    columns = slice(max(left, x0), min(left + width, x1 + 1))
    inside = stored[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    canvas[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = inside
    return canvas
