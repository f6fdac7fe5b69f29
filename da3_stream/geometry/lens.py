"""The one lens of a video: pinhole with one radial term, and how well a window knows it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# OpenCV's own five rounds leave half a pixel at the corners of wide lenses
UNTIL = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-6)


@dataclass(frozen=True)
class Lens:
    """Pinhole in pixels (first centre at 0.5) with x_d = x (1 + k1 r^2) in normalised coordinates.

    One term, because that is what single windows agree on: with a second one they trade the two against each other.
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
        """Where the same rays [n,2] would fall without distortion."""
        if not self.k1 or not len(xy):
            return xy.astype(np.float64)
        points = xy.astype(np.float64)[:, None]
        k = self.matrix()
        return cv2.undistortPoints(points, k, self.coefficients(), P=k, criteria=UNTIL)[:, 0]

    def coefficients(self) -> Array:
        """OpenCV's distortion coefficients [4]."""
        return np.array([self.k1, 0.0, 0.0, 0.0])

    def shift_px(self, size: tuple[int, int]) -> float:
        """How far the distortion moves the corner of an image of (width, height), in pixels."""
        return abs(self.k1) * self.corner_gradient(size)

    def corner_gradient(self, size: tuple[int, int]) -> float:
        """Derivative of the corner's shift in pixels after k1."""
        radius = float(np.hypot(size[0] / 2 / self.fx, size[1] / 2 / self.fy))
        return self.fx * radius**3


@dataclass(frozen=True, eq=False)
class LensEstimate:
    """What bundle adjustment said of the lens, with the standard deviations of the focal length and of k1."""

    lens: Lens
    focal_sigma: float
    k1_sigma: float

    def corner_sigma_px(self, size: tuple[int, int]) -> float:
        """Standard deviation of the corner's shift."""
        return self.k1_sigma * self.lens.corner_gradient(size)


class Straightener:
    """Removes a lens's distortion from images of one size; leaves them alone where it is below a third of a pixel."""

    def __init__(self, lens: Lens, size: tuple[int, int]) -> None:
        self._maps = None
        if lens.shift_px(size) > 1 / 3:
            shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV's first pixel centre is at 0
            k = shift @ lens.matrix()
            self._maps = cv2.initUndistortRectifyMap(k, lens.coefficients(), None, k, size, cv2.CV_32FC1)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image [H,W] or [H,W,3] as a pinhole camera would have seen it."""
        if self._maps is None:
            return image
        return cv2.remap(image, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
