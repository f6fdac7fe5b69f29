"""The planes of a cloud, largest first: random samples of neighbours, then the inliers' own plane.

Fischler and Bolles, "Random sample consensus" (1981); samples of neighbours as in Myatt et al., "NAPSAC" (2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..types import Float64

MOST_POINTS = 12_000  # more tell no more of large planes
_TRIALS, _SCORED = 500, 3000  # triples tried, and points that each is tried on
_NEIGHBOURS = 0.02  # share of the points from which a triple is drawn: the nearest to its first
_THICKNESS = 0.01  # of a plane, in the cloud's own size
_SMALLEST = 0.05  # share of the points
_BENT_DEG = 0.6  # depth is bent by so much over all points, and more over the root of a share of them


@dataclass(frozen=True, eq=False)
class Plane:
    """Points p with normal @ p = offset, about; unit normal [3]."""

    normal: Float64
    offset: float
    share: float  # of the points that lie on it
    sigma_deg: float  # of its normal, along each axis
    above: float  # share of the points beyond its thickness on the side of the normal
    below: float  # and on the other one


def find_planes(points: Float64, most: int = 4) -> list[Plane]:
    """Planes through points [M,3], largest first; [] where no twentieth of the points lies on one. Equal points give
    equal planes."""
    points = points[np.isfinite(points).all(axis=1)]
    rng = np.random.default_rng(0)
    if len(points) > MOST_POINTS:
        points = points[rng.choice(len(points), MOST_POINTS, replace=False)]
    if len(points) < 50:
        return []
    thickness = _THICKNESS * _size(points)
    rest, planes = points, list[Plane]()
    while len(planes) < most and len(rest) > max(_SMALLEST * len(points), 50) and thickness > 0:
        normal, offset, inliers = _largest_plane(rest, thickness, rng)
        if inliers.sum() < _SMALLEST * len(points):
            break
        planes.append(_described(points, normal, offset, rest[inliers], thickness))
        rest = rest[~inliers]
    return planes


def _size(points: Float64) -> float:
    """Half of the points lie within so much of their median."""
    return float(np.median(np.linalg.norm(points - np.median(points, axis=0), axis=1)))


def _largest_plane(points: Float64, thickness: float, rng: np.random.Generator) -> tuple[Float64, float, np.ndarray]:
    """Normal, offset and inliers [M] of the plane of most points, fitted to them."""
    normals, offsets = _trials(points, rng)
    scored = points[rng.choice(len(points), min(_SCORED, len(points)), replace=False)]
    counts = (np.abs(scored @ normals.T - offsets) < thickness).sum(axis=0)
    normal, offset = normals[counts.argmax()], float(offsets[counts.argmax()])
    for _ in range(4):
        inliers = np.abs(points @ normal - offset) < thickness
        if inliers.sum() < 3:
            break
        normal, offset = _fit(points[inliers])
    return normal, offset, np.abs(points @ normal - offset) < thickness


def _trials(points: Float64, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Normals [T,3] and offsets [T] through triples of neighbours."""
    near = max(int(_NEIGHBOURS * len(points)), 10)
    first = rng.choice(len(points), _TRIALS)
    neighbours = cKDTree(points).query(points[first], min(near, len(points)))[1]
    pick = np.sort(rng.integers(near // 4, neighbours.shape[1], (_TRIALS, 2)), axis=1)
    b, c = (points[np.take_along_axis(neighbours, pick[:, k : k + 1], axis=1)[:, 0]] for k in range(2))
    normals = np.cross(b - points[first], c - points[first])
    lengths = np.linalg.norm(normals, axis=1)
    good = lengths > 1e-12 * max(_size(points), 1e-300) ** 2
    normals = normals[good] / lengths[good, None]
    normals, first = (normals, first[good]) if len(normals) else (np.array([[0.0, 0.0, 1.0]]), first[:1])
    return normals, np.einsum("tk,tk->t", normals, points[first])


def _fit(points: Float64) -> tuple[Float64, float]:
    """The plane of least squares: its normal, and its offset."""
    middle = points.mean(axis=0)
    normal = np.linalg.eigh((points - middle).T @ (points - middle))[1][:, 0]
    return normal, float(normal @ middle)


def _described(points: Float64, normal: Float64, offset: float, inliers: Float64, thickness: float) -> Plane:
    """The plane with its sides, and the uncertainty of its normal: by the narrower extent of what lies on it."""
    distance = points @ normal - offset
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(inliers.T)), 0.0))  # ascending: across, narrow, long
    fitted_deg = np.degrees(spread[0] / max(spread[1] * np.sqrt(len(inliers)), 1e-300))
    share = len(inliers) / len(points)
    return Plane(
        normal,
        offset,
        share,
        float(np.hypot(fitted_deg, _BENT_DEG / np.sqrt(share))),
        float((distance > thickness).mean()),
        float((distance < -thickness).mean()),
    )
