"""Depth maps, and what else belongs to their pixels, as an exported image shows them: through its lens, and cropped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from .camera import ImageCamera, straight_pixels


class ImageGrid(NamedTuple):
    """Where each pixel [h,w] of a map that shows what an image shows lies in a depth map, and whether it does."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    inside: NDArray[np.bool_]


def in_image(values: NDArray[Any], k: Float64, camera: ImageCamera, whole: tuple[int, int]) -> NDArray[Any]:
    """Values [H,W,...] of the pixels of a pinhole K [3,3] at those of the camera's image, as fine as they are: by the
    nearest one, 0 outside.

    `whole` is the (width, height) of the camera's images before they were cropped.
    """
    if not camera.is_distorted and camera.size == whole:
        return values
    height, width = values.shape[:2]
    size = (round(camera.size[0] * width / whole[0]), round(camera.size[1] * height / whole[1]))
    grid = _grid(camera, size, (width, height), tuple(k[:2].ravel().tolist()))
    sampled = values[grid.row, grid.column]
    sampled[~grid.inside] = 0
    return sampled


@lru_cache(maxsize=2)
def _grid(camera: ImageCamera, size: tuple[int, int], of_map: tuple[int, int], k: tuple[float, ...]) -> ImageGrid:
    at = np.nan_to_num(straight_pixels(camera, size, np.reshape([*k, 0.0, 0.0, 1.0], (3, 3))), nan=-1.0)
    column, row = np.moveaxis(np.floor(at).astype(np.int64), -1, 0)
    inside = (column >= 0) & (column < of_map[0]) & (row >= 0) & (row < of_map[1])
    return ImageGrid(np.where(inside, row, 0), np.where(inside, column, 0), inside)
