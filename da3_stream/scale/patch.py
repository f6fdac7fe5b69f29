"""The piece of road ahead of a camera, and how another frame shows it if the road is a given plane.

A plane is the vector p = n / h [3] in a camera's axes, n its unit normal (down) and h the camera's height over it: a
ray r with z = 1 meets it at inverse depth p . r. Another camera, at x' = R x + t, then sees it in the direction
R r + (p . r) t (the homography of a plane; Hartley and Zisserman, "Multiple View Geometry", 13.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import pixel_centres
from ..types import Float32, Float64
from .normalized_frames import NormalizedFrames

HALF_WIDTH = 1.1  # camera heights to either side: a lane, less its borders
FARTHEST = 25.0  # camera heights ahead
MIN_PIXELS = 100
MIN_SHARE = 0.4  # of the patch that the other frame must show
_CROSS = ((0.0, 0.0), (0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))


@dataclass(frozen=True, eq=False)
class Patch:
    """P pixels of a frame in which the road is expected."""

    frame: int
    rays: Float64  # [P,3], z = 1
    values: Float64  # [P]


@dataclass(frozen=True, eq=False)
class WarpedPatch:
    """The pixels of a patch that another frame shows, Q of them, under one plane."""

    seen: NDArray[np.bool_]  # [P]
    rays: Float64  # [Q,3] in the target's axes, not normalised
    values: Float64  # [Q] what the target shows there
    gradient: Float64  # [Q,2] of the target, per pixel


def road_patch(views: NormalizedFrames, frame: int, pitch: float, most: int) -> Patch:
    """At most about `most` pixels under the horizon of a camera pitched down by `pitch` (rad), without roll."""
    k, image = views.intrinsics[frame], views.images[frame]
    pixels = pixel_centres(*image.shape)
    x, y = (pixels[..., 0] - k[0, 2]) / k[0, 0], (pixels[..., 1] - k[1, 2]) / k[1, 1]
    down = np.cos(pitch) * y + np.sin(pitch)  # camera heights per depth
    row, column = np.nonzero((down > 1 / FARTHEST) & (np.abs(x) < HALF_WIDTH * down))
    every = max(1, int(np.ceil(len(row) / most)))
    at = row[::every], column[::every]
    rays = np.stack([x[at], y[at], np.ones(len(at[0]))], axis=1)
    return Patch(frame, rays, image[at].astype(np.float64))


def warp_patch(views: NormalizedFrames, patch: Patch, plane: Float64, target: int) -> WarpedPatch | None:
    """What `target` shows of the patch if it lies in the plane; None where that is too little."""
    rotation, translation = views.target_from_reference(patch.frame, target)
    rays = patch.rays @ rotation.T + (patch.rays @ plane)[:, None] * translation
    k, image = views.intrinsics[target], views.images[target]
    z = np.where(rays[:, 2] > 1e-6, rays[:, 2], np.nan)
    x, y = k[0, 0] * rays[:, 0] / z + k[0, 2], k[1, 1] * rays[:, 1] / z + k[1, 2]
    height, width = image.shape
    seen = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    if seen.sum() < max(MIN_PIXELS, MIN_SHARE * len(patch.rays)):
        return None
    cross = _samples(image, x[seen], y[seen])
    return WarpedPatch(seen, rays[seen], cross[:, 0], cross[:, 1::2] - cross[:, 2::2])


def likeness(views: NormalizedFrames, patch: Patch, plane: Float64, target: int) -> float:
    """Normalised cross-correlation of the patch with what the target shows of it, 0 where that is too little."""
    sight = warp_patch(views, patch, plane, target)
    return ncc(patch.values[sight.seen], sight.values) if sight else 0.0


def ncc(a: Float64, b: Float64) -> float:
    """Of two sets of values [Q]; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-9 else 0.0


def _samples(image: Float32, x: Float64, y: Float64) -> Float64:
    """Values [Q,5] at pixels and half a pixel to the right, left, below and above of them."""
    cross = np.array(_CROSS) - 0.5  # OpenCV counts from the first pixel's centre
    u, v = (x[:, None] + cross[:, 0]).astype(np.float32), (y[:, None] + cross[:, 1]).astype(np.float32)
    return cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
