"""Triangulation of tracks: positions of least reprojection error, without the observations that are outliers.

Gauss-Newton with Cauchy weights from the tracks' own positions, many points at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float32, Float64, UInt8
from .tracks import Observations, Tracks

MIN_IMAGES = 3  # that must observe a point
LOSS_PX = 1.0  # scale of the Cauchy loss
ITERATIONS = 10
DAMPING = 1e-6  # of the diagonal
MAX_ERROR_PX = 4.0  # COLMAP's own limit for an observation
MIN_ANGLE_DEG = 1.0  # between the first ray and another: below, the distance from the cameras is a guess
OBSERVATIONS_AT_ONCE = 1 << 15  # about 500 bytes each


@dataclass(frozen=True, eq=False)
class Structure:
    """T points and their M observations, sorted by point and then by image."""

    position: Float64  # [T,3] in the world
    rgb: UInt8  # [T,3]
    point: NDArray[np.int32]  # [M] 0 .. T-1, ascending
    image: NDArray[np.int32]  # [M] image index
    keypoint: NDArray[np.int32]  # [M] index into the image's `Tracks.xy`

    def best_observed(self, most: int) -> Structure:
        """The points with most observations, at most `most`, in the same order."""
        counts = np.bincount(self.point, minlength=len(self.position))
        kept = np.sort(np.argsort(-counts, kind="stable")[:most])
        return self._take(kept)

    def _take(self, points: NDArray[np.int64]) -> Structure:
        kept = np.isin(self.point, points)
        number = np.searchsorted(points, self.point[kept]).astype(np.int32)
        return Structure(self.position[points], self.rgb[points], number, self.image[kept], self.keypoint[kept])


def triangulate(tracks: Tracks, world_from_camera: Float64, focal: Float64) -> Structure:
    """The points of all tracks whose rays meet, for poses [N,4,4] and focal lengths [N] in pixels.

    The tracks are used up.
    """
    observations = tracks.finish(MIN_IMAGES)
    camera_from_world = np.linalg.inv(world_from_camera).astype(np.float64)
    parts = [
        _triangulate_rows(observations, rows, tracks.rays, camera_from_world, focal)
        for rows in _row_ranges(observations.track)
    ]
    tracks.rays.clear()
    kept = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    position = np.concatenate([np.zeros((0, 3)), *(part[1] for part in parts)])
    points, number = np.unique(observations.track[kept], return_inverse=True)
    return Structure(
        position,
        observations.rgb[points],
        number.astype(np.int32),
        observations.image[kept],
        observations.keypoint[kept],
    )


def _row_ranges(track: NDArray[np.int32]) -> Iterator[slice]:
    """Ranges of observations that are worked on at once: of whole tracks."""
    first = 0
    while first < len(track):
        end = min(first + OBSERVATIONS_AT_ONCE, len(track))
        end = int(np.searchsorted(track, track[end - 1], side="right"))
        yield slice(first, end)
        first = end


def _triangulate_rows(
    observations: Observations, rows: slice, rays: Sequence[Float32], camera_from_world: Float64, focal: Float64
) -> tuple[NDArray[np.int64], Float64]:
    """The rows of inlier observations in this range, and the positions [T,3] of their points."""
    numbers = np.arange(rows.start, rows.stop)
    image, keypoint = observations.image[rows], observations.keypoint[rows]
    ray = np.stack([rays[p][k] for p, k in zip(image.tolist(), keypoint.tolist(), strict=True)])
    bundle = _RayBundle(camera_from_world[image], ray.astype(np.float64), focal[image])
    track = observations.track[rows]
    position = observations.position[track[0] : track[-1] + 1]
    good = np.ones(len(numbers), np.bool_)
    for _ in range(2):  # once with all observations, once without the outliers
        points, which = np.unique(track[good], return_inverse=True)
        part = bundle.take(good)
        position = part.solve(position[points - track[0]] if len(points) else position[:0], which)
        fits = part.errors(position, which) < MAX_ERROR_PX
        fits &= _inlier_counts(which, fits)[which] >= MIN_IMAGES
        fits &= (part.angles(position, which) >= np.radians(MIN_ANGLE_DEG))[which]
        whole = np.zeros((int(track[-1] - track[0]) + 1, 3))
        whole[points - track[0]] = position
        good[good], position = fits, whole
    return numbers[good], position[np.unique(track[good]) - track[0]]


def _inlier_counts(which: NDArray[np.int64], fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(which[fits], minlength=int(which.max(initial=-1)) + 1)


@dataclass(frozen=True, eq=False)
class _RayBundle:
    """M observations: poses [M,4,4], rays [M,2] and focal lengths [M]. Methods take the positions [T,3] of the points
    and which point each observation is of [M], ascending."""

    camera_from_world: Float64
    ray: Float64
    focal: Float64

    def take(self, rows: NDArray[np.bool_]) -> _RayBundle:
        return _RayBundle(self.camera_from_world[rows], self.ray[rows], self.focal[rows])

    def errors(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """Reprojection errors [M] in pixels, infinite behind a camera."""
        local = self._local(position, which)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.linalg.norm(local[:, :2] / local[:, 2:] - self.ray, axis=1) * self.focal
        return np.where(local[:, 2] > 0, off, np.inf)

    def angles(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """The largest angle [T] between a point's first ray and another of its rays, in radians."""
        rotation, shift = self.camera_from_world[:, :3, :3], self.camera_from_world[:, :3, 3]
        towards = position[which] + np.einsum("nji,nj->ni", rotation, shift)  # the centre is -R^T t
        towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-300)
        starts = _first_rows(which)
        sine = np.linalg.norm(np.cross(towards, towards[starts][which]), axis=1)
        return np.arcsin(np.minimum(np.maximum.reduceat(sine, starts), 1.0)) if len(starts) else np.zeros(0)

    def solve(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """Positions [T,3] after all iterations."""
        if not len(which):
            return position
        starts = _first_rows(which)
        for _ in range(ITERATIONS):
            position = position + self._step(position, which, starts)
        return position

    def _step(self, position: Float64, which: NDArray[np.int64], starts: NDArray[np.int64]) -> Float64:
        """The damped Gauss-Newton step [T,3] of all points."""
        local = self._local(position, which)
        z = np.where(local[:, 2] > 1e-9, local[:, 2], np.inf)  # behind a camera: no weight
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
        """The step, no longer than a third of the point's distance from its first camera."""
        distance = np.linalg.norm(self._local(position, which)[starts], axis=1)
        length = np.linalg.norm(step, axis=1)
        return step * np.minimum(1.0, distance / 3 / np.maximum(length, 1e-300))[:, None]

    def _local(self, position: Float64, which: NDArray[np.int64]) -> Float64:
        """Each observation's point [M,3] in its camera's coordinates."""
        rotation, shift = self.camera_from_world[:, :3, :3], self.camera_from_world[:, :3, 3]
        return np.einsum("nij,nj->ni", rotation, position[which]) + shift


def _first_rows(which: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first observation [T] of every point."""
    return np.flatnonzero(np.diff(which, prepend=-1))
