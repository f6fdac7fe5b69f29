"""Videos of pictures whose every pixel is known, in whatever way they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from da3_stream.types import UInt8

BOX = 16  # pixels; chroma of a box is the same however it is sampled


def boxes(width: int, height: int, seed: int = 0) -> UInt8:
    """An image of coloured boxes; none of them is beyond what limited range can say."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 216, (-(-height // BOX), -(-width // BOX), 3), np.uint8)
    return np.repeat(np.repeat(colours, BOX, 0), BOX, 1)[:height, :width]


def middles(image: UInt8, scale: float = 1.0) -> UInt8:
    """The middle pixel of each box, of an image that shows `boxes` at a scale across."""
    rows = np.arange(BOX // 2, image.shape[0], BOX)
    columns = ((np.arange(BOX // 2, image.shape[1] / scale, BOX)) * scale).astype(int)
    return image[rows][:, columns]


def write_frames(
    path: Path,
    frames: Sequence[Any],
    codec: str = "ffv1",
    pix_fmt: str | None = None,
    rate: int = 10,
    aspect: Fraction | None = None,
    rotation: int = 0,
    options: dict[str, str] | None = None,
    stored: int | None = None,
    metadata: dict[str, str] | None = None,
    **tags: int,
) -> Path:
    """A video of PyAV frames or RGB images [H,W,3], which are stored by a matrix of colours, BT.601 unless one is told.

    `tags` are what the video says of its colours (`colorspace` and others).
    """
    matrix = tags.get("colorspace", 5) if stored is None else stored
    frames = [_frame(frame, pix_fmt or "yuv444p", matrix, tags.get("color_range", 1)) for frame in frames]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
        stream.metadata.update(metadata or {})
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for i, frame in enumerate(frames):
            frame.pts, frame.time_base = i, Fraction(1, rate)
            for name, value in tags.items():
                setattr(frame, name, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def flat_frame(y: float, cb: float, cr: float, size: int = 64) -> Any:
    """A frame of one colour in 10 bits."""
    frame = av.VideoFrame(size, size, "yuv420p10le")
    for plane, value in zip(frame.planes, (y, cb, cr), strict=True):
        plane.update(np.full(plane.buffer_size // 2, round(value), np.uint16).tobytes())
    return frame


def _frame(image: Any, pix_fmt: str, colorspace: int, color_range: int) -> Any:
    """A frame that stores an RGB image by a matrix of colours; a frame stays as it is."""
    if isinstance(image, av.VideoFrame):
        return image
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    if pix_fmt == "rgb24":
        return frame
    exact = av.video.reformatter.Interpolation.AREA | av.video.reformatter.Interpolation.ACCURATE_RND
    return frame.reformat(format=pix_fmt, dst_colorspace=colorspace, dst_color_range=color_range, interpolation=exact)
