"""Interlaced video: two fields, of two moments, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ....types import UInt8
from ..resizing import size_of
from .filtering import filter_frame

Field = Literal["top", "bottom"]
WHOLE = 0.8  # ratio of `measure_combing` below which both fields plainly show one moment: 0.5 to 0.75 where they do
COMBED = 1.0  # and above which they do not: noise alone has 1, motion of two pixels 1 to 2
COLUMNS = 128  # about as many are measured


def measure_combing(frame: Any) -> float:
    """Mean difference of neighbouring rows, which are of two fields, over that of neighbouring rows of one field."""
    rows = sample_luma(frame)
    if len(rows) < 3:
        return 0.0
    between, within = np.abs(rows[1:] - rows[:-1]).mean(), np.abs(rows[2:] - rows[:-2]).mean()
    return float(between / within) if within > 0 else 0.0


def measure_motion(frames: Sequence[Any]) -> float:
    """Mean difference of a picture and the next one, over that of neighbouring rows: what passes by changes both."""
    rows = np.stack([sample_luma(frame) for frame in frames])
    between = np.abs(np.diff(rows, axis=1)).mean()
    return float(np.abs(np.diff(rows, axis=0)).mean() / between) if len(frames) > 1 and between > 0 else 0.0


def sample_luma(frame: Any) -> NDArray[np.float32]:
    """The brightness of some columns of a frame [H,w]."""
    if sum(part.plane == 0 for part in frame.format.components) > 1 or frame.format.has_palette:
        frame = frame.reformat(format="gray")  # several colours lie in one plane
    plane, bits = frame.planes[0], frame.format.components[0].bits
    values = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8).reshape(plane.height, -1)
    return values[:, : plane.width : max(1, plane.width // COLUMNS)].astype(np.float32)


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
