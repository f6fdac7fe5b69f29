"""Images as files: the input's own where they can stay as they are, else encoded anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

from ...types import UInt8
from .names import FrameNames
from .rasters import new_file, write_image

Encoding = Literal["jpg", "png"]

UPRIGHT, ORIENTATION = 1, 0x0112  # Exif 2.32, section 4.6.4
FORMATS: dict[str | None, Encoding] = {"JPEG": "jpg", "PNG": "png"}  # as Pillow has them


def usable_format(file: Path | None, size: tuple[int, int]) -> Encoding | None:
    """What an image file is, if it can be used as it is: an upright RGB JPEG or PNG of 8 bits a channel, of (width,
    height) `size`. None where it cannot."""
    from PIL import Image, UnidentifiedImageError

    if file is None:
        return None
    try:
        with Image.open(file) as image:
            is_upright = image.getexif().get(ORIENTATION, UPRIGHT) == UPRIGHT
            is_plain = image.mode == "RGB" and image.size == size
            return FORMATS.get(image.format) if is_upright and is_plain else None
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        return None


def link_or_copy(file: Path, target: Path) -> None:
    """The same file under another name, or a copy where the two are on different disks. Raises OSError."""
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)


class ImageFolder:
    """A new folder of images. `files` are the input's own image files by frame index, used where they fit."""

    def __init__(self, folder: Path, files: dict[int, Path], encoding: Encoding, names: FrameNames) -> None:
        self._folder, self._files, self._encoding, self._names = folder, files, encoding, names

    def add(self, index: int, image: UInt8) -> str:
        """Write the image [H,W,3] of the frame with this index in the input; returns the file's name in the folder."""
        file, name = self._files.get(index), self._names[index]
        format = usable_format(file, (image.shape[1], image.shape[0]))
        if file is not None and format is not None:
            named = name.encoded(format)
            link_or_copy(file, new_file(self._folder / named))
        else:
            named = name.encoded(self._encoding)
            write_image(new_file(self._folder / named), image)
        return named
