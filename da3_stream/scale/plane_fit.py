"""The road as a plane under one frame: direct photometric alignment with frames before and after.

Gauss-Newton on log height, roll and pitch with a robust loss whose scale comes from the residuals (direct alignment
of a plane as in Lovegrove, Davison and Ibanez-Guzman, "Accurate visual odometry from a rear parking camera", IV 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.robust_statistics import mad_sigma
from ..types import Float64
from .normalized_frames import NormalizedFrames
from .patch import Patch, WarpedPatch, likeness, ncc, road_patch, warp_patch

BASELINES = (0.7, 1.4)  # camera heights between a frame and those it is compared with
SEARCH = np.linspace(-0.24, 0.24, 7)  # of log height about the start, within what the descent then reaches
PIXELS = 2000
SEARCH_PIXELS = 600
ROLL_SIGMA = 0.03  # rad about zero: cameras are mounted by eye
PITCH_SIGMA = (
    0.007  # rad about the direction of motion, which need not be the road's where the car heaves or the road bends
)
REDUNDANCY = 8.0  # pixels that err together
LOSS = 1.5  # Geman-McClure: a residual of this many sigmas counts a quarter
MAX_STEPS = 8
SMALL_STEP = 1e-3
LONGEST_STEP = 0.1


@dataclass(frozen=True)
class RoadPlane:
    """The road under one camera. Angles in radians; `sigma` is of the log height, from the residuals' size."""

    log_height: float
    roll: float
    pitch: float
    sigma: float
    likeness: float  # correlation with the frames it was compared with, the middle one


def plane_vector(log_height: float, roll: float, pitch: float) -> Float64:
    """p = n / h [3] in the camera's axes: n is along (tan roll, 1, tan pitch)."""
    normal = np.array([np.tan(roll), 1.0, np.tan(pitch)])
    return normal / np.linalg.norm(normal) * np.exp(-log_height)


def fit_road(views: NormalizedFrames, frame: int, log_height: float, pitch: float) -> RoadPlane | None:
    """The plane under a frame, from a first idea of height and pitch; None where no other frame shows it."""
    height = np.exp(log_height)
    targets = sorted({k for length in BASELINES for k in views.neighbours(frame, length * height)})
    if not targets:
        return None
    start = _searched(views, frame, log_height, pitch, targets)
    return _descended(views, road_patch(views, frame, pitch, PIXELS), start, pitch, targets)


def _searched(views: NormalizedFrames, frame: int, log_height: float, pitch: float, targets: Sequence[int]) -> float:
    """The log height near the given one under which the other frames look most alike."""
    patch = road_patch(views, frame, pitch, SEARCH_PIXELS)
    candidates = log_height + SEARCH
    scores = [sum(likeness(views, patch, plane_vector(u, 0.0, pitch), k) for k in targets) for u in candidates]
    return float(candidates[int(np.argmax(scores))])


def _descended(
    views: NormalizedFrames, patch: Patch, log_height: float, pitch: float, targets: Sequence[int]
) -> RoadPlane | None:
    """Gauss-Newton in q = (u, a, b), the plane being exp(-u) (a, 1, b)."""
    mean = np.array([0.0, 0.0, np.tan(pitch)])
    trust = np.array([0.0, ROLL_SIGMA**-2, PITCH_SIGMA**-2])
    q = np.array([log_height - np.log(np.cos(pitch)), 0.0, np.tan(pitch)])
    for _ in range(MAX_STEPS):
        sights = [(k, warp_patch(views, patch, _plane(q), k)) for k in targets]
        shown = [(k, sight) for k, sight in sights if sight]
        if not shown:
            return None
        hessian, gradient = np.diag(trust), trust * (mean - q)
        for k, sight in shown:
            h, g = _normal_equations(views, patch, q, k, sight)
            hessian, gradient = hessian + h, gradient + g
        if np.linalg.cond(hessian) > 1e12:
            return None
        step = np.linalg.solve(hessian, gradient)
        q = q + step * min(1.0, LONGEST_STEP / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < SMALL_STEP:
            break
    alike = [ncc(patch.values[sight.seen], sight.values) for _, sight in shown]
    return RoadPlane(
        -float(np.log(np.linalg.norm(_plane(q)))),
        float(np.arctan(q[1])),
        float(np.arctan(q[2])),
        float(np.sqrt(np.linalg.inv(hessian)[0, 0])),
        float(np.median(alike)),
    )


def _plane(q: Float64) -> Float64:
    return np.exp(-q[0]) * np.array([q[1], 1.0, q[2]])


def _normal_equations(
    views: NormalizedFrames, patch: Patch, q: Float64, target: int, sight: WarpedPatch
) -> tuple[Float64, Float64]:
    """Hessian [3,3] and negative gradient [3] of one frame's residuals, each worth 1/REDUNDANCY of a measurement."""
    jacobian = _jacobian(views, patch, q, target, sight)
    residual = sight.values - patch.values[sight.seen]
    residual = residual - np.median(residual)
    sigma = mad_sigma(residual, 0.0) + 1e-6
    weight = (1 + np.square(residual / (LOSS * sigma))) ** -2 / (REDUNDANCY * sigma**2)
    weighted = jacobian * weight[:, None]
    return jacobian.T @ weighted, -weighted.T @ residual


def _jacobian(views: NormalizedFrames, patch: Patch, q: Float64, target: int, sight: WarpedPatch) -> Float64:
    """Derivative [Q,3] of what the target shows by u, a, b: a ray R r + (p . r) t moves by t (dp . r)."""
    k = views.intrinsics[target]
    t = views.target_from_reference(patch.frame, target)[1]
    z = sight.rays[:, 2]
    x_per_length = k[0, 0] * (t[0] - sight.rays[:, 0] / z * t[2]) / z
    y_per_length = k[1, 1] * (t[1] - sight.rays[:, 1] / z * t[2]) / z
    per_inverse_depth = sight.gradient[:, 0] * x_per_length + sight.gradient[:, 1] * y_per_length
    rays = patch.rays[sight.seen]
    moves = np.stack([-(rays @ _plane(q)), np.exp(-q[0]) * rays[:, 0], np.exp(-q[0]) * rays[:, 2]], axis=1)
    return per_inverse_depth[:, None] * moves
