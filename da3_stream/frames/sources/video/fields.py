"""Interlaced video: two fields, of two moments, in one picture."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ....types import UInt8
from ..resizing import size_of
from .filtering import filter_frame

Field = Literal["top", "bottom"]
WHOLE = 0.8  # ratio of `measure_combing` below which both fields plainly show one moment: 0.5 to 0.75 where they do
COMBED = 1.0  # and above which they do not: noise alone has 1, motion of two pixels 1 to 2
COLUMNS = 128  # about as many are measured


def measure_combing(frame: Any) -> float:
    """Mean difference of neighbouring rows, which are of two fields, over that of neighbouring rows of one field."""
    luma = read_luma(frame)[:, :: max(1, frame.width // COLUMNS)].astype(np.float32)
    if luma.shape[0] < 3:
        return 0.0
    between = np.abs(luma[1:] - luma[:-1]).mean()
    within = np.abs(luma[2:] - luma[:-2]).mean()
    return float(between / within) if within > 0 else 0.0


def read_luma(frame: Any) -> Any:
    """The first plane [H,W] of a planar frame as numbers."""
    plane = frame.planes[0]
    bits = frame.format.components[0].bits
    values = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8)
    return values.reshape(plane.height, -1)[:, : plane.width]


def take_field(frame: Any, field: Field) -> Any:
    """One field of a frame, as a frame of half the height."""
    return filter_frame(frame, ("field", f"type={field}"))


def fill_rows(image: UInt8, field: Field, height: int) -> UInt8:
    """The image [H/2,W,3] of one field at full height H, each row where it was; rows between are interpolated."""
    import cv2

    first = 0 if field == "top" else 1
    to_field = np.array([[1, 0, 0], [0, 0.5, -first / 2]], np.float64)  # from pixels (column, row) of the result
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (size_of(image)[0], height)
    return np.asarray(cv2.warpAffine(image, to_field, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
