"""All seven numbers together: Gauss-Newton on ranges of points, camera centres and orientations.

The unknown is moved from the left, T <- exp(xi) T with xi in the order of `Sim3.log`; a point y = T q then moves by
[I, -hat(y), y] xi. What each kind of error may weigh comes from how it scatters over the frames (`autocorrelation`),
not from how many pixels there are: only so does the information of log(T^-1 truth) agree with the errors it predicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3
from ..geometry.robust_statistics import spread
from ..geometry.sim3_closed_forms import hat
from .autocorrelation import mean_variance
from .overlap import Overlap
from .scale import ScaleEstimate

Array = NDArray[np.float64]

LOSS = 3.0  # Geman-McClure: an error of this many sigmas counts a quarter
ROUNDS = 2
MAX_STEPS = 10
MEDIAN_NORM = 1.538  # of three normal numbers, in sigmas
SMALL_STEP = 1e-9
ORIENTATION_SIGMA = 0.003  # rad, where there are too few frames to tell
CENTRE_SIGMA = 0.01  # of the median depth, likewise
FLOORS = (1e-5, 1e-5, 1e-4)  # of the orientations' (rad), centres' and points' sigma (median depth)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Errors of one kind, of 3 components or 1, and by how much a step xi lessens them: errors - jacobian xi."""

    errors: Array  # [N,D]
    jacobian: Array  # [N,D,7]


@dataclass(frozen=True, eq=False)
class Noise:
    """How large errors of each kind are, and the weight of each of them; fixed while the unknown moves."""

    sigmas: tuple[float, float, float]  # orientations, centres, points
    weights: tuple[Array, ...]  # of orientations, centres, points; sum: how many independent errors there are


def refine(overlap: Overlap, start: Sim3, scale: ScaleEstimate | None, unknowns: int) -> tuple[Sim3, Noise]:
    """The transform with the first `unknowns` of its seven numbers refined, and the noise there.

    The noise is measured anew in each round, as the errors shrink.
    """
    best = start
    for _ in range(ROUNDS):
        best = gauss_newton(overlap, best, measure_noise(overlap, best, scale), unknowns)
    return best, measure_noise(overlap, best, scale)


def gauss_newton(overlap: Overlap, start: Sim3, noise: Noise, unknowns: int) -> Sim3:
    """The transform at the end of Gauss-Newton steps; `start` itself if the robust cost is higher there."""
    transform = start
    for _ in range(MAX_STEPS):
        hessian, gradient = normal_equations(overlap, transform, noise)
        step = np.zeros(7)
        step[:unknowns] = np.linalg.solve(_add_ridge(hessian)[:unknowns, :unknowns], gradient[:unknowns])
        transform = Sim3.exp(step) @ transform
        if np.abs(step).max() < SMALL_STEP:
            break
    return transform if cost(overlap, transform, noise) <= cost(overlap, start, noise) else start


def measure_noise(overlap: Overlap, transform: Sim3, scale: ScaleEstimate | None) -> Noise:
    """Sizes of errors from the errors themselves, and how many independent ones there are (weights sum to that)."""
    orientations, centres, points = residuals(overlap, transform)
    angle, angle_weights = _camera_noise(orientations.errors, 1, ORIENTATION_SIGMA, FLOORS[0])
    centre, centre_weights = _camera_noise(centres.errors, 2, CENTRE_SIGMA, FLOORS[1])
    point, point_weights = _point_noise(points.errors, scale)
    return Noise((angle, centre, point), (angle_weights, centre_weights, point_weights))


def _camera_noise(errors: Array, fitted: int, default: float, floor: float) -> tuple[float, Array]:
    """Size of one component (the default where there are too few frames to tell), and weights.

    Of `fitted` numbers a component has lost: its mean, and by scale and rotation a centre its trend.
    """
    frames = len(errors)
    if frames < fitted + 2:
        return default, np.full(frames, (frames + 2) / 3 / max(frames, 1))
    sigma = max(float(np.median(np.linalg.norm(errors, axis=1))) / MEDIAN_NORM, floor)
    return sigma, np.full(frames, sigma**2 / max(mean_variance(errors, fitted), floor**2) / frames)


def _point_noise(errors: Array, scale: ScaleEstimate | None) -> tuple[float, Array]:
    """Size of the points' errors, and weights by which their scale is together as uncertain as `scale` found it.

    Without a scale from depth the points have no weight.
    """
    if not len(errors):
        return FLOORS[2], np.zeros(0)
    trusted = np.ones(len(errors)) if scale is None else scale.pixel_weight
    sigma = max(spread(errors[:, 0], trusted, 0.0), FLOORS[2])
    if scale is None:
        return sigma, np.zeros(len(errors))
    independent = (sigma / max(scale.sigma, FLOORS[2])) ** 2
    return sigma, trusted * (independent / trusted.sum())


def residuals(overlap: Overlap, transform: Sim3) -> tuple[Residuals, Residuals, Residuals]:
    """Errors of orientations (rad), of centres (lengths), and of the logarithms of points' ranges."""
    previous, current = overlap.previous, overlap.current
    differences = transform.rotation @ current.rotations @ previous.rotations.transpose(0, 2, 1)
    angles = -Rotation.from_matrix(differences).as_rotvec() if len(differences) else np.zeros((0, 3))
    centres = transform.apply(current.centres)
    of_angles = np.broadcast_to(np.eye(7)[3:6], (len(angles), 3, 7))
    of_centres = np.concatenate([of_angles[:, :, 3:6], -hat(centres), centres[:, :, None]], axis=2)
    return (
        Residuals(angles, of_angles),
        Residuals(previous.centres - centres, of_centres),
        _range_residuals(overlap, transform),
    )


def _range_residuals(overlap: Overlap, transform: Sim3) -> Residuals:
    """Errors of points' ranges, each seen from its own window's camera, so that they speak of the scale alone.

    The same pixel of the same frame: where its ray starts and points to is the camera's error, common to a frame and
    counted already as that of its centre and orientation; a thousand pixels must not make it certain. Logarithms,
    since a difference divided by one window's noisy depth would favour the smaller scale.
    """
    ratios = np.log(overlap.previous.depths / overlap.current.depths) - np.log(transform.scale)
    return Residuals(ratios[:, None], np.broadcast_to(np.eye(7)[6:], (len(ratios), 1, 7)))


def point_errors(overlap: Overlap, transform: Sim3) -> Array:
    """How far points [M] are apart relative to their distance, across the ray (angle) and along it (log range)."""
    centres = overlap.previous.centres[overlap.frame]
    previous, current = overlap.previous.points - centres, transform.apply(overlap.current.points) - centres
    range_previous, range_current = np.linalg.norm(previous, axis=1), np.linalg.norm(current, axis=1)
    across = np.linalg.norm(previous / range_previous[:, None] - current / range_current[:, None], axis=1)
    return np.hypot(across, np.log(range_previous / range_current))


def cost(overlap: Overlap, transform: Sim3, noise: Noise) -> float:
    """Half the sum of Geman-McClure losses over all errors."""
    total = 0.0
    for kind, sigma, weights in zip(residuals(overlap, transform), noise.sigmas, noise.weights, strict=True):
        u = _squared_norms(kind.errors) / (LOSS * sigma) ** 2
        total += float(weights @ (u / (1 + u))) * LOSS**2 / 2
    return total


def normal_equations(overlap: Overlap, transform: Sim3, noise: Noise) -> tuple[Array, Array]:
    """Hessian [7,7] and right-hand side [7] of the step xi, in units of one sigma."""
    hessian, gradient = np.zeros((7, 7)), np.zeros(7)
    for kind, robust in _robust_weights(overlap, transform, noise):
        weighted = kind.jacobian * robust[:, None, None]
        hessian += np.tensordot(weighted, kind.jacobian, axes=((0, 1), (0, 1)))
        gradient += np.tensordot(weighted, kind.errors, axes=((0, 1), (0, 1)))
    return hessian, gradient


def _robust_weights(overlap: Overlap, transform: Sim3, noise: Noise) -> list[tuple[Residuals, Array]]:
    """Residuals of each kind and their weights [N] in the normal equations."""
    kinds = zip(residuals(overlap, transform), noise.sigmas, noise.weights, strict=True)
    return [(k, w / np.square(1 + _squared_norms(k.errors) / (LOSS * sigma) ** 2) / sigma**2) for k, sigma, w in kinds]


def _add_ridge(hessian: Array) -> Array:
    """The Hessian made safely positive definite: an unknown that nothing fixes is uncertain, not infinitely so."""
    return hessian + (1e-6 + 1e-12 * np.trace(hessian)) * np.eye(7)


def information(overlap: Overlap, transform: Sim3, noise: Noise) -> Array:
    """Information [7,7] of log(transform^-1 truth) between the unnormalised windows (right perturbation).

    The robust loss takes weight from outliers. Each kind's weights are scaled up to their sum without it, which is the
    number of independent errors: the loss says which errors to trust, not how many there are.
    """
    sums = [w.sum() / sigma**2 for w, sigma in zip(noise.weights, noise.sigmas, strict=True)]
    robust = [weights.sum() for _, weights in _robust_weights(overlap, transform, noise)]
    factors = [total / left if left > 0 else 1.0 for total, left in zip(sums, robust, strict=True)]
    whole = replace(noise, weights=tuple(w * f for w, f in zip(noise.weights, factors, strict=True)))
    hessian = _add_ridge(normal_equations(overlap, transform, whole)[0])
    step_from_residual = transform.adjoint() @ overlap.current.normalized_from_window.adjoint()
    omega = step_from_residual.T @ hessian @ step_from_residual
    return (omega + omega.T) / 2


def _squared_norms(errors: Array) -> Array:
    return np.einsum("ni,ni->n", errors, errors)
