"""What the images of one window say of its lens: bundle adjustment with a focal length for every frame.

It starts from a sparse model that was made with one lens, and moves cameras, points, the logarithm of every frame's
focal length and two radial terms (Triggs et al., "Bundle adjustment - a modern synthesis", 2000). What is left when
poses and points are eliminated is the information on the lens alone, from which every question on it has its answer: is
it one focal length, is it the given one, do the halves agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ....geometry.lens import Lens
from .global_mapping import LOSS_PX, SparseModel
from .lens_response import LensResponse, eliminate_poses, turned_cameras

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_POINTS = 500  # the longest tracks: they say most, and more of them only cost time
MIN_TRACK = 3
MIN_PER_CAMERA = 8  # points that a camera must see on average
LOSSES_PX = (8 * LOSS_PX, LOSS_PX)  # a wide one first: to a narrow one what contradicts the start is an outlier
ITERATIONS = 3  # with each, where nothing contradicts the start
ENOUGH = 1e-4
DAMPING = 1e-6  # relative; it also settles the seven freedoms of the frame of reference
LEAST_DEPTH = 1e-9
BEHIND_PX2 = 1e4  # squared error of a point behind its camera
PER_CAMERA = 7  # rotation, translation, log focal length
SHARED = 2  # k1, k2
MAX_FOCAL_STEP = 0.3


@dataclass(frozen=True, eq=False)
class LensEvidence:
    """What a model says of the lens of its rows: log focal lengths [n] relative to that of the model, the radial terms
    (k1, k2) [2], their joint information [n+2,n+2] when poses and points are eliminated, how the poses respond to
    them, and the median depth of the points."""

    rows: Index
    log_focals: Array
    radial: Array
    information: Array
    response: LensResponse
    depth: float


@dataclass(frozen=True, eq=False)
class _State:
    """Cameras (camera_from_model [n,4,4]), points [p,3], focal lengths [n] and radial terms [2]."""

    cameras: Array
    points: Array
    focals: Array
    radial: Array


@dataclass(frozen=True, eq=False)
class _Observations:
    """Camera [m], point [m] and pixels from the principal point [m,2] of all observations."""

    camera: Index
    point: Index
    xy: Array


@dataclass(frozen=True, eq=False)
class _Linear:
    """Errors [m,2], their robust weights [m], and the derivatives of pixels by camera and shared terms [m,2,9] and by
    the point [m,2,3]."""

    error: Array
    weight: Array
    by_camera: Array
    by_point: Array


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Normal equations of cameras and shared terms without the points, and what gives the points' step [p,3] back."""

    matrix: Array
    right: Array
    mixed: csr_matrix
    root: Array
    point_right: Array

    def step(self, damping: float) -> tuple[Array, Array]:
        """Step of cameras and shared terms [7n+2], and of points [p,3]."""
        diagonal = np.diag(self.matrix)
        damped = self.matrix + np.diag(damping * diagonal + 1e-12 * diagonal.sum())
        by_camera = np.asarray(np.linalg.solve(damped, self.right), np.float64)
        rest = self.point_right - (self.mixed.T @ by_camera).reshape(-1, 3)
        return by_camera, np.einsum("pji,pj->pi", self.root, rest)


def lens_evidence(
    model: SparseModel, xy: Sequence[NDArray[np.float32]], lens: Lens, iterations: int = ITERATIONS
) -> LensEvidence | None:
    """The lens that the observations `xy` (keypoints [n,2] of every row of the window) ask for; None if they are few.

    `lens` is that of the model.
    """
    seen, points = _observations(model, xy, lens)
    if len(seen.camera) < MIN_PER_CAMERA * len(model.rows):
        return None
    cameras = np.asarray(np.linalg.inv(model.model_from_camera), np.float64)
    start = _State(cameras, points, np.full(len(cameras), lens.fx), np.array([lens.k1, 0.0]))
    state = _adjust(start, seen, iterations)
    linear = _linearise(state, seen, LOSS_PX)
    information, by_lens = eliminate_poses(_eliminate_points(linear, seen, state).matrix, _is_lens(len(cameras)))
    evidence = LensEvidence(
        rows=model.rows,
        log_focals=np.log(state.focals / lens.fx),
        radial=state.radial,
        information=information / _variance(linear, state),
        response=LensResponse(state.cameras, by_lens),
        depth=float(np.median(_project(state, seen)[0][:, 2])),
    )
    return evidence if np.isfinite(information).all() and np.isfinite(by_lens).all() else None


def _observations(model: SparseModel, xy: Sequence[NDArray[np.float32]], lens: Lens) -> tuple[_Observations, Array]:
    """Those of the longest tracks in square pixels, and these points [p,3]."""
    camera = np.repeat(np.arange(len(model.rows)), [len(seen) for seen in model.observations])
    point = np.concatenate([seen[:, 1] for seen in model.observations])
    pixels = [xy[row][seen[:, 0]] for row, seen in zip(model.rows, model.observations, strict=True)]
    centred = np.concatenate(pixels).astype(np.float64) - (lens.cx, lens.cy)
    centred[:, 1] *= lens.fx / lens.fy
    length = np.bincount(point, minlength=len(model.points))
    longest = np.argsort(-length, kind="stable")[:MAX_POINTS]
    chosen = np.sort(longest[length[longest] >= MIN_TRACK])
    number = np.full(len(model.points), -1)
    number[chosen] = np.arange(len(chosen))
    kept = number[point] >= 0
    return _Observations(camera[kept], number[point[kept]], centred[kept]), model.points[chosen]


def _adjust(state: _State, seen: _Observations, iterations: int) -> _State:
    """Robust Levenberg-Marquardt."""
    for loss_px in LOSSES_PX:
        state = _descend(state, seen, loss_px, iterations)
    return state


def _descend(state: _State, seen: _Observations, loss_px: float, iterations: int) -> _State:
    damping, cost = DAMPING, _cost(state, seen, loss_px)
    for _ in range(iterations):
        linear = _linearise(state, seen, loss_px)
        moved = _move(state, *_eliminate_points(linear, seen, state).step(damping))
        after = _cost(moved, seen, loss_px)
        if not after < cost:
            damping *= 100
            continue
        state, gain, cost = moved, (cost - after) / cost, after
        if gain < ENOUGH:
            break
    return state


def _project(state: _State, seen: _Observations) -> tuple[Array, Array, Array]:
    """Points in their cameras [m,3], pixels from the principal point [m,2], and the squared radii [m]."""
    pose = state.cameras[seen.camera]
    points = np.einsum("mij,mj->mi", pose[:, :3, :3], state.points[seen.point]) + pose[:, :3, 3]
    x = points[:, :2] / _positive(points[:, 2:])
    square = np.square(x).sum(axis=1)
    factor = 1.0 + state.radial[0] * square + state.radial[1] * np.square(square)
    return points, (state.focals[seen.camera] * factor)[:, None] * x, square


def _positive(depth: Array) -> Array:
    """Depths to divide by: points behind their camera have no weight, but must have numbers."""
    return np.where(depth > LEAST_DEPTH, depth, 1.0)


def _cost(state: _State, seen: _Observations, loss_px: float) -> float:
    points, pixels, _ = _project(state, seen)
    square = np.where(points[:, 2] > LEAST_DEPTH, np.square(seen.xy - pixels).sum(axis=1), BEHIND_PX2)
    return float(np.log1p(square / loss_px**2).sum())


def _linearise(state: _State, seen: _Observations, loss_px: float) -> _Linear:
    points, pixels, square = _project(state, seen)
    inverse_depth, focal = 1.0 / _positive(points[:, 2]), state.focals[seen.camera]
    x, (k1, k2) = points[:, :2] * inverse_depth[:, None], state.radial
    factor, slope = 1 + k1 * square + k2 * square**2, 2 * k1 + 4 * k2 * square
    by_x = slope[:, None, None] * x[:, :, None] * x[:, None, :] + factor[:, None, None] * np.eye(2)
    x_by_point = np.zeros((len(x), 2, 3))
    x_by_point[:, 0, 0] = x_by_point[:, 1, 1] = inverse_depth
    x_by_point[:, :, 2] = -x * inverse_depth[:, None]
    by_translation = focal[:, None, None] * (by_x @ x_by_point)
    by_rotation = np.cross(points[:, None, :], by_translation)
    by_radial = (focal[:, None] * x)[:, :, None] * np.stack([square, square**2], axis=1)[:, None, :]
    by_camera = np.concatenate([by_rotation, by_translation, pixels[:, :, None], by_radial], axis=2)
    error = seen.xy - pixels
    weight = 1.0 / (1.0 + np.square(error).sum(axis=1) / loss_px**2)  # of the Cauchy loss
    weight = np.where(points[:, 2] > LEAST_DEPTH, weight, 0.0)
    return _Linear(error, weight, by_camera, by_translation @ state.cameras[seen.camera, :3, :3])


def _eliminate_points(linear: _Linear, seen: _Observations, state: _State) -> _Reduced:
    """Schur complement of the points: with their block's inverse root.T @ root, mixed = (camera by point) @ root.T."""
    cameras, count = len(state.cameras), len(state.points)
    weighted = linear.weight[:, None, None] * linear.by_point
    square = _sum_by(seen.point, linear.by_point.transpose(0, 2, 1) @ weighted, count)
    square += (1e-9 * np.trace(square, axis1=1, axis2=2) + 1e-12)[:, None, None] * np.eye(3)
    root = np.linalg.inv(np.linalg.cholesky(square))
    gradient = _sum_by(seen.point, np.einsum("mij,mi->mj", weighted, linear.error), count)
    point_right = np.einsum("pij,pj->pi", root, gradient)
    blocks = linear.by_camera.transpose(0, 2, 1) @ weighted @ root[seen.point].transpose(0, 2, 1)
    columns = _columns(seen.camera, cameras)
    at = np.broadcast_to(columns[:, :, None], blocks.shape).ravel()
    to = np.broadcast_to(3 * seen.point[:, None, None] + np.arange(3), blocks.shape).ravel()
    mixed = csr_matrix((blocks.ravel(), (at, to)), shape=(PER_CAMERA * cameras + SHARED, 3 * count))
    full, right = _camera_equations(linear, seen, cameras)
    return _Reduced(full - (mixed @ mixed.T).toarray(), right - mixed @ point_right.ravel(), mixed, root, point_right)


def _columns(camera: Index, cameras: int) -> Index:
    """Parameters [m,9] on which an observation by this camera depends."""
    own: Index = PER_CAMERA * camera[:, None] + np.arange(PER_CAMERA, dtype=np.int64)
    shared = PER_CAMERA * cameras + np.broadcast_to(np.arange(SHARED), (len(camera), SHARED))
    return np.concatenate([own, shared], axis=1)


def _camera_equations(linear: _Linear, seen: _Observations, cameras: int) -> tuple[Array, Array]:
    """Normal matrix and right side of cameras and shared terms with the points held."""
    weighted = linear.weight[:, None, None] * linear.by_camera
    blocks = _sum_by(seen.camera, linear.by_camera.transpose(0, 2, 1) @ weighted, cameras)
    rights = _sum_by(seen.camera, np.einsum("mij,mi->mj", weighted, linear.error), cameras)
    size, columns = PER_CAMERA * cameras + SHARED, _columns(np.arange(cameras), cameras)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    np.add.at(matrix, (columns[:, :, None], columns[:, None, :]), blocks)
    np.add.at(right, columns, rights)
    return matrix, right


def _sum_by(index: Index, values: Array, count: int) -> Array:
    """Sums [count,...] of the values [m,...] of each index."""
    flat = values.reshape(len(values), -1)
    sums: Array = np.stack([np.bincount(index, column, count) for column in flat.T], axis=1)
    return sums.reshape(count, *values.shape[1:])


def _move(state: _State, by_camera: Array, by_point: Array) -> _State:
    own = by_camera[:-SHARED].reshape(-1, PER_CAMERA)
    return replace(
        state,
        cameras=turned_cameras(state.cameras, own[:, : PER_CAMERA - 1]),
        points=state.points + by_point,
        focals=state.focals * np.exp(np.clip(own[:, 6], -MAX_FOCAL_STEP, MAX_FOCAL_STEP)),
        radial=state.radial + by_camera[-SHARED:],
    )


def _is_lens(cameras: int) -> NDArray[np.bool_]:
    """Which of the parameters of cameras, and of the shared ones, are those of the lens."""
    of_lens = np.zeros(PER_CAMERA * cameras + SHARED, bool)
    of_lens[PER_CAMERA - 1 :: PER_CAMERA] = True
    of_lens[-SHARED:] = True
    return of_lens


def _variance(linear: _Linear, state: _State) -> float:
    """Variance of the observations in squared pixels, the robust weights as their counts."""
    free = 2 * linear.weight.sum() - 3 * len(state.points) - PER_CAMERA * len(state.cameras) - SHARED
    square = float((linear.weight * np.square(linear.error).sum(axis=1)).sum())
    return square / max(float(free), 0.1 * 2 * len(linear.weight))
