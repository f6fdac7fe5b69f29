"""All seven numbers together: Gauss-Newton on ranges of points, camera centres and orientations.

The unknown is moved from the left, T <- exp(xi) T with xi in the order of `Sim3.log`; a point y = T q then moves by
[I, -hat(y), y] xi. What each kind of error may weigh comes from how it scatters over the frames (`series`), not from
how many pixels there are: the information that comes out is that of log(T^-1 truth), and honest.
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
    """Errors of one kind, of 3 components or 1, and how the step xi takes from them."""

    errors: Array  # [N,D]
    jacobian: Array  # [N,D,7]


@dataclass(frozen=True, eq=False)
class Noise:
    """How large errors of each kind are, and the weight of each of them; fixed while the unknown moves."""

    sigmas: tuple[float, float, float]  # orientations, centres, points
    weights: tuple[Array, ...]  # of orientations, centres, points; sum: how many independent errors there are


def refine(overlap: Overlap, start: Sim3, scale: ScaleEstimate | None, unknowns: int) -> tuple[Sim3, Noise]:
    """Refine the first `unknowns` of the seven numbers, the noise measured anew as the errors shrink."""
    best = start
    for _ in range(ROUNDS):
        best = descend(overlap, best, measure_noise(overlap, best, scale), unknowns)
    return best, measure_noise(overlap, best, scale)


def descend(overlap: Overlap, start: Sim3, noise: Noise, unknowns: int) -> Sim3:
    """Follow Gauss-Newton steps to their end; `start` itself if the robust cost is higher there."""
    found = start
    for _ in range(MAX_STEPS):
        hessian, gradient = normal_equations(overlap, found, noise)
        step = np.zeros(7)
        step[:unknowns] = np.linalg.solve(_ridged(hessian)[:unknowns, :unknowns], gradient[:unknowns])
        found = Sim3.exp(step) @ found
        if np.abs(step).max() < SMALL_STEP:
            break
    return found if cost(overlap, found, noise) <= cost(overlap, start, noise) else start


def measure_noise(overlap: Overlap, transform: Sim3, scale: ScaleEstimate | None) -> Noise:
    """Sizes of errors from the errors themselves, and how many independent ones there are (weights sum to that)."""
    orientations, centres, points = residuals(overlap, transform)
    turn, turn_weights = _camera_noise(orientations.errors, 1, ORIENTATION_SIGMA, FLOORS[0])
    centre, centre_weights = _camera_noise(centres.errors, 2, CENTRE_SIGMA, FLOORS[1])
    point, point_weights = _point_noise(points.errors, scale)
    return Noise((turn, centre, point), (turn_weights, centre_weights, point_weights))


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
    turned = transform.rotation @ current.rotations @ previous.rotations.transpose(0, 2, 1)
    angles = -Rotation.from_matrix(turned).as_rotvec() if len(turned) else np.zeros((0, 3))
    centres = transform.apply(current.centres)
    by_turning = np.broadcast_to(np.eye(7)[3:6], (len(angles), 3, 7))
    moved = np.concatenate([by_turning[:, :, 3:6], -hat(centres), centres[:, :, None]], axis=2)
    return (
        Residuals(angles, by_turning),
        Residuals(previous.centres - centres, moved),
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
    eye = overlap.previous.centres[overlap.frame]
    expected, found = overlap.previous.points - eye, transform.apply(overlap.current.points) - eye
    range_expected, range_found = np.linalg.norm(expected, axis=1), np.linalg.norm(found, axis=1)
    across = np.linalg.norm(expected / range_expected[:, None] - found / range_found[:, None], axis=1)
    return np.hypot(across, np.log(range_expected / range_found))


def cost(overlap: Overlap, transform: Sim3, noise: Noise) -> float:
    """Half the sum of Geman-McClure losses over all errors."""
    total = 0.0
    for kind, sigma, weights in zip(residuals(overlap, transform), noise.sigmas, noise.weights, strict=True):
        u = _squared(kind.errors) / (LOSS * sigma) ** 2
        total += float(weights @ (u / (1 + u))) * LOSS**2 / 2
    return total


def normal_equations(overlap: Overlap, transform: Sim3, noise: Noise) -> tuple[Array, Array]:
    """Hessian [7,7] and right-hand side [7] of the step xi, in units of one sigma."""
    hessian, gradient = np.zeros((7, 7)), np.zeros(7)
    for kind, robust in _weighted(overlap, transform, noise):
        pulled = kind.jacobian * robust[:, None, None]
        hessian += np.tensordot(pulled, kind.jacobian, axes=((0, 1), (0, 1)))
        gradient += np.tensordot(pulled, kind.errors, axes=((0, 1), (0, 1)))
    return hessian, gradient


def _weighted(overlap: Overlap, transform: Sim3, noise: Noise) -> list[tuple[Residuals, Array]]:
    """Residuals of each kind and their weights [N] in the normal equations."""
    kinds = zip(residuals(overlap, transform), noise.sigmas, noise.weights, strict=True)
    return [(k, w / np.square(1 + _squared(k.errors) / (LOSS * sigma) ** 2) / sigma**2) for k, sigma, w in kinds]


def _ridged(hessian: Array) -> Array:
    """The Hessian made safely positive definite: an unknown that nothing fixes is uncertain, not infinitely so."""
    return hessian + (1e-6 + 1e-12 * np.trace(hessian)) * np.eye(7)


def information(overlap: Overlap, transform: Sim3, noise: Noise) -> Array:
    """Information [7,7] of log(transform^-1 truth) between the unnormalised windows (right perturbation).

    The loss shares the weights of the noise out among the errors; it does not lessen their sum.
    """
    sums = [w.sum() / sigma**2 for w, sigma in zip(noise.weights, noise.sigmas, strict=True)]
    robust = [weights.sum() for _, weights in _weighted(overlap, transform, noise)]
    factors = [total / left if left > 0 else 1.0 for total, left in zip(sums, robust, strict=True)]
    whole = replace(noise, weights=tuple(w * f for w, f in zip(noise.weights, factors, strict=True)))
    hessian = _ridged(normal_equations(overlap, transform, whole)[0])
    step_from_residual = transform.adjoint() @ overlap.current.normal_from_window.adjoint()
    omega = step_from_residual.T @ hessian @ step_from_residual
    return (omega + omega.T) / 2


def _squared(errors: Array) -> Array:
    return np.einsum("ni,ni->n", errors, errors)
