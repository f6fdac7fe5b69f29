"""The pinhole's view that shows what a lens with distortion saw, and where in its picture each pixel of it lies."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .camera_models import Array, CameraModel
from .cameras import intrinsics_matrix
from .masks import Mask

WIDEST_DEG = 110.0  # of a view that is chosen here, along its longer side: farther out, a pinhole stretches threefold


class StraightMaps(NamedTuple):
    """Where each pixel of a view lies in the lens's picture: x and y [H,W] (first pixel centre at 0, as OpenCV has it),
    and whether it lies in it at all [H,W]."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    valid: Mask


def straight_view(lens: CameraModel, size: tuple[int, int], hfov_deg: float | None = None) -> Array:
    """K [3,3] of the pinhole that shows pictures of (width, height) of a lens straight, at the same size.

    It is the widest in whose row and column through the principal point every pixel was seen by the lens, but no wider
    than WIDEST_DEG, unless that would magnify the middle; with `hfov_deg` it is that wide instead. Where it shows less
    than was seen, it lies evenly amid that. Pixels keep their aspect, fx / fy.
    """
    left, right = (lens.tangent(edge) for edge in (lens.cx / lens.fx, (size[0] - lens.cx) / lens.fx))
    top, bottom = (lens.tangent(edge) for edge in (lens.cy / lens.fy, (size[1] - lens.cy) / lens.fy))
    if hfov_deg is not None:
        scale = size[0] / 2 / math.tan(math.radians(hfov_deg) / 2) / lens.fx
    else:
        useful = min(max(size) / 2 / math.tan(math.radians(WIDEST_DEG) / 2) / lens.fx, 1.0)
        scale = max(size[0] / (left + right) / lens.fx, size[1] / (top + bottom) / lens.fy, useful)
    fx, fy = scale * lens.fx, scale * lens.fy
    return intrinsics_matrix(fx, fy, (size[0] + fx * (left - right)) / 2, (size[1] + fy * (top - bottom)) / 2)


def straight_maps(lens: CameraModel, k: Array, size: tuple[int, int]) -> StraightMaps:
    """The maps of the pinhole's view K [3,3] of pictures of (width, height) of a lens, at the same size."""
    width, height = size
    x, y = lens.straight_maps(k, size)
    across = np.square((np.arange(width) + 0.5 - k[0, 2]) / k[0, 0])
    down = np.square((np.arange(height) + 0.5 - k[1, 2]) / k[1, 1])
    valid = across + down[:, None] < np.square(lens.max_radius())
    valid &= (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    outside = np.float32(-1.0)
    return StraightMaps(np.where(valid, x, outside), np.where(valid, y, outside), valid)
