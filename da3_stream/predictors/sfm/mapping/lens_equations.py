"""The normal equations of bundle adjustment with a focal length for every camera: points are eliminated by their Schur
complement (Triggs et al., "Bundle adjustment - a modern synthesis", 2000)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from ....geometry.sums import sum_by
from .lens_model import PER_CAMERA, SHARED, CameraState, Linear, Observations

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reduced:
    """Normal equations of cameras and shared terms without the points, and what gives the points' step [p,3] back."""

    matrix: Array
    right: Array
    mixed: Array
    root: Array
    point_right: Array

    def step(self, damping: float) -> tuple[Array, Array]:
        """Step of cameras and shared terms [7n+4], and of points [p,3]."""
        diagonal = np.diag(self.matrix)
        damped = self.matrix + np.diag(damping * diagonal + 1e-12 * diagonal.sum())
        by_camera = np.asarray(np.linalg.solve(damped, self.right), np.float64)
        rest = self.point_right - (self.mixed.T @ by_camera).reshape(-1, 3)
        return by_camera, np.einsum("pji,pj->pi", self.root, rest)


def eliminate_points(linear: Linear, seen: Observations, state: CameraState) -> Reduced:
    """Schur complement of the points: with their block's inverse root.T @ root, mixed = (camera by point) @ root.T."""
    cameras, count = len(state.cameras), len(state.points)
    weighted = linear.weight[:, None, None] * linear.by_point
    square = sum_by(seen.point, linear.by_point.transpose(0, 2, 1) @ weighted, count)
    square += (1e-9 * np.trace(square, axis1=1, axis2=2) + 1e-12)[:, None, None] * np.eye(3)
    root = np.linalg.inv(np.linalg.cholesky(square))
    gradient = sum_by(seen.point, np.einsum("mij,mi->mj", weighted, linear.error), count)
    point_right = np.einsum("pij,pj->pi", root, gradient)
    blocks = linear.by_camera.transpose(0, 2, 1) @ weighted @ root[seen.point].transpose(0, 2, 1)
    columns = _columns(seen.camera, cameras)
    at = np.broadcast_to(columns[:, :, None], blocks.shape).ravel()
    to = np.broadcast_to(3 * seen.point[:, None, None] + np.arange(3), blocks.shape).ravel()
    shape = PER_CAMERA * cameras + SHARED, 3 * count
    mixed = coo_matrix((blocks.ravel(), (at, to)), shape).toarray()  # what all share fills it, so dense products win
    full, right = _camera_equations(linear, seen, state)
    return Reduced(full - mixed @ mixed.T, right - mixed @ point_right.ravel(), mixed, root, point_right)


def _columns(camera: Index, cameras: int) -> Index:
    """Parameters [m,11] on which an observation by this camera depends."""
    own: Index = PER_CAMERA * camera[:, None] + np.arange(PER_CAMERA, dtype=np.int64)
    shared = PER_CAMERA * cameras + np.broadcast_to(np.arange(SHARED), (len(camera), SHARED))
    return np.concatenate([own, shared], axis=1)


def _camera_equations(linear: Linear, seen: Observations, state: CameraState) -> tuple[Array, Array]:
    """Normal matrix and right side of cameras and shared terms with the points held."""
    cameras = len(state.cameras)
    weighted = linear.weight[:, None, None] * linear.by_camera
    blocks = sum_by(seen.camera, linear.by_camera.transpose(0, 2, 1) @ weighted, cameras)
    rights = sum_by(seen.camera, np.einsum("mij,mi->mj", weighted, linear.error), cameras)
    size, columns = PER_CAMERA * cameras + SHARED, _columns(np.arange(cameras), cameras)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    np.add.at(matrix, (columns[:, :, None], columns[:, None, :]), blocks)
    np.add.at(right, columns, rights)
    matrix[[-2, -1], [-2, -1]] += seen.centre_weight
    right[-2:] += seen.centre_weight * (seen.centre - state.shared[-2:])
    return matrix, right
