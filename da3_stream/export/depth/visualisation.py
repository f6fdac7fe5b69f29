"""Coloured inverse depth for people: a folder of pictures, or a film; alone or beside the frames' own pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import ExportError
from ...store import RunReader
from ...types import UInt8
from ..frame_views import FrameView, selected_views, views_with_depth
from ..images.camera import image_size
from ..images.frame_images import undistorted_images
from ..images.rasters import write_image
from ..options import DepthImageOptions, DepthVideoOptions
from .colour_scale import DepthScale, depth_scale

USUAL_FPS = 30.0  # where times do not tell a rate
BT709, NARROW = 1, 1  # as the file says: players do not have to guess
LARGEST = 16384  # side of a picture that H.264 takes


def export_depth_vis(reader: RunReader, path: Path, options: DepthImageOptions) -> str:
    """%06d.jpg for every frame asked for, by its number in the input; frames without depth say so.

    Raises ExportError where no frame has depth.
    """
    views, scale = _wanted(reader, options), depth_scale(reader, options.colours)
    for view, picture in _panels(reader, views, scale, options, image_size(reader, options.resolution)):
        write_image(path / f"{view.name}.jpg", picture)
    return f"{_count(views)}; {scale.said(reader.units)}"


def export_depth_video(reader: RunReader, path: Path, options: DepthVideoOptions) -> str:
    """An MP4 (H.264) with every frame asked for, at a constant rate; frames without depth say so.

    Its comment tells the scale. Raises ExportError where no frame has depth, or a picture is too large for the codec.
    """
    views, scale = _wanted(reader, options), depth_scale(reader, options.colours)
    width, height = (max(2, side // 2 * 2) for side in image_size(reader, options.resolution))
    rate = Fraction(options.fps or usual_rate(views)).limit_denominator(1001)
    pictures = (p for _, p in _panels(reader, views, scale, options, (width, height)))
    _encode(path, pictures, (2 * width if options.beside else width, height), rate, scale.said(reader.units))
    return f"{_count(views)} at {float(rate):.4g} a second; {scale.said(reader.units)}"


def usual_rate(views: Sequence[FrameView]) -> float:
    """Frames a second by the median of their times' steps."""
    steps = np.diff([view.timestamp for view in views])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    return float(np.clip(1 / np.median(steps), 0.1, 1000)) if len(steps) else USUAL_FPS


def _wanted(reader: RunReader, options: DepthImageOptions) -> list[FrameView]:
    """All frames asked for. Raises ExportError where none of them has depth."""
    views_with_depth(reader, options)
    return selected_views(reader, options)


def _panels(
    reader: RunReader, views: Sequence[FrameView], scale: DepthScale, options: DepthImageOptions, size: tuple[int, int]
) -> Iterator[tuple[FrameView, UInt8]]:
    """The views in order, each with its depth at (width, height), if it shall be so on the right of its picture."""
    if not options.beside:
        yield from ((view, _depth_panel(reader, view, scale, size)) for view in views)
        return
    for view, picture in undistorted_images(reader, views, size):
        left = _words("no picture", size) if picture is None else picture
        yield view, np.concatenate([left, _depth_panel(reader, view, scale, size)], axis=1)


def _depth_panel(reader: RunReader, view: FrameView, scale: DepthScale, size: tuple[int, int]) -> UInt8:
    if not view.has_depth:
        return _words("no depth", size)
    painted = scale.paint(reader.depth(view.index)[0])
    return np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _words(text: str, size: tuple[int, int]) -> UInt8:
    """A black picture [H,W,3] that says so."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    at, font = (size[0] // 8, size[1] // 2), cv2.FONT_HERSHEY_SIMPLEX
    return np.asarray(cv2.putText(picture, text, at, font, size[0] / 240, (255, 255, 255), 1, cv2.LINE_AA), np.uint8)


def _encode(path: Path, pictures: Iterator[UInt8], size: tuple[int, int], rate: Fraction, comment: str) -> None:
    import av

    if max(size) > LARGEST:
        raise ExportError(f"a film of {size[0]}x{size[1]} pixels is too large for H.264: give --resolution model")
    try:
        with av.open(str(path), "w", format="mp4") as film:
            film.metadata["comment"] = comment
            stream = _stream(film, size, rate)
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                film.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=NARROW)))
            film.mux(stream.encode())
    except av.FFmpegError as error:
        raise ExportError(f"cannot write the film: {error.strerror}") from error


def _stream(film: Any, size: tuple[int, int], rate: Fraction) -> Any:
    """An H.264 stream that every player shows."""
    stream = film.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.colorspace = stream.color_primaries = stream.color_trc = BT709
    stream.color_range = NARROW
    return stream


def _count(views: Sequence[FrameView]) -> str:
    without = sum(not view.has_depth for view in views)
    return f"{len(views)} pictures" + (f", {without} of them without depth" if without else "")
