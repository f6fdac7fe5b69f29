"""What cameras circle: the place that their optical axes meet, and how much of it all pictures show whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Float64

_LEAST_ARC_DEG = 60.0  # between the directions from which it is seen
_MISS = 0.25  # distance of the axes from it, in that of the cameras
_LOOKING = 0.8  # share of the cameras that have it before them, near their axis


@dataclass(frozen=True, eq=False)
class Circled:
    """A place in the world [3] that cameras circle, and their distance from it."""

    centre: Float64
    distance: float
    nearest: float  # distance of the nearest cameras: a twentieth is nearer


def circled(world_from_camera: Float64) -> Circled | None:
    """What cameras [N,4,4], of OpenCV's axes, circle; None where they circle nothing.

    The point nearest to all optical axes (least squares, those that pass far from it weighing less), if most of the
    axes pass by it, before the camera, and it is seen from directions that are 60 degrees apart.
    """
    centres, axes = world_from_camera[:, :3, 3], world_from_camera[:, :3, 2]
    if len(centres) < 3:
        return None
    centre = _nearest_point(centres, axes)
    towards = centre - centres
    distance = np.linalg.norm(towards, axis=1)
    if not np.isfinite(centre).all() or not (distance > 0).all():
        return None
    looks = np.einsum("nk,nk->n", towards, axes) / distance > np.cos(np.arctan(_MISS))
    if looks.mean() < _LOOKING or _arc_deg(-towards[looks] / distance[looks, None]) < _LEAST_ARC_DEG:
        return None
    return Circled(centre, float(np.median(distance)), float(np.quantile(distance[looks], 0.05)))


def _nearest_point(centres: Float64, axes: Float64) -> Float64:
    """The point [3] nearest to lines through `centres` [N,3] along `axes` [N,3]; NaN where they are parallel."""
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    weights, point = np.ones(len(centres)), np.full(3, np.nan)
    for _ in range(20):
        normal = np.einsum("n,nij->ij", weights, across)
        if np.linalg.cond(normal) > 1e6:
            return np.full(3, np.nan)
        point = np.linalg.solve(normal, np.einsum("n,nij,nj->i", weights, across, centres))
        miss = np.linalg.norm(np.einsum("nij,nj->ni", across, point - centres), axis=1)
        weights = 1.0 / np.maximum(miss, 0.1 * np.median(miss) + 1e-12 * np.abs(centres).max() + 1e-300)
        weights /= weights.max()
    return point


def _arc_deg(directions: Float64) -> float:
    """The largest angle between two of the directions [N,3], but for the outermost fiftieth of the pairs."""
    few = directions[np.unique(np.linspace(0, len(directions) - 1, 500).astype(int))]
    farthest = np.quantile(few @ few.T, 0.02)
    return float(np.degrees(np.arccos(np.clip(farthest, -1, 1))))
