"""A curve through cameras, gone along at constant speed.

Centres and quaternions lie on one centripetal Catmull-Rom spline (Yuksel, Schaefer, Keyser, "Parameterization and
applications of Catmull-Rom curves", 2011), which has no cusps between its knots; intrinsics change in proportion.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..types import Float64
from .path import CameraPath

TURNING = 0.1  # of the median depth: a turn counts as the way of a point at this distance
_SAME = 1e-6  # of the median depth: cameras that are nearer to each other are one knot
_PER_GAP, _PER_STEP = 32, 8  # samples to measure the curve with, at least


def at_constant_speed(cameras: CameraPath, count: int, median_depth: float) -> CameraPath:
    """`count` cameras on the curve through cameras, from the first to the last, in equal steps.

    A step is the way of the centre or, where the camera turns more than it moves, that of a point beside it at
    `TURNING` of the median depth. Cameras that stay where they were count once; if all do, the path stands still.
    """
    knots = _without_repetitions(cameras, median_depth)
    if len(knots) == 1 or count == 1:
        return cameras.rows(np.zeros(count, np.int64))
    curve = _Curve(knots, _steps(knots, median_depth))
    gaps = len(knots) - 1
    dense = np.linspace(0, gaps, max(_PER_GAP * gaps, _PER_STEP * count) + 1)
    way = np.concatenate([[0.0], np.cumsum(_steps(curve.at(dense), median_depth))])
    return curve.at(np.interp(np.linspace(0, way[-1], count), way, dense))


def _steps(cameras: CameraPath, median_depth: float) -> Float64:
    """The ways [N-1] from each camera to the next."""
    moved = np.linalg.norm(np.diff(cameras.centres, axis=0), axis=1)
    turned = (
        Rotation.from_matrix(cameras.rotations[:-1]).inv() * Rotation.from_matrix(cameras.rotations[1:])
    ).magnitude()
    return np.maximum(moved, TURNING * median_depth * turned)


def _without_repetitions(cameras: CameraPath, median_depth: float) -> CameraPath:
    if len(cameras) == 1:
        return cameras
    is_new = np.concatenate([[True], _steps(cameras, median_depth) > _SAME * median_depth])
    return cameras.rows(np.flatnonzero(is_new))


class _Curve:
    """The spline through knots, by places from 0 (the first knot) to N-1 (the last)."""

    def __init__(self, knots: CameraPath, steps: Float64) -> None:
        self._knots = knots
        self._values = np.hstack([knots.centres, _continuous_quaternions(knots.rotations)])
        self._lengths = np.sqrt(steps)[:, None]  # centripetal
        self._slopes = _slopes(self._values, self._lengths)

    def at(self, places: Float64) -> CameraPath:
        """The cameras at these places [M]."""
        left = np.clip(places.astype(np.int64), 0, len(self._knots) - 2)
        t = (places - left)[:, None]
        values, length = self._values, self._lengths[left]
        ends = (1 + 2 * t) * (1 - t) ** 2 * values[left] + t**2 * (3 - 2 * t) * values[left + 1]
        bends = t * (1 - t) ** 2 * self._slopes[left] - t**2 * (1 - t) * self._slopes[left + 1]
        found = ends + length * bends
        k = self._knots.intrinsics
        mixed = (1 - t[..., None]) * k[left] + t[..., None] * k[left + 1]
        rotations = Rotation.from_quat(found[:, 3:]).as_matrix()
        return CameraPath(np.zeros((len(t), 4, 4)), mixed, self._knots.size).moved(rotations, found[:, :3])


def _slopes(values: Float64, lengths: Float64) -> Float64:
    """Derivatives [N,C] at knots: of the parabola through three of them, of the line at the ends."""
    secants = np.diff(values, axis=0) / lengths
    before, behind = lengths[:-1], lengths[1:]
    inner = (behind * secants[:-1] + before * secants[1:]) / (before + behind)
    return np.concatenate([secants[:1], inner, secants[-1:]])


def _continuous_quaternions(rotations: Float64) -> Float64:
    """Quaternions [N,4], each of the sign that is nearer to the one before."""
    quaternions = Rotation.from_matrix(rotations).as_quat()
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0
    signs = np.cumprod(np.where(np.concatenate([[False], flips]), -1.0, 1.0))
    return quaternions * signs[:, None]
