"""Pictures of a run's frames: from its input at full size, or as the predictor looked at them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ExportError, FramesError
from ..settings import FramesSettings
from ..store import read_images
from ..types import UInt8

if TYPE_CHECKING:
    from ..frames import FrameSource
    from .options import PictureOptions
    from .reading import Reading, View

log = logging.getLogger(__name__)

MODEL = "give --resolution model for the pictures that the run keeps"


def input_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with their pictures read once more from the input.

    Raises ExportError where the input cannot be read again, or is another one now.
    """
    yield from _read(reading, _opened(reading), views)


def model_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with the pictures that their windows keep.

    Raises ExportError where one has none: it was left out by the gate, or the run looked for no loops.
    """
    for view, picture in _kept(reading, views):
        if picture is None:
            raise ExportError(f"{reading.run.path} keeps no picture of frame {view.index}: give --resolution input")
        yield view, picture


def any_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8 | None]]:
    """The views, ascending, with their pictures from the input, or, where that cannot be read again, from the run.

    A warning says so; a frame of which the run keeps none has None. Raises ExportError where the input has become
    shorter.
    """
    try:
        source = _opened(reading)
    except ExportError:
        log.warning("the input of %s cannot be read again: the pictures that it keeps are shown", reading.run.path)
        yield from _kept(reading, views)
        return
    yield from _read(reading, source, views)


def _read(reading: Reading, source: FrameSource, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    wanted = {view.index: view for view in views}
    for frame in source:
        if frame.index in wanted:
            yield wanted.pop(frame.index), frame.image
        if not wanted:
            return
    missing = next(iter(wanted))
    raise ExportError(f"the input of {reading.run.path} holds no frame {missing} any more: {MODEL}")


def _kept(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8 | None]]:
    places = reading.geometry.places
    owner = dict(zip(places.source_index.tolist(), places.node.tolist(), strict=True))
    picture: UInt8 | None
    for view in views:
        try:
            picture = read_images(reading.run, owner[view.index], [view.index])[0]
        except KeyError:
            picture = None
        yield view, picture


def picture_files(reading: Reading, options: PictureOptions) -> dict[int, Path]:
    """The input's own image files by frame, where the pictures asked for are what they hold; else none."""
    unchanged = options.resolution == "input" and not (options.undistort and reading.k1)
    return dict(enumerate(_opened(reading).files)) if unchanged else {}


def _opened(reading: Reading) -> FrameSource:
    """The run's input once more, at full size. Raises ExportError with one sentence."""
    from ..frames import open_source

    facts, path = reading.status["input"], reading.run.path
    if not facts.get("paths"):
        raise ExportError(f"the input of {path} ({facts['name']}) cannot be read again: {MODEL}")
    try:
        paths = facts["paths"]
        source = open_source(paths[0] if len(paths) == 1 else paths, _settings(reading))
    except FramesError as error:
        raise ExportError(f"the input of {path} cannot be read again ({error}): {MODEL}") from error
    if source.size != reading.size:
        raise ExportError(f"the input of {path} is another one now, of size {source.size}: {MODEL}")
    return source


def _settings(reading: Reading) -> FramesSettings:
    kept = reading.status.get("settings", {}).get("frames", {})
    return FramesSettings.model_validate({**kept, "gate": "off"})


def resized(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """A picture of (width, height); smaller ones are means over areas."""
    import cv2

    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    smaller = size[0] < picture.shape[1]
    return np.asarray(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )
