"""Pictures of a run's frames: from its input at full size, or as the predictor looked at them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ExportError, FramesError
from ...settings import FramesSettings
from ...store import read_images
from ...types import UInt8
from ..options import FrameOptions, PictureOptions

if TYPE_CHECKING:
    from ...frames import FrameSource
    from ..run_reader import Reading, View

log = logging.getLogger(__name__)

KEPT = "give --resolution model for the pictures that the run keeps"


def input_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with their pictures read once more from the input.

    Raises ExportError where the input cannot be read again, is another one now, or has lost a frame.
    """
    yield from _read(reading, _opened(reading), views)


def model_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with the pictures that their windows keep.

    Raises ExportError where one has none: it was left out by the gate, or the run looked for no loops.
    """
    for view, picture in _kept(reading, views):
        if picture is None:
            raise ExportError(f"{reading.run.path} keeps no picture of frame {view.index}{_instead_of_kept(reading)}")
        yield view, picture


def any_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8 | None]]:
    """The views, ascending, with their pictures from the input, or, from where it cannot be read again, from the run.

    A warning says so; a frame of which the run keeps none has None.
    """
    done = 0
    try:
        for pair in input_pictures(reading, views):
            yield pair
            done += 1
        return
    except ExportError:
        shown = "the pictures that it keeps are shown" if _keeps_pictures(reading) else "it keeps none either"
        log.warning("the input of %s cannot be read again: %s", reading.run.path, shown)
    yield from _kept(reading, views[done:])


def _read(reading: Reading, source: FrameSource, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    left = iter(views)
    view = next(left, None)
    for frame in source:
        if view is not None and frame.index == view.index:
            yield view, frame.image
            view = next(left, None)
        if view is None or frame.index > view.index:
            break
    if view is not None:
        raise ExportError(f"the input of {reading.run.path} lacks frame {view.index} now{_instead_of_input(reading)}")


def _kept(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8 | None]]:
    places = reading.geometry.frame_poses
    owner = dict(zip(places.source_index.tolist(), places.submap.tolist(), strict=True))
    picture: UInt8 | None
    for view in views:
        try:
            picture = read_images(reading.run, owner[view.index], [view.index])[0]
        except KeyError:
            picture = None
        yield view, picture


def _keeps_pictures(reading: Reading) -> bool:
    """As its first frame with depth tells."""
    first = [view for view in reading.all_views(FrameOptions()) if view.has_depth][:1]
    return any(picture is not None for _, picture in _kept(reading, first))


def _instead_of_input(reading: Reading) -> str:
    """How a sentence goes on that says why the input is of no use."""
    return f": {KEPT}" if _keeps_pictures(reading) else ", and the run keeps no pictures"


def _instead_of_kept(reading: Reading) -> str:
    """How a sentence goes on that says that a kept picture is missing."""
    try:
        _opened(reading)
    except ExportError:
        return ", and its input cannot be read again"
    return ": give --resolution input"


def picture_files(reading: Reading, options: PictureOptions) -> dict[int, Path]:
    """The input's own image files by frame, where the pictures asked for are what they hold; else none."""
    unchanged = options.resolution == "input" and not (options.undistort and reading.k1)
    return dict(enumerate(_opened(reading).files)) if unchanged else {}


def _opened(reading: Reading) -> FrameSource:
    """The run's input once more, at full size. Raises ExportError with one sentence."""
    from ...frames import open_source

    of, paths = f"the input of {reading.run.path}", reading.input_paths
    if not paths:
        name = reading.status["input"]["name"]
        raise ExportError(f"{of} ({name}) cannot be read again{_instead_of_input(reading)}")
    try:
        source = open_source(paths[0] if len(paths) == 1 else paths, _settings(reading))
    except FramesError as error:
        raise ExportError(f"{of} cannot be read again ({error}){_instead_of_input(reading)}") from error
    if _is_another(reading, source):
        raise ExportError(f"{of} is another one now, {_outline(source)}{_instead_of_input(reading)}")
    return source


def _outline(source: FrameSource) -> str:
    """How many pictures of which kind, as `identity` of running/job.py begins."""
    width, height = source.size
    return f"{source.expected or 'some'} {source.kind} of {width}x{height}"


def _is_another(reading: Reading, source: FrameSource) -> bool:
    """Whether it differs from what run.json says of the run's input."""
    known = reading.status.get("identity", {}).get("input", _outline(source))
    return source.size != reading.size or known.partition(", digest ")[0] != _outline(source)


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
