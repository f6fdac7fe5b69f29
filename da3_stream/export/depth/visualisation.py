"""Coloured inverse depth for people: a folder of images or a video; alone or beside the frames' own images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ...store import RunReader
from ...types import UInt8
from ..film import even, write_film
from ..frame_log import FrameLog
from ..frame_views import FrameView, depth_views, selected_views, usual_rate
from ..images.camera import image_size
from ..images.frame_images import undistorted_images
from ..images.names import frame_names
from ..images.rasters import new_file, write_image
from ..images.sources import list_frames
from ..options import DepthImageOptions, DepthVideoOptions
from ..progress import Progress
from .colour_scale import DepthScale, depth_scale


def export_depth_vis(reader: RunReader, path: Path, options: DepthImageOptions, progress: Progress) -> str:
    """A JPEG for every selected frame, of the frame's name; frames without depth say so.

    Raises ExportError where no frame has depth.
    """
    views, scale = _selected_with_some_depth(reader, options), depth_scale(reader, options.colours)
    names = frame_names(reader)
    files = {view.index: names[view.index].encoded("jpg") for view in views}
    frames = FrameLog(path)
    missing, size = frames.missing(views), image_size(reader, options.resolution)
    panels = _panels(reader, missing, scale, options, size)
    for view, image in progress.each("pictures", panels, len(views), len(frames)):
        write_image(new_file(path / files[view.index]), image)
        frames.add(view.index, [files[view.index]])
    list_frames(reader, files, path)
    return f"{_count(views)}; {scale.summary(reader.units)}"


def export_depth_video(reader: RunReader, path: Path, options: DepthVideoOptions, progress: Progress) -> str:
    """An MP4 (H.264) with every selected frame, at a constant rate; frames without depth say so.

    Its comment tells the scale. Raises ExportError where no frame has depth, or an image is too large for the codec.
    """
    views, scale = _selected_with_some_depth(reader, options), depth_scale(reader, options.colours)
    width, height = even(image_size(reader, options.resolution))
    rate = Fraction(options.fps or usual_rate(views)).limit_denominator(1001)
    panels = progress.each("pictures", _panels(reader, views, scale, options, (width, height)), len(views))
    images = (panel for _, panel in panels)
    size = (2 * width if options.beside else width, height)
    write_film(path, images, size, rate, scale.summary(reader.units))
    return f"{_count(views)} at {float(rate):.4g} a second; {scale.summary(reader.units)}"


def _selected_with_some_depth(reader: RunReader, options: DepthImageOptions) -> list[FrameView]:
    """All selected frames. Raises ExportError where none of them has depth."""
    depth_views(reader, options)
    return selected_views(reader, options)


def _panels(
    reader: RunReader, views: Sequence[FrameView], scale: DepthScale, options: DepthImageOptions, size: tuple[int, int]
) -> Iterator[tuple[FrameView, UInt8]]:
    """The views in order, each with its coloured depth at (width, height), on the right of its image unless the options
    say otherwise."""
    if not options.beside:
        yield from ((view, _depth_panel(reader, view, scale, size)) for view in views)
        return
    for view, image in undistorted_images(reader, views, size):
        own = _text_panel("no picture", size) if image is None else image
        yield view, np.concatenate([own, _depth_panel(reader, view, scale, size)], axis=1)


def _depth_panel(reader: RunReader, view: FrameView, scale: DepthScale, size: tuple[int, int]) -> UInt8:
    if not view.has_depth:
        return _text_panel("no depth", size)
    painted = scale.paint(reader.depth(view.index)[0])
    return np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _text_panel(text: str, size: tuple[int, int]) -> UInt8:
    """A black image [H,W,3] with this text."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    at, font = (size[0] // 8, size[1] // 2), cv2.FONT_HERSHEY_SIMPLEX
    return np.asarray(cv2.putText(image, text, at, font, size[0] / 240, (255, 255, 255), 1, cv2.LINE_AA), np.uint8)


def _count(views: Sequence[FrameView]) -> str:
    without = sum(not view.has_depth for view in views)
    return f"{len(views)} pictures" + (f", {without} of them without depth" if without else "")
