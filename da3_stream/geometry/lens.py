"""Lens model of a video (pinhole with one radial term), its uncertainty, and undistortion of points and images."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .cameras import unit_rays
from .masks import Mask

Array = NDArray[np.float64]
# OpenCV's own five rounds leave half a pixel at the corners of wide lenses
UNTIL = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-6)


@dataclass(frozen=True)
class Lens:
    """Pinhole in pixels (first centre at 0.5) with x_d = x (1 + k1 r^2) in normalised coordinates.

    There is one term because a second is not determined by single windows: its estimate correlates with the first.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0

    @staticmethod
    def from_matrix(k: Array) -> Lens:
        """The lens without distortion of K [3,3]."""
        return Lens(float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))

    def matrix(self) -> Array:
        """K [3,3]."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def undistort(self, xy: NDArray[np.float32]) -> Array:
        """Pixels [n,2] of the same rays without distortion."""
        if not self.k1 or not len(xy):
            return xy.astype(np.float64)
        points = xy.astype(np.float64)[:, None]
        k = self.matrix()
        return cv2.undistortPoints(points, k, self.coefficients(), P=k, criteria=UNTIL)[:, 0]

    def normalised(self, straight: Array) -> Array:
        """Normalised coordinates [n,2] (x and y at depth 1) of pixels [n,2] that are free of distortion."""
        return (straight - [self.cx, self.cy]) / [self.fx, self.fy]

    def rays(self, xy: NDArray[np.float32]) -> Array:
        """Viewing rays [n,3] of length 1 of pixels [n,2]."""
        return unit_rays(self.normalised(self.undistort(xy)))

    def coefficients(self) -> Array:
        """OpenCV's distortion coefficients [4]."""
        return np.array([self.k1, 0.0, 0.0, 0.0])

    def shift_px(self, size: tuple[int, int]) -> float:
        """How far the distortion moves the corner of an image of (width, height), in pixels."""
        return abs(self.k1) * self.corner_gradient(size)

    def corner_gradient(self, size: tuple[int, int]) -> float:
        """Derivative of the corner's shift in pixels with respect to k1."""
        radius = float(np.hypot(size[0] / 2 / self.fx, size[1] / 2 / self.fy))
        return self.fx * radius**3


@dataclass(frozen=True, eq=False)
class LensEstimate:
    """A lens estimated by bundle adjustment, with the standard deviations of its focal length (pixels) and of k1, and
    their correlation."""

    lens: Lens
    focal_sigma: float
    k1_sigma: float
    correlation: float = 0.0

    def given_k1(self, k1: float) -> LensEstimate:
        """What the same adjustment says of the focal length where k1 is known: the conditional normal distribution."""
        if not self.k1_sigma:
            return self
        moved = self.correlation * self.focal_sigma / self.k1_sigma * (k1 - self.lens.k1)
        factor = max(1.0 + moved / self.lens.fx, 0.1)
        lens = Lens(self.lens.fx * factor, self.lens.fy * factor, self.lens.cx, self.lens.cy, k1)
        return LensEstimate(lens, self.focal_sigma * float(np.sqrt(max(1.0 - self.correlation**2, 0.0))), 0.0)

    def corner_sigma_px(self, size: tuple[int, int]) -> float:
        """Standard deviation of the corner's shift in pixels, of an image of (width, height)."""
        return self.k1_sigma * self.lens.corner_gradient(size)


class Straightener:
    """Undistorts images of one size; returns them unchanged if the distortion is below a third of a pixel."""

    def __init__(self, lens: Lens, size: tuple[int, int]) -> None:
        self._maps, self._size = None, size
        if lens.shift_px(size) > 1 / 3:
            shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV's first pixel centre is at 0
            k = shift @ lens.matrix()
            self._maps = cv2.initUndistortRectifyMap(k, lens.coefficients(), None, k, size, cv2.CV_32FC1)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image [H,W] or [H,W,3] as a pinhole camera would have seen it."""
        if self._maps is None:
            return image
        return cv2.remap(image, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def seen(self) -> Mask | None:
        """Which pixels [H,W] of the straight image the lens saw; the others repeat those of the rim. None where it saw
        all."""
        if self._maps is None:
            return None
        (x, y), (width, height) = self._maps, self._size
        seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        return None if seen.all() else seen

    def mask(self, mask: Mask) -> Mask:
        """The mask [H,W] of the image after that: a pixel counts where everything counts that it is made of."""
        if self._maps is None:
            return mask
        return self(mask.astype(np.uint8) * np.uint8(255)) == 255
