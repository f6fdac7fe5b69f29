"""Pictures of a run's frames: from its input at full size, or as the predictor looked at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExportError, FramesError
from ..settings import FramesSettings
from ..store import read_images
from ..types import UInt8

if TYPE_CHECKING:
    from ..frames import FrameSource
    from .options import PictureOptions
    from .reading import Reading, View

MODEL = "give --resolution model for the pictures that the run keeps"


def input_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with their pictures read once more from the input.

    Raises ExportError where the input cannot be read again, or is another one now.
    """
    wanted = {view.index: view for view in views}
    for frame in _opened(reading):
        if frame.index in wanted:
            yield wanted.pop(frame.index), frame.image
        if not wanted:
            return
    missing = next(iter(wanted))
    raise ExportError(f"the input of {reading.run.path} holds no frame {missing} any more: {MODEL}")


def model_pictures(reading: Reading, views: Sequence[View]) -> Iterator[tuple[View, UInt8]]:
    """The views, ascending, with the pictures that their windows keep.

    Raises ExportError where one has none: it was left out by the gate, or the run looked for no loops.
    """
    places = reading.geometry.places
    owner = dict(zip(places.source_index.tolist(), places.node.tolist(), strict=True))
    for node, group in groupby(views, lambda view: owner.get(view.index)):
        for view in group:
            try:
                picture = None if node is None else read_images(reading.run, node, [view.index])[0]
            except KeyError:
                picture = None
            if picture is None:
                raise ExportError(f"{reading.run.path} keeps no picture of frame {view.index}: give --resolution input")
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
