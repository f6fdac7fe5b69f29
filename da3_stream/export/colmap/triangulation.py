"""Points from their observations: where the rays meet best, without the observations that do not fit.

Gauss-Newton on the reprojection error with Cauchy weights, all points of a chunk at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float32, Float64, UInt8
from .tracks import Observations, Tracks

LEAST = 3  # pictures that must see a point
LOSS_PX = 1.0
STEPS = 10
DAMPING = 1e-6  # of the diagonal
WORST_PX = 4.0  # COLMAP's own limit for an observation
LEAST_ANGLE_DEG = 1.0  # between the first ray and another: below, the distance is a guess
CHUNK = 1 << 15  # observations worked on at once, about 500 bytes each


@dataclass(frozen=True, eq=False)
class Structure:
    """T points and the M observations that they rest on, by point and within it by picture."""

    position: Float64  # [T,3] in the world
    rgb: UInt8  # [T,3]
    point: NDArray[np.int32]  # [M] 0 .. T-1, ascending
    picture: NDArray[np.int32]  # [M]
    key_point: NDArray[np.int32]  # [M] which of the picture's points

    def longest(self, most: int) -> Structure:
        """The points with most observations, at most so many, in the same order."""
        counts = np.bincount(self.point, minlength=len(self.position))
        kept = np.sort(np.argsort(-counts, kind="stable")[:most])
        return self._take(kept)

    def _take(self, points: NDArray[np.int64]) -> Structure:
        seen = np.isin(self.point, points)
        number = np.searchsorted(points, self.point[seen]).astype(np.int32)
        return Structure(self.position[points], self.rgb[points], number, self.picture[seen], self.key_point[seen])


def triangulated(tracks: Tracks, world_from_camera: Float64, focal: Float64) -> Structure:
    """The points of all tracks whose rays meet, under cameras [N,4,4] with focal lengths [N] in pixels."""
    seen = tracks.finished(LEAST)
    camera_from_world = np.linalg.inv(world_from_camera).astype(np.float64)
    parts = [_chunk(seen, rows, tracks.rays, camera_from_world, focal) for rows in _chunks(seen.track)]
    tracks.rays.clear()
    kept = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    position = np.concatenate([np.zeros((0, 3)), *(part[1] for part in parts)])
    points, number = np.unique(seen.track[kept], return_inverse=True)
    return Structure(position, seen.rgb[points], number.astype(np.int32), seen.picture[kept], seen.key_point[kept])


def _chunks(track: NDArray[np.int32]) -> Iterator[slice]:
    """Rows of whole tracks, about as many as are worked on at once."""
    first = 0
    while first < len(track):
        end = min(first + CHUNK, len(track))
        end = int(np.searchsorted(track, track[end - 1], side="right"))
        yield slice(first, end)
        first = end


def _chunk(
    seen: Observations, rows: slice, rays: Sequence[Float32], camera_from_world: Float64, focal: Float64
) -> tuple[NDArray[np.int64], Float64]:
    """The rows of good observations, and the positions of their points."""
    numbers = np.arange(rows.start, rows.stop)
    picture, key_point = seen.picture[rows], seen.key_point[rows]
    ray = np.stack([rays[p][k] for p, k in zip(picture.tolist(), key_point.tolist(), strict=True)])
    bundle = _Bundle(camera_from_world[picture], ray.astype(np.float64), focal[picture])
    track = seen.track[rows]
    position = seen.position[track[0] : track[-1] + 1]
    good = np.ones(len(numbers), np.bool_)
    for _ in range(2):  # once with all, once without those that do not fit
        points, which = np.unique(track[good], return_inverse=True)
        part = bundle.take(good)
        position = part.solved(position[points - track[0]] if len(points) else position[:0], which)
        fits = part.errors(position, which) < WORST_PX
        fits &= _counts(which, fits)[which] >= LEAST
        fits &= (part.angles(position, which) >= np.radians(LEAST_ANGLE_DEG))[which]
        whole = np.zeros((int(track[-1] - track[0]) + 1, 3))
        whole[points - track[0]] = position
        good[good], position = fits, whole
    return numbers[good], position[np.unique(track[good]) - track[0]]


def _counts(which: NDArray[np.int64], fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(which[fits], minlength=int(which.max(initial=-1)) + 1)


@dataclass(frozen=True, eq=False)
class _Bundle:
    """M observations: cameras [M,4,4], rays [M,2] and focal lengths [M]; `which` [M] tells the point, ascending."""

    camera_from_world: Float64
    ray: Float64
    focal: Float64

    def take(self, rows: NDArray[np.bool_]) -> _Bundle:
        return _Bundle(self.camera_from_world[rows], self.ray[rows], self.focal[rows])

    def errors(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """Reprojection errors [M] in pixels, infinite behind a camera."""
        local = self._local(position, which)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.linalg.norm(local[:, :2] / local[:, 2:] - self.ray, axis=1) * self.focal
        return np.where(local[:, 2] > 0, off, np.inf)

    def angles(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """The largest angle [T] between a point's first ray and another of its rays."""
        rotation, shift = self.camera_from_world[:, :3, :3], self.camera_from_world[:, :3, 3]
        towards = position[which] + np.einsum("nji,nj->ni", rotation, shift)  # the centre is -R^T t
        towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-300)
        starts = _starts(which)
        sine = np.linalg.norm(np.cross(towards, towards[starts][which]), axis=1)
        return np.arcsin(np.minimum(np.maximum.reduceat(sine, starts), 1.0)) if len(starts) else np.zeros(0)

    def solved(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """Positions [T,3] from which none moves any more, or nearly."""
        if not len(which):
            return position
        starts = _starts(which)
        for _ in range(STEPS):
            position = position + self._step(position, which, starts)
        return position

    def _step(self, position: Float64, which: NDArray[np.int64], starts: NDArray[np.int64]) -> Float64:
        local = self._local(position, which)
        z = np.where(local[:, 2] > 1e-9, local[:, 2], np.inf)  # behind a camera: no say
        x, y = local[:, 0] / z, local[:, 1] / z
        scale = (self.focal / z)[:, None]
        rotation = self.camera_from_world[:, :3, :3]
        jx = (rotation[:, 0] - x[:, None] * rotation[:, 2]) * scale
        jy = (rotation[:, 1] - y[:, None] * rotation[:, 2]) * scale
        ex, ey = (x - self.ray[:, 0]) * self.focal, (y - self.ray[:, 1]) * self.focal
        weight = 1 / (1 + (ex * ex + ey * ey) / LOSS_PX**2)
        weight[~np.isfinite(z)] = 0
        hessian = weight[:, None, None] * (jx[:, :, None] * jx[:, None, :] + jy[:, :, None] * jy[:, None, :])
        gradient = weight[:, None] * (jx * ex[:, None] + jy * ey[:, None])
        total = np.add.reduceat(hessian, starts)
        total += np.eye(3) * (DAMPING * np.trace(total, axis1=1, axis2=2) + 1e-300)[:, None, None]
        step = -np.linalg.solve(total, np.add.reduceat(gradient, starts)[..., None])[..., 0]
        return self._bounded(step, position, which, starts)

    def _bounded(
        self, step: Float64, position: Float64, which: NDArray[np.int64], starts: NDArray[np.int64]
    ) -> Float64:
        """No step longer than a third of the point's distance from its first camera."""
        distance = np.linalg.norm(self._local(position, which)[starts], axis=1)
        length = np.linalg.norm(step, axis=1)
        return step * np.minimum(1.0, distance / 3 / np.maximum(length, 1e-300))[:, None]

    def _local(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """The points [M,3] as the cameras have them."""
        rotation, shift = self.camera_from_world[:, :3, :3], self.camera_from_world[:, :3, 3]
        return np.einsum("nij,nj->ni", rotation, position[which]) + shift


def _starts(which: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of every point."""
    return np.flatnonzero(np.diff(which, prepend=-1))
