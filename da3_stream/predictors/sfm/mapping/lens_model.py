"""Cameras of one window with a focal length each, one principal point and one distortion: what they see of points, how
that changes with them, and how far it is from what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from .lens_response import turned_cameras
from .sparse_model import LOSS_PX, SparseModel

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_POINTS = 500  # the longest tracks: they say most, and more of them only cost time
MIN_TRACK = 3
LEAST_DEPTH = 1e-9
BEHIND_PX2 = 1e4  # squared error of a point behind its camera
PER_CAMERA = 7  # rotation, translation, log focal length
SHARED = 4  # k1, k2, and the principal point
MAX_FOCAL_STEP = 0.3
# What is known of the principal point beforehand, in focal lengths: where it was given or stands in the middle it is
# believed, because images tell it apart from turns and focal lengths too badly; where it cannot be right, it is free.
CENTRE_SIGMA, FREE_CENTRE_SIGMA = 1e-4, 0.03


@dataclass(frozen=True, eq=False)
class CameraState:
    """Cameras (camera_from_model [n,4,4]), points [p,3], focal lengths [n], and what all share [4]: the radial terms
    k1 and k2, and the principal point's distance from that of the lens in use, in focal lengths."""

    cameras: Array
    points: Array
    focals: Array
    shared: Array


@dataclass(frozen=True, eq=False)
class Observations:
    """Camera [m], point [m] and pixels from the principal point in use [m,2] of all observations; where the
    principal point is known to be [2], from that in use, in focal lengths, and what that weighs beside pixels."""

    camera: Index
    point: Index
    xy: Array
    centre: Array
    centre_weight: float


@dataclass(frozen=True, eq=False)
class Linear:
    """Errors [m,2], their robust weights [m], and the derivatives of pixels by camera and shared terms [m,2,11] and by
    the point [m,2,3]."""

    error: Array
    weight: Array
    by_camera: Array
    by_point: Array


def observations(
    model: SparseModel, xy: Sequence[NDArray[np.float32]], lens: Lens, likely: Lens
) -> tuple[Observations, Array]:
    """Those of the longest tracks in square pixels, and these points [p,3]; `likely` is the lens known beforehand."""
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
    centre = np.array([(likely.cx - lens.cx) / likely.fx, (likely.cy - lens.cy) / likely.fy])
    sigma = CENTRE_SIGMA if likely == lens else FREE_CENTRE_SIGMA
    weight = float(np.square(LOSS_PX / sigma))  # pixels are good to LOSS_PX
    return Observations(camera[kept], number[point[kept]], centred[kept], centre, weight), model.points[chosen]


def project(state: CameraState, seen: Observations) -> tuple[Array, Array, Array]:
    """Points in their cameras [m,3], pixels from the principal point in use [m,2], and the squared radii [m]."""
    pose = state.cameras[seen.camera]
    points = np.einsum("mij,mj->mi", pose[:, :3, :3], state.points[seen.point]) + pose[:, :3, 3]
    x = points[:, :2] / _positive(points[:, 2:])
    square = np.square(x).sum(axis=1)
    k1, k2, *centre = state.shared
    factor = 1.0 + k1 * square + k2 * np.square(square)
    return points, state.focals[seen.camera][:, None] * (factor[:, None] * x + centre), square


def _positive(depth: Array) -> Array:
    """Depths to divide by: points behind their camera have no weight, but must have numbers."""
    return np.where(depth > LEAST_DEPTH, depth, 1.0)


def total_cost(state: CameraState, seen: Observations, loss_px: float) -> float:
    """Robust cost of all observations, and of the principal point's distance from where it is known to be."""
    points, pixels, _ = project(state, seen)
    square = np.where(points[:, 2] > LEAST_DEPTH, np.square(seen.xy - pixels).sum(axis=1), BEHIND_PX2)
    known = seen.centre_weight * np.square(state.shared[2:] - seen.centre).sum()
    return float(np.log1p(square / loss_px**2).sum() + known / loss_px**2)


def linearise(state: CameraState, seen: Observations, loss_px: float) -> Linear:
    """Errors and derivatives of all observations."""
    points, pixels, square = project(state, seen)
    inverse_depth, focal = 1.0 / _positive(points[:, 2]), state.focals[seen.camera]
    x, (k1, k2) = points[:, :2] * inverse_depth[:, None], state.shared[:2]
    factor, slope = 1 + k1 * square + k2 * square**2, 2 * k1 + 4 * k2 * square
    by_x = slope[:, None, None] * x[:, :, None] * x[:, None, :] + factor[:, None, None] * np.eye(2)
    x_by_point = np.zeros((len(x), 2, 3))
    x_by_point[:, 0, 0] = x_by_point[:, 1, 1] = inverse_depth
    x_by_point[:, :, 2] = -x * inverse_depth[:, None]
    by_translation = focal[:, None, None] * (by_x @ x_by_point)
    by_rotation = np.cross(points[:, None, :], by_translation)
    by_radial = (focal[:, None] * x)[:, :, None] * np.stack([square, square**2], axis=1)[:, None, :]
    by_centre = focal[:, None, None] * np.eye(2)
    by_camera = np.concatenate([by_rotation, by_translation, pixels[:, :, None], by_radial, by_centre], axis=2)
    error = seen.xy - pixels
    weight = 1.0 / (1.0 + np.square(error).sum(axis=1) / loss_px**2)  # of the Cauchy loss
    weight = np.where(points[:, 2] > LEAST_DEPTH, weight, 0.0)
    return Linear(error, weight, by_camera, by_translation @ state.cameras[seen.camera, :3, :3])


def move(state: CameraState, by_camera: Array, by_point: Array) -> CameraState:
    """The state after a step of cameras and shared terms [7n+4] and of points [p,3]."""
    own = by_camera[:-SHARED].reshape(-1, PER_CAMERA)
    return replace(
        state,
        cameras=turned_cameras(state.cameras, own[:, : PER_CAMERA - 1]),
        points=state.points + by_point,
        focals=state.focals * np.exp(np.clip(own[:, 6], -MAX_FOCAL_STEP, MAX_FOCAL_STEP)),
        shared=state.shared + by_camera[-SHARED:],
    )
