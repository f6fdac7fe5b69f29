"""What the images of one window say of its lens: bundle adjustment with a focal length for every frame.

It starts from a sparse model that was made with one lens, and moves cameras, points, the logarithm of every frame's
focal length, the principal point and two radial terms. What is left when poses and points are eliminated is the
information on the lens alone, from which every question on it has its answer: is it one focal length, is it the given
one, do the halves agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from .lens_equations import Reduced, eliminate_points
from .lens_model import (
    PER_CAMERA,
    SHARED,
    CameraState,
    Linear,
    Observations,
    linearise,
    move,
    observations,
    project,
    total_cost,
)
from .lens_response import LensResponse, eliminate_poses
from .sparse_model import LOSS_PX, SparseModel

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MIN_PER_CAMERA = 8  # points that a camera must see on average
LOSSES_PX = (8 * LOSS_PX, LOSS_PX)  # a wide one first: to a narrow one what contradicts the start is an outlier
ITERATIONS = 3  # with each, where nothing contradicts the start
ENOUGH = 1e-4
DAMPING, MOST_DAMPING = 1e-6, 1e6  # relative; it also settles the seven freedoms of the frame of reference


@dataclass(frozen=True, eq=False)
class LensEvidence:
    """What a model says of the lens of its rows: log focal lengths [n] relative to that of the model, what all rows
    share [4] (k1, k2, and the principal point's distance from that of the model in focal lengths), their joint
    information [n+4,n+4] when poses and points are eliminated, how the poses respond to them, and the median depth of
    the points."""

    rows: Index
    log_focals: Array
    shared: Array
    information: Array
    response: LensResponse
    depth: float


def lens_evidence(
    model: SparseModel, xy: Sequence[NDArray[np.float32]], lens: Lens, likely: Lens, iterations: int = ITERATIONS
) -> LensEvidence | None:
    """The lens that the observations `xy` (keypoints [n,2] of every row of the window) ask for; None if they are few.

    `lens` is that of the model, `likely` what is known beforehand, from which the adjustment starts.
    """
    seen, points = observations(model, xy, lens, likely)
    if len(seen.camera) < MIN_PER_CAMERA * len(model.rows):
        return None
    cameras = np.asarray(np.linalg.inv(model.model_from_camera), np.float64)
    start = CameraState(cameras, points, np.full(len(cameras), likely.fx), np.array([lens.k1, 0.0, *seen.centre]))
    state = _adjust(start, seen, iterations)
    linear = linearise(state, seen, LOSS_PX)
    information, by_lens = eliminate_poses(eliminate_points(linear, seen, state).matrix, _is_lens(len(cameras)))
    evidence = LensEvidence(
        rows=model.rows,
        log_focals=np.log(state.focals / lens.fx),
        shared=state.shared,
        information=information / _variance(linear, state),
        response=LensResponse(state.cameras, by_lens),
        depth=float(np.median(project(state, seen)[0][:, 2])),
    )
    return evidence if np.isfinite(information).all() and np.isfinite(by_lens).all() else None


def _adjust(state: CameraState, seen: Observations, iterations: int) -> CameraState:
    """Robust Levenberg-Marquardt."""
    for loss_px in LOSSES_PX:
        state = _descend(state, seen, loss_px, iterations)
    return state


def _descend(state: CameraState, seen: Observations, loss_px: float, iterations: int) -> CameraState:
    """Levenberg-Marquardt with one loss; a step that is turned down is none of the `iterations`: a state that never
    moved would pass for one that the images agree with."""
    damping, cost, left = DAMPING, total_cost(state, seen, loss_px), iterations
    equations: Reduced | None = None
    while left and damping < MOST_DAMPING:
        equations = equations or eliminate_points(linearise(state, seen, loss_px), seen, state)
        moved = move(state, *equations.step(damping))
        after = total_cost(moved, seen, loss_px)
        if not after < cost:
            damping *= 100
            continue
        state, gain, cost, left, equations = moved, (cost - after) / cost, after, left - 1, None
        if gain < ENOUGH:
            break
    return state


def _is_lens(cameras: int) -> NDArray[np.bool_]:
    """Which of the parameters of cameras, and of the shared ones, are those of the lens."""
    of_lens = np.zeros(PER_CAMERA * cameras + SHARED, bool)
    of_lens[PER_CAMERA - 1 :: PER_CAMERA] = True
    of_lens[-SHARED:] = True
    return of_lens


def _variance(linear: Linear, state: CameraState) -> float:
    """Variance of the observations in squared pixels, the robust weights as their counts."""
    free = 2 * linear.weight.sum() - 3 * len(state.points) - PER_CAMERA * len(state.cameras) - SHARED
    square = float((linear.weight * np.square(linear.error).sum(axis=1)).sum())
    return square / max(float(free), 0.1 * 2 * len(linear.weight))
