"""The picture of a message: sensor_msgs/Image in the encodings of ROS, and sensor_msgs/CompressedImage.

Encodings are those of sensor_msgs/image_encodings.hpp and OpenCV's names of types, which say nothing of colour: three
channels are taken as BGR, OpenCV's own order. YUV is BT.601, narrow range, as OpenCV and UVC cameras have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.decoding import decode_bytes
from ..images.levels import Levels, show
from ..images.stored_picture import StoredPicture
from ..picture import Picture

Pixels = NDArray[Any]  # [H,W] or [H,W,C]


@dataclass(frozen=True)
class Encoding:
    """How pixels are stored: bytes of a sample, samples of a pixel in a row, rows of a picture's row; and the name of
    OpenCV's conversion to RGB or RGBA, "" where they are that or gray."""

    depth: int
    channels: int = 1
    conversion: str = ""
    rows: float = 1.0


def _same_for_depths(name: str, channels: int, conversion: str = "") -> dict[str, Encoding]:
    return {f"{name}{8 * depth}": Encoding(depth, channels, conversion) for depth in (1, 2)}


ENCODINGS = {
    **_same_for_depths("rgb", 3),
    **_same_for_depths("rgba", 4),
    **_same_for_depths("bgr", 3, "BGR2RGB"),
    **_same_for_depths("bgra", 4, "BGRA2RGBA"),
    **_same_for_depths("mono", 1),
    "8uc1": Encoding(1),
    "8uc3": Encoding(1, 3, "BGR2RGB"),
    "8uc4": Encoding(1, 4, "BGRA2RGBA"),
    "16uc1": Encoding(2),
    "16uc3": Encoding(2, 3, "BGR2RGB"),
    "16uc4": Encoding(2, 4, "BGRA2RGBA"),
    **_same_for_depths("bayer_rggb", 1, "BayerRGGB2RGB"),
    **_same_for_depths("bayer_bggr", 1, "BayerBGGR2RGB"),
    **_same_for_depths("bayer_gbrg", 1, "BayerGBRG2RGB"),
    **_same_for_depths("bayer_grbg", 1, "BayerGRBG2RGB"),
    **dict.fromkeys(("yuv422", "uyvy"), Encoding(1, 2, "YUV2RGB_UYVY")),
    **dict.fromkeys(("yuv422_yuy2", "yuyv", "yuy2"), Encoding(1, 2, "YUV2RGB_YUY2")),
    "nv12": Encoding(1, 1, "YUV2RGB_NV12", 1.5),
    "nv21": Encoding(1, 1, "YUV2RGB_NV21", 1.5),
    "i420": Encoding(1, 1, "YUV2RGB_I420", 1.5),
}


def find_encoding(name: str) -> Encoding | str:
    """The encoding, or the reason why it can't be read."""
    return ENCODINGS.get(name.strip().lower()) or (
        f"its encoding '{name}' is not one that can be read ({', '.join(ENCODINGS)})"
    )


def raw_pixels(message: Any) -> Pixels | str:
    """The pixels of a sensor_msgs/Image: gray [H,W], RGB or RGBA [H,W,3 or 4], of 8 or 16 bits; or why not."""
    encoding = find_encoding(message.encoding)
    stored = encoding if isinstance(encoding, str) else _stored(message, encoding)
    if isinstance(encoding, str) or isinstance(stored, str) or not encoding.conversion:
        return stored
    return _convert(stored, encoding.conversion)


def _convert(stored: Pixels, conversion: str) -> Pixels | str:
    import cv2

    try:
        return cv2.cvtColor(stored, getattr(cv2, f"COLOR_{conversion}"))
    except cv2.error:  # such as YUV of an odd width
        return f"its {stored.shape[1]}x{stored.shape[0]} samples cannot be converted to RGB"


def _stored(message: Any, encoding: Encoding) -> Pixels | str:
    """The samples without the padding at the ends of rows, in this machine's byte order: [H,W] or [H,W,C]."""
    height, width = round(message.height * encoding.rows), message.width
    row = width * encoding.channels * encoding.depth
    data = np.ascontiguousarray(message.data, np.uint8)
    step = row if data.size == row * height else message.step  # some drivers leave it at 0
    if not height or not row:
        return f"its size is {message.width}x{message.height}"
    if step < row or data.size < step * (height - 1) + row:
        return f"it has {data.size} bytes in rows of {step}, too few for {width}x{message.height} {message.encoding}"
    rows = np.ndarray((height, row), np.uint8, data, strides=(step, 1))
    samples = np.array(rows).view(np.dtype(f"{'>' if message.is_bigendian else '<'}u{encoding.depth}"))
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    return samples.reshape(height, width, encoding.channels) if encoding.channels > 1 else samples


def read_stored(content: Any) -> StoredPicture | str:
    """The picture of a sensor_msgs/Image or CompressedImage in its own depth, or the reason why it can't be had."""
    if not hasattr(content, "encoding"):
        return decode_bytes(np.asarray(content.data, np.uint8))
    pixels = raw_pixels(content)
    if isinstance(pixels, str) or pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels if isinstance(pixels, str) else StoredPicture(pixels)
    inside = pixels[:, :, 3] > 0
    unused = inside.all() or not inside.any()  # some drivers leave alpha at 0
    return StoredPicture(np.ascontiguousarray(pixels[:, :, :3]), None if unused else inside)


def show_picture(stored: StoredPicture | str, levels: Levels | None) -> Picture | str:
    """As RGB; deep ones between the levels, if they are of the same kind of number."""
    if isinstance(stored, str):
        return stored
    dtype = stored.values.dtype.name
    if stored.is_deep and (levels is None or levels.dtype != dtype):
        return f"its numbers are {dtype} where those of the others are {levels.dtype if levels else 'uint8'}"
    return Picture(show(stored, levels or Levels(0.0, 255.0, "uint8")), stored.mask)
