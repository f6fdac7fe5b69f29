"""Poses of the frames between key frames, from what is tracked through them.

Points are triangulated from the cameras of the key frames, and cameras resected from the points, in turn: from the
second turn on the frames between add their observations to the points. Both are iteratively reweighted least squares
with a Cauchy loss in pixels (Hartley and Zisserman, sections 12.2 and 7.2), of all points and of all frames at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ....geometry.sums import sum_by
from ..matching.tracks import TrackedPoints
from .assemble import fill
from .lens_response import turned_cameras

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Chosen = NDArray[np.bool_]

LOSS_PX = 0.5
INLIER_PX = 2.0
TURNS = 2  # of points and cameras
STEPS = 4  # of each
LEAST_POINTS = 20  # that a frame must see to be measured
LEAST_SHARE = 0.7  # of the observations of a point that must agree on it
LEAST_SPREAD = np.radians(0.125)  # of a point's rays about their mean, for it to tell its depth
LEAST_DEPTH = 1e-9


@dataclass(frozen=True, eq=False)
class TrackObservations:
    """Row [m], track [m] (numbered from 0 on) and normalised coordinates [m,2] of all that is tracked."""

    row: Index
    track: Index
    at: Array

    @staticmethod
    def of(tracked: Sequence[TrackedPoints], lens: Lens) -> TrackObservations:
        """From the tracked points of all rows of a window, in pixels as they are seen."""
        row = np.repeat(np.arange(len(tracked)), [len(points.track) for points in tracked])
        xy = np.concatenate([points.xy for points in tracked])
        track = np.concatenate([points.track for points in tracked])
        return TrackObservations(row, _numbered(track), lens.normalised(lens.undistort(xy)))

    def chosen(self, keep: Chosen) -> TrackObservations:
        """Some of them, with tracks numbered anew."""
        return TrackObservations(self.row[keep], _numbered(self.track[keep]), self.at[keep])

    @property
    def tracks(self) -> int:
        """How many there are."""
        return int(self.track.max(initial=-1)) + 1


def resect_between(keyframes: Array, rows: Index, tracked: Sequence[TrackedPoints], lens: Lens) -> tuple[Array, Chosen]:
    """Poses [N,4,4] (model_from_camera) of all rows of a window, those of the key frames `rows` [K] as they are
    ([K,4,4]), and which of them were measured [N]; the others lie between their neighbours."""
    is_key = np.zeros(len(tracked), bool)
    is_key[rows] = True
    poses = np.full((len(tracked), 4, 4), np.nan)
    poses[rows] = keyframes
    cameras, measured = _inverse(fill(poses)), is_key
    seen = TrackObservations.of(tracked, lens)
    seen = seen.chosen((np.bincount(seen.track[is_key[seen.row]], minlength=seen.tracks) >= 2)[seen.track])
    for turn in range(TURNS):
        use = is_key[seen.row] if turn == 0 else np.ones(len(seen.row), bool)
        points, known = triangulate(cameras, seen, use, lens.fx)
        cameras, enough = resect(cameras, points, seen, ~is_key[seen.row] & known[seen.track], lens.fx)
        measured = is_key | enough
    poses[~is_key] = _inverse(cameras[~is_key])
    poses[~measured] = np.nan
    return fill(poses), measured


def triangulate(cameras: Array, seen: TrackObservations, use: Chosen, focal: float) -> tuple[Array, Chosen]:
    """Points [p,3] of the tracks from the observations that are used, by cameras [N,4,4] (camera_from_model), and which
    of them [p] lie in front of their cameras under an angle that tells their depth."""
    track, camera, count = seen.track[use], cameras[seen.row[use]], seen.tracks
    lines = camera[:, :2, :] - seen.at[use][:, :, None] * camera[:, 2:3, :]  # two planes through every ray
    weight = np.ones(len(track))
    for _ in range(STEPS):
        points = _meet(lines, weight, track, count)
        depth = np.einsum("mj,mj->m", camera[:, 2, :3], points[track]) + camera[:, 2, 3]
        front = depth > LEAST_DEPTH
        error = np.einsum("mki,mi->mk", lines[:, :, :3], points[track]) + lines[:, :, 3]
        square = np.square(focal * error / np.where(front, depth, np.inf)[:, None]).sum(axis=1)
        weight = np.where(front, 1.0 / np.square(np.where(front, depth, 1.0)) / (1.0 + square / LOSS_PX**2), 1e-9)
    agrees = np.bincount(track, front & (square < INLIER_PX**2), count) / np.maximum(_counts(track, count), 1)
    spread = _spread(_inverse(camera)[:, :3, 3] - points[track], track, count)
    return points, (agrees > LEAST_SHARE) & (spread > LEAST_SPREAD)


def resect(cameras: Array, points: Array, seen: TrackObservations, use: Chosen, focal: float) -> tuple[Array, Chosen]:
    """Cameras [N,4,4] (camera_from_model) of rows with observations that are used, the others as they are, and which
    rows [N] see points enough."""
    row, at, target, count = seen.row[use], seen.at[use], points[seen.track[use]], len(cameras)
    enough = _counts(row, count) >= LEAST_POINTS
    for _ in range(STEPS):
        error, by_pose = _linearise(cameras[row], target, at)
        weight = 1.0 / (1.0 + np.square(focal * error).sum(axis=1) / LOSS_PX**2)
        weighted = by_pose * weight[:, None, None]
        normal, right = _normal_equations(row, weighted, by_pose, error, count)
        step = np.linalg.solve(_damped(normal), right[:, :, None])[:, :, 0]
        cameras = turned_cameras(cameras, np.where(enough[:, None], step, 0.0))
    error, _ = _linearise(cameras[row], target, at)
    agree = np.bincount(row, np.square(focal * error).sum(axis=1) < INLIER_PX**2, count)
    return cameras, enough & (agree >= LEAST_POINTS)


def _meet(lines: Array, weight: Array, track: Index, count: int) -> Array:
    """The points [p,3] that are nearest to planes [m,2,4] of their observations."""
    normal, right = _normal_equations(
        track, lines[:, :, :3] * weight[:, None, None], lines[:, :, :3], -lines[:, :, 3], count
    )
    return np.asarray(np.linalg.solve(_damped(normal), right[:, :, None])[:, :, 0], np.float64)


def _normal_equations(
    index: Index, weighted: Array, by_unknown: Array, error: Array, count: int
) -> tuple[Array, Array]:
    """Normal matrices [n,k,k] and right sides [n,k] of the unknowns of each index [m], from errors [m,2], how they
    lessen with these [m,2,k], and that with its weight."""
    unknowns = range(by_unknown.shape[2])
    first, second = (np.ascontiguousarray(by_unknown[:, k].T) for k in (0, 1))
    first_weighted, second_weighted = (np.ascontiguousarray(weighted[:, k].T) for k in (0, 1))
    normal, right = np.empty((count, len(unknowns), len(unknowns))), np.empty((count, len(unknowns)))
    for i in unknowns:
        along = first_weighted[i] * error[:, 0] + second_weighted[i] * error[:, 1]
        right[:, i] = np.bincount(index, along, count)
        for j in range(i + 1):
            both = first_weighted[i] * first[j] + second_weighted[i] * second[j]
            normal[:, i, j] = normal[:, j, i] = np.bincount(index, both, count)
    return normal, right


def _linearise(camera: Array, points: Array, at: Array) -> tuple[Array, Array]:
    """Errors [m,2] of points [m,3] in cameras [m,4,4], and how they lessen with a rotation vector and a translation
    [m,2,6]; points behind their camera have no derivatives."""
    local = np.einsum("mij,mj->mi", camera[:, :3, :3], points) + camera[:, :3, 3]
    inverse = 1.0 / np.where(local[:, 2] > LEAST_DEPTH, local[:, 2], np.inf)
    x = local[:, :2] * inverse[:, None]
    by_point = np.zeros((len(x), 2, 3))
    by_point[:, 0, 0] = by_point[:, 1, 1] = inverse
    by_point[:, :, 2] = -x * inverse[:, None]
    return at - x, np.concatenate([np.cross(local[:, None, :], by_point), by_point], axis=2)


def _damped(normal: Array) -> Array:
    """Normal matrices [n,k,k] that can be solved where nothing was observed."""
    trace = np.trace(normal, axis1=1, axis2=2)
    return normal + (1e-9 * trace + 1e-15)[:, None, None] * np.eye(normal.shape[1])


def _spread(rays: Array, track: Index, count: int) -> Array:
    """The angle [p] in radians of the rays [m,3] of each point about their mean."""
    unit = rays / np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-300)
    mean = sum_by(track, unit, count) / np.maximum(_counts(track, count), 1)[:, None]
    return np.sqrt(np.maximum(1.0 - np.square(mean).sum(axis=1), 0.0))


def _counts(index: Index, count: int) -> Index:
    return np.bincount(index, minlength=count)


def _numbered(track: Index) -> Index:
    return np.unique(track, return_inverse=True)[1].reshape(-1)


def _inverse(transforms: Array) -> Array:
    return np.asarray(np.linalg.inv(transforms), np.float64)
