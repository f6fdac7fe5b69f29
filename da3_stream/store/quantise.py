"""Compact depth and confidence: 3 bytes a pixel before compression; images as JPEG, about 0.3 bytes a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_HALF = np.finfo(np.float16)
_SPAN = 1e6  # largest ratio of two confidences that are told apart
_JPEG_QUALITY = 92
_LEVELS = 254  # steps between codes 1 and 255


def encode_depth(depth: NDArray[np.float32], median: float) -> NDArray[np.float16]:
    """Depth over the median as float16: relative error below 2^-11; 0, negative and non-finite become 0 (none).

    Valid depths beyond 6e-5 and 65504 medians take those values.
    """
    valid = np.isfinite(depth) & (depth > 0)
    ratio = np.where(valid, depth, 1.0) / np.float32(median or 1.0)
    return np.where(valid, np.clip(ratio, float(_HALF.tiny), float(_HALF.max)), 0.0).astype(np.float16)


def decode_depth(code: NDArray[np.float16], median: float) -> NDArray[np.float32]:
    """Depth in the window's units, 0 where there is none."""
    return code.astype(np.float32) * np.float32(median)


def confidence_range(confidence: NDArray[np.float32]) -> tuple[float, float]:
    """(low, high) for the codes: the range of the valid confidences, cut to a ratio of 10^6; (1, 1) without any."""
    valid = confidence[np.isfinite(confidence) & (confidence > 0)]
    if not valid.size:
        return 1.0, 1.0
    high = float(valid.max())
    return max(float(valid.min()), high / _SPAN), high


def encode_confidence(confidence: NDArray[np.float32], bounds: tuple[float, float]) -> NDArray[np.uint8]:
    """Code 0 = unusable, code k = low (high / low)^((k - 1) / 254).

    The relative error of values within the bounds is at most ln(high / low) / 508, so never above 2.8 %; smaller and
    larger values take the bounds.
    """
    low, high = bounds
    valid = np.isfinite(confidence) & (confidence > 0)
    position = np.log(np.where(valid, confidence, high).astype(np.float64) / low) * _steps_per_log(bounds)
    return np.where(valid, 1 + np.rint(np.clip(position, 0, _LEVELS)), 0).astype(np.uint8)


def decode_confidence(code: NDArray[np.uint8], bounds: tuple[float, float]) -> NDArray[np.float32]:
    """Confidence >= 0 of codes (see `encode_confidence`)."""
    low, high = bounds
    levels = low * (high / low) ** (np.arange(-1, _LEVELS + 1) / _LEVELS)
    levels[0] = 0.0
    return levels.astype(np.float32)[code]


def _steps_per_log(bounds: tuple[float, float]) -> float:
    span = np.log(bounds[1] / bounds[0])
    return _LEVELS / span if span > 0 else 0.0


def encode_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bytes of a JPEG file of an image [h,w,3] RGB."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(data, np.uint8)


def decode_image(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image [h,w,3] RGB; raises ValueError if the bytes are no JPEG file."""
    image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError("the bytes are no picture")
    return np.asarray(image, np.uint8)
