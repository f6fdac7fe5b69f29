"""What speaks for a direction being up: each piece gives a log-likelihood, 0 where it fits, to directions [G,3].

Each is a mixture with what it is when it does not hold (a camera held askew, a path that climbs, a plane that is a
wall), so that no single one can overrule the others. None of them tells up from down; `sign.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..types import Float64
from .planes import Plane

_SIDEWAYS = 0.03  # of recordings: held in portrait mode, and not turned
_ASKEW, _ASKEW_ROLL = 0.02, np.radians(20.0)  # of recordings: held in no steady way, rolled by about so much
_ROLL_BIAS = np.radians(3.0)  # of a mount or a hand, constant over the recording
_SOFT = 0.2  # of the variance: where varying less begins to count for nothing
_FEWEST = 3.0  # independent cameras that a recording counts for where it turns
_PITCH, _STEEP = np.radians(20.0), 0.1  # of the mean view; share of recordings that look anywhere
_SLOPE, _CLIMBS = 0.05, 0.15  # rise of a level path per length; share of paths that climb
_SHORTEST_PATH = 0.3  # in distances of what is seen: a shorter one is a sway
LEVELNESS_DEG, _TAIL = 1.5, 3.0  # of floors and grounds, along each axis; degrees of freedom of Student's t
_LEVEL, _WALL, _SLOPING = 0.5, 0.4, 0.1  # what large planes are


@dataclass(frozen=True, eq=False)
class CameraEvidence:
    """Cameras are held level, mostly: their pictures' horizontal axis is, whatever they look at."""

    rotations: Float64  # [N,3,3] world from camera, OpenCV axes
    weights: Float64  # [N] of cameras, summing to 1
    independent: float  # as many independent cameras would tell as much of the mean roll
    variance: float  # of the roll about its mean, rad²

    def log(self, up: Float64) -> Float64:
        """By roll, of pictures that are upright, lie on their side or are held in no steady way, and by pitch."""
        level, sideways = np.exp(self._roll(up, 0)), np.exp(self._roll(up, 1))
        askew = np.exp(-self._mean_square(up, 0) / (2 * _ASKEW_ROLL**2))
        held = (1 - _ASKEW) * ((1 - _SIDEWAYS) * level + _SIDEWAYS * sideways) + _ASKEW * askew
        ahead = np.exp(-self._mean_square(up, 2) / (2 * _PITCH**2))
        return np.log(held) + np.log((1 - _STEEP) * ahead + _STEEP)

    def least_variance(self, up: Float64, within: float) -> float:
        """The least variance of the roll about directions within so many radians of `up` [3]."""
        second = self._covariances[0]
        across = np.linalg.svd(up[None])[2][1:]
        curved = across @ second @ across.T
        step = -np.linalg.solve(curved + 1e-12 * np.eye(2), across @ second @ up)
        near = up + (step * min(1.0, np.tan(within) / max(float(np.linalg.norm(step)), 1e-300))) @ across
        return float(near @ second @ near / (near @ near))

    def roll(self, up: Float64) -> Float64:
        """Sine of the angle [N] between the pictures' horizontal axes and the plane across `up` [3]."""
        return self.rotations[:, :, 0] @ up

    @cached_property
    def _means(self) -> Float64:
        """Of each axis of the pictures, a row each [3,3]."""
        return np.einsum("n,nij->ji", self.weights, self.rotations)

    @cached_property
    def _covariances(self) -> Float64:
        """Of each axis of the pictures [3,3,3]."""
        centred = self.rotations - self._means.T
        return np.einsum("n,nia,nja->aij", self.weights, centred, centred)

    def _mean_square(self, up: Float64, axis: int) -> Float64:
        """Of the sine of an axis's angle with the level plane [G]."""
        return _quadratic(up, self._covariances[axis]) + (up @ self._means[axis]) ** 2

    def _roll(self, up: Float64, axis: int) -> Float64:
        """Log-likelihood [G] that this axis of the pictures is level, but for a constant roll and a varying one.

        Varying less than it does about the best direction speaks for none: a drone that turns above the ground, and
        a camera that is rolled, see the same motion.
        """
        more = _quadratic(up, self._covariances[axis]) / self.variance - 1
        more = (more + np.sqrt(more**2 + _SOFT**2)) / 2  # not below 0, smoothly
        constant = _ROLL_BIAS**2 + self.variance / self.independent
        turning = max(self.independent, _FEWEST)
        return -((up @ self._means[axis]) ** 2) / (2 * constant) - turning / 2 * np.log1p(more)


@dataclass(frozen=True, eq=False)
class PathEvidence:
    """Cameras travel on a level: wheels do, walkers and orbits nearly."""

    scatter: Float64  # [3,3] of the cameras' centres, of trace 1
    holds: float  # probability that it is a path, not a sway

    @staticmethod
    def of(centres: Float64, distance: float | None) -> PathEvidence:
        """Of centres [N,3], beside the median distance of what is seen (None: not known)."""
        scatter = np.atleast_2d(np.cov(centres.T, bias=True)) if len(centres) > 1 else np.zeros((3, 3))
        extent = float(np.sqrt(np.trace(scatter)))
        if extent == 0.0:
            return PathEvidence(scatter, 0.0)
        reach = 1.0 if not distance else min(extent / (_SHORTEST_PATH * distance), 1.0)
        return PathEvidence(scatter / extent**2, (1 - _CLIMBS) * reach)

    def log(self, up: Float64) -> Float64:
        """By the path's rise per length."""
        rise = np.sqrt(np.maximum(_quadratic(up, self.scatter), 0.0))
        return np.log(self.holds * _student(rise / _SLOPE, 1) + (1 - self.holds) * _CLIMBS)


@dataclass(frozen=True, eq=False)
class PlaneEvidence:
    """Large planes are level, or upright."""

    planes: list[Plane]

    def log(self, up: Float64) -> Float64:
        """By all planes, small ones counting less."""
        total = np.zeros(len(up))
        for plane in self.planes:
            sigma = np.radians(np.hypot(plane.sigma_deg, LEVELNESS_DEG))
            along = np.minimum(np.abs(up @ plane.normal), 1.0)
            level, wall = np.arccos(along) / sigma, np.arcsin(along) / sigma
            fits = _LEVEL * _student(level, 2) + _WALL * _student(wall, 1) + _SLOPING * _CLIMBS
            total += min(1.0, 10 * plane.share) * np.log(fits / _LEVEL)
        return total


def _quadratic(up: Float64, matrix: Float64) -> Float64:
    """u @ matrix @ u [G] for each row u of `up` [G,3]."""
    return np.asarray(np.sum((up @ matrix) * up, axis=1))


def _student(sigmas: Float64, dimensions: int) -> Float64:
    """Student's t of so many sigmas from the middle, 1 there."""
    return (1 + sigmas**2 / _TAIL) ** (-(_TAIL + dimensions) / 2)
