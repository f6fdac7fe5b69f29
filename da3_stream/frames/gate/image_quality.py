"""Image quality as the gate measures it: sharpness, clipping and contrast, and a thumbnail for tracking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8
from ..image_size import fit_size, size_of
from ..static_mask.scene_motion import find_corners

THUMBNAIL_PX = 160  # longest side of the image that is tracked
DETAIL_PX = 640  # longest side at which sharpness is measured
COARSE_FACTOR = 4  # by which the image is shrunk whose roughness is the reference for sharpness
CLIPPED_LEVELS = (2, 253)  # gray levels; at or beyond them a pixel counts as black or white
BLANK_CONTRAST = 3.0  # gray levels; an image with less shows nothing: black, white, fog, a covered lens
MAX_CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX = 200, 0.01, 4


@dataclass(frozen=True, eq=False)
class ImageQuality:
    """The measured quality of an image, and the thumbnail that tracking uses.

    `sharpness` is the standard deviation of the image's Laplacian divided by that of a smaller copy: contrast and
    brightness cancel, blur does not. `clipped` is the share of black or white pixels, `contrast` the standard deviation
    of the gray levels.
    """

    thumbnail: UInt8  # [h,w]
    sharpness: float
    clipped: float
    contrast: float
    mask: UInt8 | None = None  # [h,w] of the thumbnail, 0 on what goes with the camera and around it

    @property
    def is_blank(self) -> bool:
        """Whether the image has too little contrast to show anything."""
        return self.contrast < BLANK_CONTRAST

    @cached_property
    def corners(self) -> NDArray[np.float32]:
        """Corners [n,1,2] of the thumbnail that can be tracked (Shi and Tomasi 1994)."""
        import cv2

        corners = cv2.goodFeaturesToTrack(
            self.thumbnail, MAX_CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX, mask=self.mask
        )
        return np.zeros((0, 1, 2), np.float32) if corners is None else corners

    @cached_property
    def tile_corners(self) -> NDArray[np.float32]:
        """Corners [n,2] of the thumbnail, the strongest ones of each of its tiles."""
        corners = find_corners(self.thumbnail)
        if self.mask is None:
            return corners
        x, y = corners.astype(np.int64).T
        return corners[self.mask[y, x] > 0]

    def where_both_count(self, other: ImageQuality) -> ImageQuality:
        """This image's corners alone that also lie where another image counts; itself if that takes nothing away."""
        if other.mask is None or (self.mask is not None and not (self.mask > other.mask).any()):
            return self
        both = other.mask if self.mask is None else self.mask & other.mask
        return replace(self, mask=both) if both.any() else self


def measure_quality(image: UInt8, mask: NDArray[np.bool_] | None = None) -> ImageQuality:
    """Measure an image [H,W,3] RGB where its mask [H,W] lets it count; takes about a millisecond at 640x480."""
    import cv2

    gray = _shrink(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), DETAIL_PX)
    thumbnail = _shrink(gray, THUMBNAIL_PX)
    clipped = (thumbnail <= CLIPPED_LEVELS[0]) | (thumbnail >= CLIPPED_LEVELS[1])
    coarse = _shrink(gray, max(gray.shape) // COARSE_FACTOR)
    if mask is None:
        sharpness = _roughness(gray) / max(_roughness(coarse), 1e-6)
        return ImageQuality(thumbnail, sharpness, float(clipped.mean()), float(thumbnail.std()))
    fine, rough, small = (_counting(mask, part) for part in (gray, coarse, thumbnail))
    sharpness = _roughness(gray, fine) / max(_roughness(coarse, rough), 1e-6)
    counts = small > 0
    return ImageQuality(thumbnail, sharpness, float(clipped[counts].mean()), float(thumbnail[counts].std()), small)


def _counting(mask: NDArray[np.bool_], image: UInt8) -> UInt8:
    """The mask at the size of a smaller image [h,w], 1 where that counts, with a margin that filters do not cross.

    All of it counts where else nothing would.
    """
    import cv2

    share = cv2.resize(mask.astype(np.uint8) * 255, size_of(image), interpolation=cv2.INTER_AREA)
    counts = cv2.erode((share > 250).astype(np.uint8), np.ones((5, 5), np.uint8))
    return counts if counts.any() else np.ones_like(counts)


def _shrink(gray: UInt8, longest: int) -> UInt8:
    import cv2

    size = fit_size(size_of(gray), longest)
    return gray if size == size_of(gray) else cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def _roughness(gray: UInt8, counting: UInt8 | None = None) -> float:
    import cv2

    return float(cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S), mask=counting)[1][0, 0])
