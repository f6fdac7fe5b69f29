"""Images of a run's frames: from its input at full size, or as the run stores them, at the predictor's size."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ExportError, FramesError, RemoteFilesError
from ...remote_files import copies_folder, is_remote, local_copies
from ...settings import CameraSettings, FramesSettings
from ...store import RunReader, read_images
from ...types import UInt8
from ..frame_views import FrameView, selected_views
from ..options import FrameOptions, ImageOptions
from .camera import image_size, radial_distortion, seen_box, stored_lens, undistorted

if TYPE_CHECKING:
    from ...frames import FrameSource

log = logging.getLogger(__name__)

OF_THE_LENS = ("intrinsics", "hfov_deg", "undistort_fov", "panorama_view", "mixed", "cameras")  # of the settings
INSTEAD_OF_INPUT = "give --resolution model for the pictures that the run keeps"


def frame_images(
    reader: RunReader, views: Sequence[FrameView], options: ImageOptions
) -> Iterator[tuple[FrameView, UInt8]]:
    """The views, ascending, with their images [H,W,3] RGB, of the size that the options ask for, and straightened if
    they do, cropped to what the lens saw (`seen_box`).

    Raises ExportError where images of the input's size are asked for, and the input is gone, live or another one now.
    """
    images, size = input_images(reader, views, as_stored=stored_lens(reader, options) is not None), reader.input_size
    if options.resolution == "model":  # the run stores them as the reader gave them, a few pixels larger for DA3
        images, size = stored_images(reader, views), image_size(reader, "model")
    box = seen_box(reader, options)
    for view, image in images:
        yield view, box.cut(resized(undistorted(reader, view, image) if options.undistort else image, size))


def undistorted_images(
    reader: RunReader, views: Sequence[FrameView], size: tuple[int, int]
) -> Iterator[tuple[FrameView, UInt8 | None]]:
    """The views, ascending, with their images of (width, height) as a pinhole sees them, like the depth maps; black
    where the lens saw nothing.

    From the input, or where that cannot be read again from the run (see `available_images`).
    """
    for view, image in available_images(reader, views):
        yield view, None if image is None else resized(undistorted(reader, view, image), size)


def input_images(
    reader: RunReader, views: Sequence[FrameView], *, as_stored: bool = False
) -> Iterator[tuple[FrameView, UInt8]]:
    """The views, ascending, with their images read once more from the input, straightened as for the run, or as they
    are stored.

    Raises ExportError where the input cannot be read again, is another one now, or has lost a frame.
    """
    source = open_input(reader)
    yield from _read(reader, source.as_stored() if as_stored else source, views)


def stored_images(reader: RunReader, views: Sequence[FrameView]) -> Iterator[tuple[FrameView, UInt8]]:
    """The views, ascending, with the images that their submaps store.

    Raises ExportError where one has none: it was left out by the gate, or the run looked for no loops.
    """
    for view, image in _stored(reader, views):
        if image is None:
            raise ExportError(f"{reader.path} keeps no picture of frame {view.index}{_instead_of_stored(reader)}")
        yield view, image


def available_images(reader: RunReader, views: Sequence[FrameView]) -> Iterator[tuple[FrameView, UInt8 | None]]:
    """The views, ascending, with their images from the input; where it cannot be read again (any further), from the
    run.

    A warning says so; a frame whose image the run does not store has None.
    """
    count = 0
    try:
        for pair in input_images(reader, views):
            yield pair
            count += 1
        return
    except ExportError:
        instead = "the pictures that it keeps are shown" if _stores_images(reader) else "it keeps none either"
        log.warning("the input of %s cannot be read again: %s", reader.path, instead)
    yield from _stored(reader, views[count:])


def image_files(reader: RunReader, options: ImageOptions) -> dict[int, Path]:
    """The input's own image files by frame index, where they hold just the images that the options ask for; else
    empty."""
    is_of_files = reader.status["input"].get("kind", "images") == "images"
    if not is_of_files or options.resolution != "input" or (options.undistort and radial_distortion(reader)):
        return {}
    source = open_input(reader)
    is_whole = source.shows_stored_pictures or stored_lens(reader, options) is not None
    return dict(enumerate(source.image_files)) if is_whole and source.levels is None else {}


def resized(image: UInt8, size: tuple[int, int]) -> UInt8:
    """An image at (width, height); smaller ones are means over areas."""
    import cv2

    if (image.shape[1], image.shape[0]) == size:
        return image
    is_smaller = size[0] < image.shape[1]
    return np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR), np.uint8
    )


def _read(reader: RunReader, source: FrameSource, views: Sequence[FrameView]) -> Iterator[tuple[FrameView, UInt8]]:
    if views:  # what is before the first one need not be decoded
        source.resume_at(views[0].index, {frame["index"] for frame in reader.status.get("skipped_frames", ())})
    remaining = iter(views)
    view = next(remaining, None)
    for frame in source:
        if view is not None and frame.index == view.index:
            yield view, frame.image
            view = next(remaining, None)
        if view is None or frame.index > view.index:
            break
    if view is not None:
        raise ExportError(f"the input of {reader.path} lacks frame {view.index} now{_instead_of_input(reader)}")


def _stored(reader: RunReader, views: Sequence[FrameView]) -> Iterator[tuple[FrameView, UInt8 | None]]:
    poses = reader.geometry.frame_poses
    owner = dict(zip(poses.source_index.tolist(), poses.submap.tolist(), strict=True))
    image: UInt8 | None
    for view in views:
        try:
            image = read_images(reader.run, owner[view.index], [view.index])[0]
        except KeyError:
            image = None
        yield view, image


def _stores_images(reader: RunReader) -> bool:
    """Whether the run stores an image of its first frame with depth: then it does of all."""
    first = [view for view in selected_views(reader, FrameOptions()) if view.has_depth][:1]
    return any(image is not None for _, image in _stored(reader, first))


def _instead_of_input(reader: RunReader) -> str:
    """What to do instead, the end of a sentence that says why the input is of no use."""
    return f": {INSTEAD_OF_INPUT}" if _stores_images(reader) else ", and the run keeps no pictures"


def _instead_of_stored(reader: RunReader) -> str:
    """What to do instead, the end of a sentence that says that a stored image is missing."""
    try:
        open_input(reader)
    except ExportError:
        return ", and its input cannot be read again"
    return ": give --resolution input"


def open_input(reader: RunReader) -> FrameSource:
    """The run's input once more, at full size. Raises ExportError with one sentence."""
    from ...frames import open_source

    what, paths = f"the input of {reader.path}", reader.input_paths
    if not paths:
        name = reader.status["input"]["name"]
        raise ExportError(f"{what} ({name}) cannot be read again{_instead_of_input(reader)}")
    if any(map(is_remote, paths)) and not copies_folder(reader.path).exists():
        log.warning("%s is fetched once more: %s", what, ", ".join(paths))
    try:
        with local_copies(paths[0] if len(paths) == 1 else list(paths), reader.path, keep=True) as here:
            source = open_source(here, _settings_without_gate(reader), camera=_camera_settings(reader))
    except (FramesError, RemoteFilesError) as error:
        raise ExportError(f"{what} cannot be read again ({error}){_instead_of_input(reader)}") from error
    if _is_another(reader, source):
        raise ExportError(f"{what} is another one now, {_outline(source)}{_instead_of_input(reader)}")
    return source


def _outline(source: FrameSource) -> str:
    """How many images of which kind, as `identity` of session/job.py begins."""
    width, height = source.size
    return f"{source.expected or 'some'} {source.kind} of {width}x{height}"


def _is_another(reader: RunReader, source: FrameSource) -> bool:
    """Whether it differs from what run.json says of the run's input."""
    expected = reader.status.get("identity", {}).get("input", _outline(source))
    return source.size != reader.input_size or expected.partition(", digest ")[0] != _outline(source)


def _camera_settings(reader: RunReader) -> CameraSettings:
    """What the run knew of the lens; masks by hand are of no use to pictures."""
    stored = reader.status.get("settings", {}).get("camera", {})
    return CameraSettings.model_validate(
        {"mask": "off", **{name: stored[name] for name in OF_THE_LENS if name in stored}}
    )


def _settings_without_gate(reader: RunReader) -> FramesSettings:
    stored = reader.status.get("settings", {}).get("frames", {})
    return FramesSettings.model_validate({**stored, "gate": "off"})
