"""Models of lenses that a calibration can tell: pinhole, Brown with its special cases, and the equidistant fisheye."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import Da3StreamError
from .cameras import intrinsics_matrix

Array = NDArray[np.float64]
Projection = Literal["perspective", "fisheye"]

# COLMAP's models that these two projections hold: the projection, and where each parameter goes
FOCALS = {"f": ("fx", "fy"), "fx": ("fx",), "fy": ("fy",), "cx": ("cx",), "cy": ("cy",)}
BROWN = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")  # OpenCV's and COLMAP's order
FISHEYE = ("k1", "k2", "k3", "k4")
COLMAP_MODELS: dict[str, tuple[Projection, tuple[str, ...]]] = {
    "SIMPLE_PINHOLE": ("perspective", ("f", "cx", "cy")),
    "PINHOLE": ("perspective", ("fx", "fy", "cx", "cy")),
    "SIMPLE_RADIAL": ("perspective", ("f", "cx", "cy", "k1")),
    "RADIAL": ("perspective", ("f", "cx", "cy", "k1", "k2")),
    "OPENCV": ("perspective", ("fx", "fy", "cx", "cy", *BROWN[:4])),
    "FULL_OPENCV": ("perspective", ("fx", "fy", "cx", "cy", *BROWN)),
    "SIMPLE_FISHEYE": ("fisheye", ("f", "cx", "cy")),
    "FISHEYE": ("fisheye", ("fx", "fy", "cx", "cy")),
    "SIMPLE_RADIAL_FISHEYE": ("fisheye", ("f", "cx", "cy", "k1")),
    "RADIAL_FISHEYE": ("fisheye", ("f", "cx", "cy", "k1", "k2")),
    "OPENCV_FISHEYE": ("fisheye", ("fx", "fy", "cx", "cy", *FISHEYE)),
}
MAX_HALF_ANGLE_DEG = 85.0  # of rays from the axis that a pinhole's picture can show
MIN_SLOPE = 0.3  # of the distorted radius over the angle; 1 in the middle
STEPS = 4096  # of the angle, in tables
ROUNDS, MOVE = 100, 1e-10  # of the iterations that undistort points, and the step below which they end


@dataclass(frozen=True)
class CameraModel:
    """A lens: where the ray (x, y, 1) lies in a picture. Pixels, first pixel centre at 0.5.

    "perspective" distorts x and y by Brown's k1, k2, p1, p2, k3, k4, k5, k6 (a rational polynomial; Brown, "Decentering
    distortion of lenses", 1966; as OpenCV's), "fisheye" by k1, k2, k3, k4 of the angle to the axis (Kannala and Brandt,
    "A generic camera model", PAMI 2006; as OpenCV's fisheye). Both polynomials are held in full length, so equal lenses
    are equal values, whatever a file calls them.
    """

    projection: Projection
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = (0.0,) * len(BROWN)

    @staticmethod
    def perspective(fx: float, fy: float, cx: float, cy: float, distortion: tuple[float, ...] = ()) -> CameraModel:
        """With Brown's distortion; coefficients that are left out at the end are 0."""
        return CameraModel("perspective", fx, fy, cx, cy, _padded(distortion, len(BROWN)))

    @staticmethod
    def fisheye(fx: float, fy: float, cx: float, cy: float, distortion: tuple[float, ...] = ()) -> CameraModel:
        """The equidistant fisheye; coefficients that are left out at the end are 0."""
        return CameraModel("fisheye", fx, fy, cx, cy, _padded(distortion, len(FISHEYE)))

    @staticmethod
    def of_matrix(k: Array) -> CameraModel:
        """The pinhole K [3,3]."""
        return CameraModel("perspective", float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))

    @staticmethod
    def from_colmap(name: str, params: tuple[float, ...]) -> CameraModel:
        """COLMAP's model of that name and its parameters. Raises Da3StreamError for one that is not held here."""
        if name not in COLMAP_MODELS:
            raise Da3StreamError(f"the camera model {name} is not known here: {', '.join(COLMAP_MODELS)} are")
        projection, names = COLMAP_MODELS[name]
        if len(params) != len(names):
            raise Da3StreamError(f"the camera model {name} has {len(names)} parameters, not {len(params)}")
        values = {to: value for of, value in zip(names, params, strict=True) for to in FOCALS.get(of, (of,))}
        order = BROWN if projection == "perspective" else FISHEYE
        distortion = tuple(values.get(of, 0.0) for of in order)
        return CameraModel(projection, values["fx"], values["fy"], values["cx"], values["cy"], distortion)

    @property
    def name(self) -> str:
        """COLMAP's name of the smallest of PINHOLE, OPENCV, FULL_OPENCV and OPENCV_FISHEYE that holds the lens."""
        if self.projection == "fisheye":
            return "OPENCV_FISHEYE"
        if any(self.distortion[4:]):
            return "FULL_OPENCV"
        return "OPENCV" if any(self.distortion) else "PINHOLE"

    @property
    def params(self) -> tuple[float, ...]:
        """The parameters of the model `name`, in COLMAP's order."""
        length = {"PINHOLE": 0, "OPENCV": 4}.get(self.name, len(self.distortion))
        return (self.fx, self.fy, self.cx, self.cy, *self.distortion[:length])

    @property
    def is_pinhole(self) -> bool:
        """Whether pictures are free of distortion."""
        return self.projection == "perspective" and not any(self.distortion)

    def matrix(self) -> Array:
        """K [3,3]."""
        return intrinsics_matrix(self.fx, self.fy, self.cx, self.cy)

    def resize(self, old: tuple[int, int], new: tuple[int, int]) -> CameraModel:
        """The lens of pictures resized from (width, height) `old` to `new`."""
        x, y = new[0] / old[0], new[1] / old[1]
        return replace(self, fx=self.fx * x, fy=self.fy * y, cx=self.cx * x, cy=self.cy * y)

    def distorted_radius(self, radius: Array) -> Array:
        """How far from the axis (in focal lengths) rays are seen that are so far from it at depth 1; without p1, p2."""
        powers, k = np.polynomial.polynomial.polyval, self.distortion
        if self.projection == "fisheye":
            angle = np.arctan(radius)
            return np.asarray(angle * powers(angle**2, [1.0, *k]))
        k1, k2, _, _, k3, k4, k5, k6 = k
        square = radius**2
        return np.asarray(radius * powers(square, [1.0, k1, k2, k3]) / powers(square, [1.0, k4, k5, k6]))

    def max_radius(self) -> float:
        """Distance from the axis, at depth 1, up to which rays farther out are seen clearly farther out.

        Beyond it the polynomial folds, or crowds so much that a small error of its coefficients is a large one of the
        angle (MIN_SLOPE): what it says there is no picture of a lens. At most tan(MAX_HALF_ANGLE_DEG).
        """
        angles = np.linspace(0.0, math.radians(MAX_HALF_ANGLE_DEG), STEPS)
        steps = np.diff(self.distorted_radius(np.tan(angles)))
        crowded = np.flatnonzero(~(steps >= MIN_SLOPE * (angles[1] - angles[0])))
        return math.tan(angles[crowded[0] if len(crowded) else -1])

    def tangent(self, distorted: float) -> float:
        """Distance from the axis, at depth 1, of the ray that is seen so far from it (in focal lengths); where none is,
        the largest one (`max_radius`). Without p1, p2."""
        angles = np.linspace(0.0, math.atan(self.max_radius()), STEPS)
        return float(np.interp(distorted, self.distorted_radius(np.tan(angles)), np.tan(angles)))

    def undistort(self, pixels: Array) -> Array:
        """Normalised coordinates [n,2] (x and y at depth 1) of the rays of pixels [n,2]; NaN where no ray is seen there
        before the polynomial folds."""
        import cv2

        k = self.matrix()
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, ROUNDS, MOVE)
        points = np.asarray(pixels, np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.zeros((0, 2))
        if self.projection == "fisheye":
            found = cv2.fisheye.undistortPoints(points, k, np.array(self.distortion), criteria=criteria)[:, 0]
        else:
            found = cv2.undistortPoints(points, k, np.array(self.distortion), criteria=criteria)[:, 0]
        is_seen = np.linalg.norm(self.project(found) - points[:, 0], axis=1) < 0.01  # pixels
        is_seen &= np.hypot(found[:, 0], found[:, 1]) <= self.max_radius()
        return np.where(is_seen[:, None], found, np.nan)

    def straight_maps(self, k: Array, size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where each pixel of a pinhole K [3,3] of (width, height) lies in the lens's picture: x and y [H,W] for
        `cv2.remap`, which has the first pixel centre at 0."""
        import cv2

        shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        make = cv2.fisheye.initUndistortRectifyMap if self.projection == "fisheye" else cv2.initUndistortRectifyMap
        own, still = shift @ self.matrix(), np.eye(3)
        x, y = make(own, np.array(self.distortion), still, shift @ k, size, cv2.CV_32FC1)
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def project(self, normalised: Array) -> Array:
        """Pixels [n,2] of rays by their x and y [n,2] at depth 1. Beyond `max_radius` they mean nothing."""
        import cv2

        rays = np.asarray(normalised, np.float64).reshape(-1, 1, 2)
        if not len(rays):
            return np.zeros((0, 2))
        if self.projection == "fisheye":
            return np.asarray(cv2.fisheye.distortPoints(rays, self.matrix(), np.array(self.distortion))[:, 0])
        points = np.concatenate([rays, np.ones((len(rays), 1, 1))], axis=2)
        still = np.zeros(3)
        return np.asarray(cv2.projectPoints(points, still, still, self.matrix(), np.array(self.distortion))[0][:, 0])


def _padded(distortion: tuple[float, ...], length: int) -> tuple[float, ...]:
    if len(distortion) > length:
        raise Da3StreamError(f"a lens has at most {length} coefficients of distortion here, not {len(distortion)}")
    return tuple(float(k) for k in distortion) + (0.0,) * (length - len(distortion))
