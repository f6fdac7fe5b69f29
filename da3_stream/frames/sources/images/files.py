"""Frames from folders, globs and lists of image files, in natural order, as upright RGB uint8."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....settings import FramesSettings
from ....types import UInt8
from ..picture import Picture
from ..recording import Candidate, Recording
from ..source import FrameSource
from .exif import read_focal_px

log = logging.getLogger(__name__)

# Formats that OpenCV can decode; a build may lack some of them, which shows when an image is decoded.
IMAGE_SUFFIXES = (
    *(
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".jp2",
        ".j2k",
        ".avif",
        ".gif",
    ),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pxm", ".pam", ".pfm", ".sr", ".ras", ".hdr", ".pic", ".exr"),
)


def is_image(path: Path) -> bool:
    """Whether the suffix is that of an image, in any case; hidden files are not images."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def natural_key(path: Path) -> tuple[list[str | int], str]:
    """A key that sorts numbers inside names by value: img2 before img10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], str(path)


def open_images(name: str, paths: Sequence[Path], settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The images as frames in the order given. Raises FramesError with one sentence if none can be used.

    Images have no times: timestamp = index / `settings.default_fps`. The focal length is that of the first good
    image.
    """
    if settings.fps not in (None, "auto") or (settings.start, settings.end) != (None, None):
        log.warning("images carry no times: %g a second are assumed (frames.default_fps)", settings.default_fps)
    rate = settings.default_fps
    recording = Recording(name, "images", partial(_candidates, paths, rate), len(paths), rate, files=paths)
    source = FrameSource.of(recording, settings, image_side)
    source.focal_px = read_focal_px(paths[source.first_index], source.size)
    return source


def _candidates(paths: Sequence[Path], rate: float, start: float | None) -> Generator[Candidate]:
    folder = os.path.commonpath([os.path.abspath(path.parent) for path in paths])
    for index, path in enumerate(paths):
        name = Path(os.path.relpath(path, folder)).as_posix()
        yield Candidate(index, index / rate, name, partial(_read_picture, path))


def _read_picture(path: Path) -> Picture | str:
    image = read_image(path)
    return image if isinstance(image, str) else Picture(image)


def read_image(path: Path) -> UInt8 | str:
    """An image file as upright RGB [H,W,3] uint8, or the reason why it cannot be read.

    Gray is repeated, alpha dropped, 16 bits become the upper 8, floating point is taken as 0 to 1 and clipped.
    """
    try:
        data = np.fromfile(path, np.uint8)  # cv2.imread fails on names outside ASCII on some systems
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    if not data.size:
        return "empty file (0 bytes)"
    image = _decode(data)
    return "cannot be decoded as an image" if image is None else _as_rgb8(image)


def _decode(data: UInt8) -> NDArray[Any] | None:
    """Decode to BGR in the file's own depth, turned upright by OpenCV; None for a file that is damaged or cut off."""
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    except cv2.error:  # such as more pixels than OpenCV allows
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)


def _as_rgb8(image: NDArray[Any]) -> UInt8:
    """RGB uint8 from BGR of any depth (OpenCV's own IMREAD_COLOR_RGB is wrong for 16-bit TIFF in 5.0)."""
    import cv2

    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype != np.uint8:
        image = np.rint(np.clip(np.nan_to_num(image), 0.0, 1.0) * 255).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
