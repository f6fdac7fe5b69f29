"""The image patch of the road ahead of a camera, and its warp into another frame by the homography of a plane.

A plane is the vector p = n / h [3] in a camera's axes, n its unit normal (down) and h the camera's height over it: a
ray r with z = 1 meets it at inverse depth p . r. A camera at x' = R x + t sees that point in the direction
R r + (p . r) t (the homography of a plane; Hartley and Zisserman, "Multiple View Geometry", 13.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Float32, Float64
from .normalized_frames import NormalizedFrames

HALF_WIDTH = 1.1  # camera heights to either side: a lane, less its borders
MAX_AHEAD = 25.0  # camera heights ahead
MIN_PIXELS = 100
MIN_INSIDE = 0.4  # share of the patch's pixels that must fall inside the other frame
_CENTRE, _CROSS = ((0.0, 0.0),), ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))


@dataclass(frozen=True, eq=False)
class Patch:
    """The P pixels of a frame in which the road is expected."""

    frame: int
    rays: Float64  # [P,3], z = 1
    values: Float64  # [P]


@dataclass(frozen=True, eq=False)
class WarpedPatch:
    """A patch warped into a target frame by a plane: the Q of its P pixels that fall inside the target."""

    inside: NDArray[np.bool_]  # [P]
    rays: Float64  # [Q,3] in the target's axes, not normalised
    image: Float32  # [H,W] of the target
    x: Float64  # [Q] of the warped pixels
    y: Float64  # [Q]

    @cached_property
    def values(self) -> Float64:
        """[Q] of the target at the warped pixels."""
        return _samples(self.image, self.x, self.y, _CENTRE)[:, 0]

    @property
    def gradient(self) -> Float64:
        """[Q,2] of the target there, per pixel."""
        around = _samples(self.image, self.x, self.y, _CROSS)
        return around[:, ::2] - around[:, 1::2]


def road_patch(frames: NormalizedFrames, frame: int, pitch: float, most: int) -> Patch:
    """The road's pixels in a frame, about `most` at most, for a camera pitched down by `pitch` (rad) without roll."""
    k, image = frames.intrinsics[frame], frames.image(frame)
    height, width = image.shape
    x, y = (np.arange(width) + 0.5 - k[0, 2]) / k[0, 0], (np.arange(height) + 0.5 - k[1, 2]) / k[1, 1]
    down = np.cos(pitch) * y + np.sin(pitch)  # camera heights per depth
    row, column = np.nonzero((down > 1 / MAX_AHEAD)[:, None] & (np.abs(x) < HALF_WIDTH * down[:, None]))
    stride = max(1, int(np.ceil(len(row) / most)))
    row, column = row[::stride], column[::stride]
    rays = np.stack([x[column], y[row], np.ones(len(row))], axis=1)
    return Patch(frame, rays, image[row, column].astype(np.float64))


def warp_patch(frames: NormalizedFrames, patch: Patch, plane: Float64, target: int) -> WarpedPatch | None:
    """The patch in frame `target` if it lies in `plane` (p [3]); None where too few of its pixels fall inside."""
    rotation, translation = frames.target_from_reference(patch.frame, target)
    rays = patch.rays @ rotation.T + (patch.rays @ plane)[:, None] * translation
    k, image = frames.intrinsics[target], frames.image(target)
    z = np.where(rays[:, 2] > 1e-6, rays[:, 2], np.nan)
    x, y = k[0, 0] * rays[:, 0] / z + k[0, 2], k[1, 1] * rays[:, 1] / z + k[1, 2]
    height, width = image.shape
    inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    if inside.sum() < max(MIN_PIXELS, MIN_INSIDE * len(patch.rays)):
        return None
    return WarpedPatch(inside, rays[inside], image, x[inside], y[inside])


def warped_ncc(frames: NormalizedFrames, patch: Patch, plane: Float64, target: int) -> float:
    """Normalised cross-correlation of a patch with frame `target` under a plane; 0 where few pixels fall inside."""
    warped = warp_patch(frames, patch, plane, target)
    return ncc(patch.values[warped.inside], warped.values) if warped else 0.0


def ncc(a: Float64, b: Float64) -> float:
    """Normalised cross-correlation of values [Q] and [Q]; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-9 else 0.0


def _samples(image: Float32, x: Float64, y: Float64, offsets: Sequence[tuple[float, float]]) -> Float64:
    """Image values [Q,n] at pixels moved by each of the offsets (x, y)."""
    moved = np.array(offsets) - 0.5  # OpenCV counts from the first pixel's centre
    u, v = (x[:, None] + moved[:, 0]).astype(np.float32), (y[:, None] + moved[:, 1]).astype(np.float32)
    return cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
