"""One image that holds every texture at every size, so that a whole frame is coloured by two look-ups.

Each texture is stored with its mip levels (each half the one before), and surfaces are looked up at the level that
matches their size on the image (Williams, "Pyramidal parametrics", 1983): far surfaces blur instead of flickering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

LEVELS = 7
GRAIN = 1 << (LEVELS - 1)  # sides of textures are multiples of this, so that every level has whole texels
_WIDTH = 8192  # cv2.remap takes images up to 32767 on a side
_MARGIN = 2


@dataclass(frozen=True, eq=False)
class Atlas:
    """Textures and their levels: `corner[t, l]` is the (x, y) in `image` of texture t's first texel at level l."""

    image: UInt8  # [H,W,3]
    corner: Float32  # [T,LEVELS,2]
    size: Float32  # [T,2]: width, height in texels of level 0

    @staticmethod
    def of(textures: Sequence[UInt8]) -> Atlas:
        """Pack textures [h,w,3] whose sides are multiples of `GRAIN`, in rows of like height."""
        levels = [level for texture in textures for level in _pyramid(texture)]
        corner, height = _pack_shelves([level.shape[:2] for level in levels])
        image = np.zeros((height, _WIDTH, 3), np.uint8)
        for level, (x, y) in zip(levels, corner, strict=True):
            padded = cv2.copyMakeBorder(level, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_WRAP)
            image[y - _MARGIN :, x - _MARGIN :][: padded.shape[0], : padded.shape[1]] = padded
        size = np.array([texture.shape[1::-1] for texture in textures], np.float32)
        return Atlas(image, corner.reshape(-1, LEVELS, 2).astype(np.float32), size)

    @cached_property
    def _flat_corner(self) -> tuple[Float32, Float32]:
        x, y = self.corner.reshape(-1, 2).T
        return np.ascontiguousarray(x), np.ascontiguousarray(y)

    def sample(self, texture: NDArray[np.int64], u: Float32, v: Float32, footprint: Float32) -> Float32:
        """Colours [...,3] of texels (u, v) of level 0, blended between the two levels nearest to the footprint.

        All arguments have one shape [...]; `footprint` is the distance in texels between neighbouring samples.
        """
        level = np.log2(np.maximum(footprint, 1.0))
        np.minimum(level, LEVELS - 1.001, out=level)
        whole = level.astype(np.int64)
        part = (level - whole)[..., None]
        fine = self._at_level(texture, u, v, whole)
        coarse = self._at_level(texture, u, v, whole + 1)
        return fine + part * (coarse - fine)

    def _at_level(self, texture: NDArray[np.int64], u: Float32, v: Float32, level: NDArray[np.int64]) -> Float32:
        entry = texture * LEVELS + level
        shrink = np.ldexp(np.float32(1.0), -level.astype(np.int32))
        x = self._flat_corner[0].take(entry) + u * shrink - np.float32(0.5)
        y = self._flat_corner[1].take(entry) + v * shrink - np.float32(0.5)
        return sample_bilinear(self.image, x, y).astype(np.float32)


def sample_bilinear(image: NDArray[Any], x: Float32, y: Float32) -> NDArray[Any]:
    """Bilinear values of a tiled image at points x, y, both of one shape; cv2.remap refuses more than 32766 rows."""
    rows = -(-x.size // 1024)
    x_rows, y_rows = np.resize(x, (rows, 1024)), np.resize(y, (rows, 1024))
    colours = cv2.remap(image, x_rows, y_rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return colours.reshape(rows * 1024, *image.shape[2:])[: x.size].reshape(*x.shape, *image.shape[2:])


def _pyramid(texture: UInt8) -> list[UInt8]:
    """The mip levels of a texture, itself first."""
    levels = [texture]
    for _ in range(LEVELS - 1):
        size = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
    return levels


def _pack_shelves(shapes: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int64], int]:
    """Corners (x, y) [M,2] for rectangles of (height, width), packed in rows from the highest to the lowest, and the
    height of all rows."""
    corner = np.zeros((len(shapes), 2), np.int64)
    x = y = row = 0
    for i in sorted(range(len(shapes)), key=lambda i: -shapes[i][0]):
        height, width = shapes[i][0] + 2 * _MARGIN, shapes[i][1] + 2 * _MARGIN
        if x + width > _WIDTH:
            x, y, row = 0, y + row, 0
        corner[i] = x + _MARGIN, y + _MARGIN
        x, row = x + width, max(row, height)
    return corner, y + row
