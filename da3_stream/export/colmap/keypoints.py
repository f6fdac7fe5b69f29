"""SIFT keypoints of an image, with the depth that lies under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...types import Float32, Float64, UInt8
from ..images.camera import ImageCamera

if TYPE_CHECKING:
    from ...geometry.masks import Mask

MAX_SIDE_PX = 1600  # of the image in which keypoints are detected: beyond, they only cost time
MAX_DEPTH_STEP = (
    0.1  # relative, from a keypoint's depth to the pixels around it: beyond, it lies on an edge and gets none
)


@dataclass(frozen=True, eq=False)
class KeypointsWithDepth:
    """The n keypoints of an image. Depth is NaN where none is reliable. Several keypoints, of different orientations or
    scales, may lie at one location."""

    xy: Float32  # [n,2] in pixels of the image, first pixel centre at 0.5
    rays: Float64  # [n,2] the same as normalized coordinates of a pinhole: x and y at depth 1
    location: NDArray[np.int64]  # [n] 0, 1, ...: equal for keypoints at one location
    descriptors: UInt8  # [n,128]
    rgb: UInt8  # [n,3]
    depth: Float32  # [n] along z, in world units
    focal: float  # pixels
    size: tuple[int, int]  # (width, height)

    def __len__(self) -> int:
        return len(self.xy)


def detect_keypoints(
    image: UInt8, camera: ImageCamera, depth: DepthMap | None, mask: Mask | None = None
) -> KeypointsWithDepth:
    """Keypoints of an image [H,W,3] that `camera` took, where its mask (of any size) lets it count; without a depth map
    none has depth."""
    xy, descriptors = _sift(image, mask)
    rays = camera.rays(xy)
    if not (is_seen := np.isfinite(rays).all(axis=1)).all():
        xy, descriptors, rays = xy[is_seen], descriptors[is_seen], rays[is_seen]
    column, row = np.minimum(xy.astype(np.int64), np.array(camera.size) - 1).T
    under = np.full(len(xy), np.nan, np.float32) if depth is None else depth.at_rays(rays)
    return KeypointsWithDepth(
        xy, rays, _locations(xy), descriptors, image[row, column], under, camera.lens.fx, camera.size
    )


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Depth [H,W] of a pinhole K [3,3], 0 or NaN where none is reliable."""

    depth: Float32
    k: Float64

    @staticmethod
    def confident(depth: Float32, confidence: Float32, k: Float64, share: float) -> DepthMap:
        """The depth without its least confident pixels, a share of those that have depth."""
        known = (depth > 0) & (confidence > 0)
        least = np.quantile(confidence[known], share) if known.any() else 0.0
        return DepthMap(np.where(known & (confidence >= least), depth, np.float32(0)), k)

    def at_rays(self, rays: Float64) -> Float32:
        """Depth [n] at the pixel nearest to each ray [n,2]; NaN outside, where it is missing, and at edges of depth."""
        height, width = self.depth.shape
        pixel = rays * [self.k[0, 0], self.k[1, 1]] + self.k[:2, 2]
        column, row = np.floor(np.nan_to_num(pixel, nan=-1.0)).astype(np.int64).T
        inside = (column >= 1) & (column < width - 1) & (row >= 1) & (row < height - 1)
        around = self._around(np.where(inside, row, 1), np.where(inside, column, 1)) if min(width, height) > 2 else None
        if around is None:
            return np.full(len(rays), np.nan, np.float32)
        known = np.where(around > 0, around, np.float32(np.nan))
        middle = known[:, 4]
        with np.errstate(invalid="ignore"):
            flat = np.nanmax(np.abs(known - middle[:, None]), axis=1, initial=0.0) <= MAX_DEPTH_STEP * middle
        return np.where(inside & flat, middle, np.float32(np.nan))

    def _around(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Float32:
        """Depth [n,9] of pixels and their eight neighbours, row by row: the pixel itself is the fifth."""
        steps = np.mgrid[-1:2, -1:2].reshape(2, 9)
        return self.depth[row[:, None] + steps[0], column[:, None] + steps[1]]


def _sift(image: UInt8, mask: Mask | None) -> tuple[Float32, UInt8]:
    """Positions [n,2] and descriptors [n,128]."""
    import cv2

    from ...geometry.keypoints import extract_keypoints
    from ...geometry.masks import resize_mask

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    factor = min(1.0, MAX_SIDE_PX / max(gray.shape))
    if factor < 1.0:
        gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    scale = np.array([image.shape[1] / gray.shape[1], image.shape[0] / gray.shape[0]])
    size = (gray.shape[1], gray.shape[0])
    keypoints = extract_keypoints([gray], [None if mask is None else resize_mask(mask, size)])[0]
    return (keypoints.xy * scale).astype(np.float32), keypoints.descriptors


def _locations(xy: Float32) -> NDArray[np.int64]:
    """Numbers [n] that are equal for keypoints [n,2] at one location, to a tenth of a pixel."""
    return np.unique(np.round(xy, 1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
