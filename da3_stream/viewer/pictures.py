"""Pictures of a frame: as the predictor took it, its depth and confidence in false colours."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import StoreError
from ..store.submap_files import read_jpeg
from ..types import Float32, UInt8
from .frame_details import depth_of
from .snapshot import Snapshot

_QUALITY = 85


def frame_image(now: Snapshot, row: int, size: int = 0) -> bytes:
    """A JPEG file: as it is stored, or made smaller where its longer edge has more than `size` pixels.

    Raises IndexError for a row that is not there, KeyError where no picture is kept, StoreError for a damaged file.
    """
    data = _stored_image(now, row)
    return data if not size else _smaller(data, size)


def depth_picture(now: Snapshot, row: int) -> bytes:
    """A PNG file: near is red, far is blue, black where there is none. Raises as `frame_image`."""
    depth = depth_of(now, row)
    known = depth > 0
    inverse = np.zeros_like(depth)
    np.divide(1, depth, out=inverse, where=known)
    return _false_colours(inverse, known, cv2.COLORMAP_TURBO)


def confidence_picture(now: Snapshot, row: int) -> bytes:
    """A PNG file: dark is little, yellow is much, black where depth cannot be used. Raises as `frame_image`."""
    if now.reader is None or not 0 <= row < len(now.frames):
        raise IndexError(row)
    confidence = now.reader.depth(int(now.frames.source_index[row]))[1]
    known = confidence > 0
    return _false_colours(np.log(np.where(known, confidence, 1)), known, cv2.COLORMAP_VIRIDIS)


def raw_depth(now: Snapshot, row: int) -> bytes:
    """uint32 width and height, then float32 in world units row by row, 0 where there is none. Raises as above."""
    depth = depth_of(now, row)
    return np.array(depth.shape[::-1], "<u4").tobytes() + depth.astype("<f4").tobytes()


def _stored_image(now: Snapshot, row: int) -> bytes:
    if now.reader is None or not 0 <= row < len(now.frames):
        raise IndexError(row)
    return read_jpeg(now.reader.run, int(now.frames.submap[row]), int(now.frames.source_index[row]))


def _smaller(data: bytes, size: int) -> bytes:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise StoreError("a stored picture is damaged: it is no JPEG file")
    share = size / max(image.shape[:2])
    if share >= 1:
        return data
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _false_colours(values: Float32, known: np.ndarray, colours: int) -> bytes:
    """Values [H,W] from their 2nd to their 98th percentile."""
    low, high = np.percentile(values[known], (2, 98)) if known.any() else (0.0, 1.0)
    steps = np.clip((values - low) / max(high - low, 1e-12) * 255, 0, 255).astype(np.uint8)
    picture: UInt8 = np.asarray(cv2.applyColorMap(steps, colours), np.uint8)
    picture[~known] = 0
    return cv2.imencode(".png", picture)[1].tobytes()
