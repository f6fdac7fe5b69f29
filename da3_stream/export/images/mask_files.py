"""Masks of exported images as files: 8-bit PNG, 255 where the image counts and 0 where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...geometry.masks import Mask
from .image_folder import link_or_copy
from .rasters import new_file, write_png


class MaskFolder:
    """A folder of masks that is made with the first one, each named as its image with `.png` behind: so COLMAP
    (`--ImageReader.mask_path`, `--StereoFusion.mask_path`) and Brush (`masks`) look for them.

    Equal masks of images that follow each other are one file under several names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: tuple[Mask, Path] | None = None

    def add(self, image_name: str, mask: Mask) -> str:
        """Write the mask [H,W] of the image with this file name; returns the mask's file name."""
        path = new_file(self._folder / f"{image_name}.png")
        if self._last is not None and np.array_equal(self._last[0], mask):
            link_or_copy(self._last[1], path)
        else:
            write_png(path, mask.astype(np.uint8) * np.uint8(255))
            self._last = mask, path
        return f"{image_name}.png"
