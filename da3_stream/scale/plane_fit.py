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
from .patch import Patch, WarpedPatch, ncc, road_patch, warp_patch, warped_ncc

BASELINES = (0.7, 1.4)  # camera heights between a frame and the target frames it is compared with
# of log height about the start; its step is within Gauss-Newton's basin of convergence
SEARCH_GRID = np.linspace(-0.24, 0.24, 7)
PIXELS = 2000
SEARCH_PIXELS = 600
ROLL_SIGMA = 0.03  # rad about zero: cameras are mounted by eye
# rad about the direction of motion, which differs from the road's where the car heaves or the road bends
PITCH_SIGMA = 0.007
REDUNDANCY = 8.0  # pixels whose errors are correlated: as many count as one measurement
LOSS_SIGMAS = 1.5  # Geman-McClure: a residual of this many sigmas counts a quarter
MAX_STEPS = 8
STEP_TOLERANCE = 1e-3
MAX_STEP = 0.1


@dataclass(frozen=True)
class RoadPlane:
    """The road plane under one camera. Angles in rad; `sigma` is the standard deviation of `log_height`."""

    log_height: float
    roll: float
    pitch: float
    sigma: float
    ncc: float  # median normalised cross-correlation with the target frames


def plane_vector(log_height: float, roll: float, pitch: float) -> Float64:
    """The plane p = n / h [3] in the camera's axes, its normal n along (tan roll, 1, tan pitch)."""
    normal = np.array([np.tan(roll), 1.0, np.tan(pitch)])
    return normal / np.linalg.norm(normal) * np.exp(-log_height)


def fit_road(frames: NormalizedFrames, frame: int, log_height: float, pitch: float) -> RoadPlane | None:
    """The plane under a frame, from an initial log height and pitch; None where no neighbour shows the patch."""
    height = np.exp(log_height)
    targets = sorted({k for length in BASELINES for k in frames.neighbours(frame, length * height)})
    if not targets:
        return None
    start = _search_height(frames, frame, log_height, pitch, targets)
    return _refine_plane(frames, road_patch(frames, frame, pitch, PIXELS), start, pitch, targets)


def _search_height(
    frames: NormalizedFrames, frame: int, log_height: float, pitch: float, targets: Sequence[int]
) -> float:
    """The log height of the grid about the given one with the highest correlation with the target frames."""
    patch = road_patch(frames, frame, pitch, SEARCH_PIXELS)
    candidates = log_height + SEARCH_GRID
    scores = [sum(warped_ncc(frames, patch, plane_vector(u, 0.0, pitch), k) for k in targets) for u in candidates]
    return float(candidates[int(np.argmax(scores))])


def _refine_plane(
    frames: NormalizedFrames, patch: Patch, log_height: float, pitch: float, targets: Sequence[int]
) -> RoadPlane | None:
    """The plane at the minimum, by Gauss-Newton in q = (u, a, b) with the plane exp(-u) (a, 1, b).

    None where no target frame shows the patch or the images do not determine the plane.
    """
    mean = np.array([0.0, 0.0, np.tan(pitch)])
    prior = np.array([0.0, ROLL_SIGMA**-2, PITCH_SIGMA**-2])
    q = np.array([log_height - np.log(np.cos(pitch)), 0.0, np.tan(pitch)])
    for _ in range(MAX_STEPS):
        warps = [(k, warp_patch(frames, patch, _plane(q), k)) for k in targets]
        visible = [(k, warped) for k, warped in warps if warped]
        if not visible:
            return None
        hessian, gradient = np.diag(prior), prior * (mean - q)
        for k, warped in visible:
            h, g = _normal_equations(frames, patch, q, k, warped)
            hessian, gradient = hessian + h, gradient + g
        if np.linalg.cond(hessian) > 1e12:
            return None
        step = np.linalg.solve(hessian, gradient)
        q = q + step * min(1.0, MAX_STEP / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < STEP_TOLERANCE:
            break
    correlations = [ncc(patch.values[warped.inside], warped.values) for _, warped in visible]
    return RoadPlane(
        -float(np.log(np.linalg.norm(_plane(q)))),
        float(np.arctan(q[1])),
        float(np.arctan(q[2])),
        float(np.sqrt(np.linalg.inv(hessian)[0, 0])),
        float(np.median(correlations)),
    )


def _plane(q: Float64) -> Float64:
    return np.exp(-q[0]) * np.array([q[1], 1.0, q[2]])


def _normal_equations(
    frames: NormalizedFrames, patch: Patch, q: Float64, target: int, warped: WarpedPatch
) -> tuple[Float64, Float64]:
    """Hessian [3,3] and negative gradient [3] of one target frame, each pixel weighted 1 / REDUNDANCY."""
    jacobian = _jacobian(frames, patch, q, target, warped)
    residual = warped.values - patch.values[warped.inside]
    residual = residual - np.median(residual)
    sigma = mad_sigma(residual, 0.0) + 1e-6
    weight = (1 + np.square(residual / (LOSS_SIGMAS * sigma))) ** -2 / (REDUNDANCY * sigma**2)
    weighted = jacobian * weight[:, None]
    return jacobian.T @ weighted, -weighted.T @ residual


def _jacobian(frames: NormalizedFrames, patch: Patch, q: Float64, target: int, warped: WarpedPatch) -> Float64:
    """Derivative [Q,3] of the warped values by (u, a, b): a ray R r + (p . r) t moves by t (dp . r)."""
    k = frames.intrinsics[target]
    t = frames.target_from_reference(patch.frame, target)[1]
    z = warped.rays[:, 2]
    x_per_length = k[0, 0] * (t[0] - warped.rays[:, 0] / z * t[2]) / z
    y_per_length = k[1, 1] * (t[1] - warped.rays[:, 1] / z * t[2]) / z
    along_x, along_y = warped.gradient.T
    per_inverse_depth = along_x * x_per_length + along_y * y_per_length
    rays = patch.rays[warped.inside]
    moves = np.stack([-(rays @ _plane(q)), np.exp(-q[0]) * rays[:, 0], np.exp(-q[0]) * rays[:, 2]], axis=1)
    return per_inverse_depth[:, None] * moves
