"""Opening an input of any kind: `open_source` finds out what it is."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FramesError
from ...settings import CameraSettings, FramesSettings
from ...types import AdviceCode, CopiedInput
from .arrays import open_arrays
from .bags.files import open_bags
from .bags.layout import find_bags
from .capture import SCHEMES, is_address
from .cards.cameras import choose_camera
from .cards.footage import read_footage
from .cards.names import read_names
from .cards.said import left_out_sentences
from .cards.search import Found, chosen_kind, find_files, find_in_folder, find_matches, is_run, is_searched, join
from .chain import LeftOutFile
from .images.files import open_images
from .images.formats import is_image
from .lens.input_camera import know_camera
from .lens.panorama import picture_view
from .lens.pictures import own_views
from .live import open_camera, open_stream
from .masks.attach import attach_masks, tell_masks
from .piped import is_piped, open_piped, redirected_file
from .source import FrameSource
from .video.animations import ANIMATED, open_animation
from .video.files import open_video

EXPECTED = (
    "give videos or images, a folder or glob of them, a camera's number, a stream's address, - for standard input, or "
    "an iterable of [height, width, 3] uint8 arrays"
)


def open_source(
    source: str | Path | int | Sequence[str | Path] | Iterable[NDArray[np.uint8]] | CopiedInput,
    settings: FramesSettings,
    image_side: int | None = None,
    camera: CameraSettings | None = None,
) -> FrameSource:
    """Frames from video files, images, folders or globs of them, an iterable of arrays, a camera (its number, as text
    too), a network stream (rtsp, http and others) or standard input ("-"). Several videos are one, in the order of
    recording.

    Frames are upright RGB, their longest side at most `image_side` pixels, with the masks by hand that `camera` names
    or that lie beside images, and free of the distortion of a lens that it tells. The first good frame is read at once.
    What was copied here from elsewhere is called as it was given.
    Raises FramesError with one sentence that says what is wrong with the input and what to do, SettingsError where the
    calibration does not fit the pictures.
    """
    camera = camera or CameraSettings()
    copied = source if isinstance(source, CopiedInput) else None
    source = source if copied is None else _alone(copied.names)
    found, names = _open_any(source, settings, image_side if camera.panorama_view is None else None)
    found.told_of_camera = camera
    attach_masks(found, camera)
    found.image_side, found.view = image_side, picture_view(found, camera)
    found.views = views = own_views(found, camera)
    found.size = found.size if views is None else views.size
    found.open()
    tell_masks(found)
    if names and found.kind in ("video", "images", "bag") and not is_address(names[0]):
        found.identify_by_paths([os.path.abspath(os.path.expanduser(name)) for name in names])
    if copied is not None:
        found.call(copied)
    if views is not None:
        found.camera = views.camera()
        return found
    return know_camera(found, camera)


def _alone(names: Sequence[str]) -> str | Sequence[str]:
    return names[0] if len(names) == 1 else names


def _open_any(source: Any, settings: FramesSettings, image_side: int | None) -> tuple[FrameSource, list[str]]:
    """The frames of an input of any kind, not yet opened, and the names that it was given by."""
    names: list[str] = []
    if isinstance(source, str):
        source = redirected_file(source) or source
    if isinstance(source, int) and not isinstance(source, bool):
        found = open_camera(source, settings, image_side)
    elif isinstance(source, (str, Path)):
        names = [str(source)]
        found = _open_name(names[0], settings, image_side)
    elif isinstance(source, Sequence) and source and all(isinstance(item, (str, Path)) for item in source):
        names = [str(item) for item in source]
        found = _open_list(names, settings, image_side)
    else:
        found = open_arrays(_require_images(source), settings, image_side)
    if settings.topic is not None and found.kind != "bag":
        raise FramesError(f"'{found.name}' is no bag and has no topics: leave --topic (frames.topic) out")
    if settings.camera is not None and found.kind != "video":
        hint = "--topic chooses the camera of a bag" if found.kind == "bag" else "leave --camera (frames.camera) out"
        raise FramesError(f"'{found.name}' is no video of one of several cameras: {hint}")
    return found, names


def _open_name(name: str, settings: FramesSettings, image_side: int | None) -> FrameSource:
    if is_piped(name):
        return open_piped(name, settings, image_side)
    path = Path(os.path.expanduser(name))
    try:
        is_folder, is_file = path.is_dir() and bool(name), path.is_file()
    except OSError as error:
        raise FramesError(f"'{name}' cannot be opened ({error.strerror}): check the path and its permissions") from None
    if is_folder and is_run(path):
        raise FramesError(f"'{name}' is a run directory, not footage: 'da3-stream info {name}' tells what it holds")
    if (is_folder or is_file) and (bags := find_bags([path])):
        return open_bags(name, bags, settings, image_side)
    if is_folder:
        return _open_found(name, find_in_folder(path), settings, image_side)
    if is_file:
        return _open_file(path, settings, image_side)
    if glob.has_magic(name) and not is_address(name):
        if bags := find_bags([Path(match) for match in glob.glob(os.path.expanduser(name), recursive=True)]):
            return open_bags(name, bags, settings, image_side)
        return _open_found(name, find_matches(name), settings, image_side)
    if name.isascii() and name.isdecimal():
        return open_camera(int(name), settings, image_side)
    if is_address(name):
        return open_stream(name, settings, image_side)
    raise FramesError(_why_missing(name))


def _open_file(path: Path, settings: FramesSettings, image_side: int | None) -> FrameSource:
    if is_image(path) or path.suffix.lower() in ANIMATED:
        return open_animation(path, settings, image_side) or open_images(str(path), [path], settings, image_side)
    choose_camera(read_names([path]), settings.camera)
    return open_video(path, settings, image_side)


def _open_list(names: list[str], settings: FramesSettings, image_side: int | None) -> FrameSource:
    if len(names) == 1:
        return _open_name(names[0], settings, image_side)
    paths = [Path(os.path.expanduser(name)) for name in names]
    name = f"{names[0]} and {len(names) - 1} more"
    if all(is_image(path) and path.is_file() for path in paths):
        return open_images(name, paths, settings, image_side)
    if bags := find_bags(paths):
        return open_bags(name, bags, settings, image_side)
    found = join(_find(*pair) for pair in zip(names, paths, strict=True))
    return _open_found(name, found, settings, image_side, as_given=all(path.is_file() for path in paths))


def _find(name: str, path: Path) -> Found:
    """What one of several names stands for. Raises FramesError where it stands for no file."""
    if path.is_dir():
        return find_in_folder(path) if is_searched(path) else Found(left_out=[LeftOutFile(name, "no footage")])
    if path.exists():
        return find_files([path])
    if is_address(name):
        raise FramesError(f"'{name}' is a stream: give it alone, or files only")
    if glob.has_magic(name):
        return find_matches(name)
    raise FramesError(_why_missing(name))


def _open_found(
    name: str, found: Found, settings: FramesSettings, image_side: int | None, as_given: bool = False
) -> FrameSource:
    """The frames of the videos that were found, or of the images; the others are said to be left out."""
    found = chosen_kind(name, found)
    if found.images:
        source = open_images(name, found.images, settings, image_side)
        source.left_out, said = [*source.left_out, *found.left_out], left_out_sentences(found.left_out)
    else:
        footage = read_footage(name, found, settings, image_side, as_given)
        source = FrameSource.of(footage.links, settings, image_side, name, footage.left_out)
        source.size, said = footage.size, list(footage.said)
    for sentence in said:
        source.say(AdviceCode.INPUT_FILES, sentence)
    return source


def _why_missing(name: str) -> str:
    if not name:
        return f"the name of the input is empty: {EXPECTED}"
    if "://" in name:
        return f"'{name}' is an address of a kind that is not read: give one of {', '.join(SCHEMES)}, or a file"
    return f"there is no video, image or folder '{name}': check the path"


def _require_images(source: Any) -> Iterable[Any]:
    """Return the source if it can be iterated for images. Raises FramesError with one sentence if it cannot."""
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise FramesError(f"an object of type {type(source).__name__} is no source of frames: {EXPECTED}")
    if isinstance(source, np.ndarray) and (source.ndim < 3 or (source.ndim == 3 and source.shape[2] <= 4)):
        raise FramesError(f"an array of shape {list(source.shape)} is no sequence of images: put one image into a list")
    if isinstance(source, Sized) and len(source) == 0:
        raise FramesError(f"an empty {type(source).__name__} holds no frame: {EXPECTED}")
    return source
