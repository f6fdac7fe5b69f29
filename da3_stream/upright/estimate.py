"""The direction that points up, estimated from cameras, their path and the planes of the scene, with its uncertainty.

Nothing measures gravity. The pieces of evidence (evidence.py) are multiplied over the sphere of directions; around each
of their maxima the product is taken for a Gaussian (Laplace's method), and the sign is decided apart (sign.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..geometry.robust_statistics import mad_sigma, tukey_weights
from ..types import Float64
from .circled import circled
from .evidence import LEVELNESS_DEG, CameraEvidence, PathEvidence, PlaneEvidence
from .maxima import WIDEST, LogLikelihood, best_direction, covariance, maxima, tangents_of
from .planes import Plane, find_planes
from .sign import level_plane, plane_odds, points_odds, upright_odds

_DRAWS = 500  # from each maximum's Gaussian
_LEAST_ROLL, _ANY_ROLL = np.radians(1.0), np.radians(10.0)  # variation of the roll: at least, and before it is known
_ROUGHLY_DEG = 30.0  # from the truth, of a direction that people give
_SAME = 0.01  # sigma: directions that are nearer to each other are one
_BENT_DEG = 0.8  # of a world: however many cameras agree, it is not straighter
_WITHIN_95 = np.sqrt(np.log(20.0))  # rms of a Gaussian in two dimensions to the radius that holds 95 %


_NEAR = np.radians(10.0)  # of a direction that is known roughly

Evidence = CameraEvidence | PathEvidence | PlaneEvidence


@dataclass(frozen=True, eq=False)
class Up:
    """A unit vector [3] that points up in the coordinates of what it was estimated from.

    `sigma_deg` is the root mean square of the angle to the truth, taken from the angle that 95 of 100 estimates are
    within, as if errors were Gaussian; the sign is not in it, but in `sign_probability`.
    """

    direction: Float64
    sigma_deg: float
    source: str  # "map", "cameras", "cameras and plane", "plane", "given" or "nothing"
    sign_probability: float = 1.0
    floor: float | None = None  # p @ direction of the points p of the level plane, if there is one

    def opposite(self) -> Up:
        """The same axis, with the other sign."""
        floor = None if self.floor is None else -self.floor
        return replace(self, direction=-self.direction, sign_probability=1 - self.sign_probability, floor=floor)


def estimate_up(world_from_camera: Float64, points: Float64 | None = None) -> Up:
    """Up of a world with cameras [N,4,4] (OpenCV axes) and, if known, points [M,3]; rows with NaN do not count.

    Without cameras the largest plane is taken to be level. Without any of both up is against the y axis, and little is
    known: sigma_deg tells.
    """
    poses = world_from_camera[np.isfinite(world_from_camera).all(axis=(1, 2))]
    if points is not None:
        points = np.asarray(points, np.float64)[np.isfinite(points).all(axis=1)]
    planes = [] if points is None else find_planes(points)
    if not len(poses):
        return _up_of_points(planes)
    cameras = CameraEvidence(poses[:, :3, :3], np.full(len(poses), 1 / len(poses)), 1.0, _ANY_ROLL**2)
    others: list[Evidence] = [PathEvidence.of(poses[:, :3, 3], _distance(poses, points)), PlaneEvidence(planes)]
    candidates = _candidates(poses, planes)
    for _ in range(2):
        cameras = _weighted(cameras, best_direction(_product([cameras, *others]), candidates))
    axis, sigma_deg = _axis(_product([cameras, *others]), candidates)
    return _signed(axis, sigma_deg, poses, planes)


def given_up(direction: Float64, points: Float64) -> Up:
    """Up where it is known roughly: the normal of the largest plane through points [M,3] within some degrees of the
    unit vector `direction`, or that itself where there is none."""
    floor = level_plane(find_planes(points), direction, _ROUGHLY_DEG)
    if floor is None:
        return Up(direction, 0.0, "given")
    return _up_of_plane(floor, floor.normal * np.sign(floor.normal @ direction), 1.0)


def _up_of_points(planes: list[Plane]) -> Up:
    """The normal of the largest plane, which is taken to be level, to the side where more points are."""
    if not planes:
        return Up(np.array([0.0, -1.0, 0.0]), float(np.degrees(WIDEST)), "nothing", 0.5)
    odds = points_odds(planes[0], planes[0].normal)
    up = _up_of_plane(planes[0], planes[0].normal, _probability(odds))
    return up if odds >= 0 else up.opposite()


def _up_of_plane(floor: Plane, axis: Float64, sign_probability: float) -> Up:
    sigma_deg = float(np.hypot(floor.sigma_deg, LEVELNESS_DEG) * np.sqrt(2))
    return Up(axis, sigma_deg, "plane", sign_probability, _height(floor, axis))


def _signed(axis: Float64, sigma_deg: float, poses: Float64, planes: list[Plane]) -> Up:
    floor = level_plane(planes, axis)
    odds = upright_odds(poses[:, :3, :3], axis)
    if floor is not None:
        odds += plane_odds(floor, poses, axis, circled(poses))
    source = "cameras" if floor is None else "cameras and plane"
    up = Up(axis, sigma_deg, source, _probability(odds), _height(floor, axis))
    return up if odds >= 0 else up.opposite()


def _height(floor: Plane | None, axis: Float64) -> float | None:
    return None if floor is None else floor.offset * float(np.sign(floor.normal @ axis))


def _probability(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


def _distance(poses: Float64, points: Float64 | None) -> float | None:
    """Of what is seen, about: the median distance of points [M,3] from a camera; None without points."""
    if points is None or not len(points):
        return None
    few = poses[np.unique(np.linspace(0, len(poses) - 1, 20).astype(int)), :3, 3]
    some = points[np.unique(np.linspace(0, len(points) - 1, 1000).astype(int))]
    return float(np.median(np.linalg.norm(some[:, None] - few, axis=2).min(axis=1)))


def _weighted(cameras: CameraEvidence, up: Float64) -> CameraEvidence:
    """The same without cameras that are rolled unlike the others, with the variance of the roll and the number of
    independent ones: neighbours in time share their roll (an autoregressive process of first order)."""
    roll = cameras.roll(up)
    middle = float(np.median(roll))
    weights = tukey_weights(roll - middle, max(mad_sigma(roll, middle), np.radians(1.0)))
    weights /= weights.sum()
    deviations = roll - weights @ roll
    kept = deviations * (weights > 0)
    shared = min(max(float(kept[1:] @ kept[:-1]) / max(float(kept @ kept), len(kept) * 1e-12), 0.0), 1.0)
    independent = (1 - shared) / (1 + shared) / np.sum(weights**2)
    kept_cameras = replace(cameras, weights=weights, independent=max(float(independent), 1.0))
    return replace(kept_cameras, variance=max(kept_cameras.least_variance(up, _NEAR), _LEAST_ROLL**2))


def _product(pieces: Sequence[Evidence]) -> LogLikelihood:
    return lambda up: sum((piece.log(up) for piece in pieces), np.zeros(len(up)))


def _candidates(poses: Float64, planes: list[Plane]) -> Float64:
    """Directions [K,3] at which maxima may be: those that the evidence names, which are exact where it is."""
    path = np.linalg.eigh(np.cov(poses[:, :3, 3].T, bias=True))[1].T
    means = poses[:, :3, :3].mean(axis=0).T
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means = means[lengths[:, 0] > 1e-6] / lengths[lengths[:, 0] > 1e-6]
    return np.concatenate([poses[0, :3, :3].T, means, path, np.array([p.normal for p in planes]).reshape(-1, 3)])


def _axis(log: LogLikelihood, candidates: Float64) -> tuple[Float64, float]:
    """The best direction, and the sigma of its axis."""
    found = maxima(log, candidates)
    best = found[0][1]
    draws, weights = list[Float64](), list[Float64]()
    normal = np.random.default_rng(0).normal(size=(_DRAWS, 2))
    for value, direction in found:
        tangents, spread = tangents_of(direction), covariance(log, direction)
        moved = direction + normal @ np.linalg.cholesky(spread).T @ tangents
        draws.append(moved / np.linalg.norm(moved, axis=1, keepdims=True))
        weights.append(np.full(_DRAWS, np.exp(value - found[0][0])))
    cosine = np.minimum(np.abs(np.concatenate(draws) @ best), 1.0)
    angle, weight = np.degrees(np.arccos(cosine)), np.concatenate(weights)
    order = np.argsort(angle)
    share = np.cumsum(weight[order]) / weight.sum()
    sigma_deg = float(np.hypot(angle[order][np.searchsorted(share, 0.95)] / _WITHIN_95, _BENT_DEG))
    return _named(best, candidates, sigma_deg), sigma_deg


def _named(axis: Float64, candidates: Float64, sigma_deg: float) -> Float64:
    """The first candidate that cannot be told from the axis: level cameras then have exact axes, not nearly exact."""
    cosine = candidates @ axis
    same = np.abs(cosine) > np.cos(np.radians(_SAME * sigma_deg))
    return candidates[same][0] * np.sign(cosine[same][0]) if same.any() else axis
