"""All seven numbers together: Gauss-Newton on points relative to their depth, camera centres and orientations.

The unknown is moved from the left, T <- exp(xi) T with xi in the order of `Sim3.log`; a point y = T q then moves by
[I, -hat(y), y] xi, so that the normal equations of any number of points are a few moments of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3
from ..geometry.sim3 import hat
from .overlap import Overlap
from .robust import MAD_TO_SIGMA, independent_count, weighted_median
from .scale import ScaleEstimate

Array = NDArray[np.float64]

LOSS = 3.0  # Geman-McClure: an error of this many sigmas counts a quarter
ROUNDS = 2
MAX_STEPS = 10
SMALL_STEP = 1e-9
ORIENTATION_SIGMA = 0.003  # rad, where there are too few frames to tell
CENTRE_SIGMA = 0.01  # of the median depth, likewise
FLOORS = (1e-5, 1e-5, 1e-4)  # of the orientations' (rad), centres' and points' sigma (median depth)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Errors of one kind with what turns them into normal equations."""

    errors: Array  # [N,3]
    moved: Array  # [N,3] where the error's point is: y = T q
    inverse_length: Array  # [N]: an error is a displacement times this


@dataclass(frozen=True, eq=False)
class Noise:
    """How large errors of each kind are, and the weight of each of them; fixed while the unknown moves."""

    sigmas: tuple[float, float, float]  # orientations, centres, points
    weights: tuple[Array, Array, Array]  # sum: how many independent errors there are


def refine(overlap: Overlap, start: Sim3, scale: ScaleEstimate | None, unknowns: int) -> tuple[Sim3, Noise]:
    """Refine the first `unknowns` of the seven numbers, the noise measured anew as the errors shrink."""
    best = start
    for _ in range(ROUNDS):
        best = descend(overlap, best, measure_noise(overlap, best, scale), unknowns)
    return best, measure_noise(overlap, best, scale)


def descend(overlap: Overlap, start: Sim3, noise: Noise, unknowns: int) -> Sim3:
    """Follow Gauss-Newton steps to their end; `start` itself if the robust cost is not lower there."""
    found = start
    for _ in range(MAX_STEPS):
        hessian, gradient = normal_equations(overlap, found, noise)
        step = np.zeros(7)
        step[:unknowns] = np.linalg.solve(_ridged(hessian)[:unknowns, :unknowns], gradient[:unknowns])
        found = Sim3.exp(step) @ found
        if np.abs(step).max() < SMALL_STEP:
            break
    return found if cost(overlap, found, noise) < cost(overlap, start, noise) else start


def measure_noise(overlap: Overlap, transform: Sim3, scale: ScaleEstimate | None) -> Noise:
    """Sizes of errors from the errors themselves, and how many independent ones there are (weights sum to that)."""
    orientations, centres, points = residuals(overlap, transform)
    turn, turn_weights = _camera_noise(orientations.errors, 3, ORIENTATION_SIGMA, FLOORS[0])
    centre, centre_weights = _camera_noise(centres.errors, 4, CENTRE_SIGMA, FLOORS[1])
    point, point_weights = _point_noise(points.errors, scale)
    return Noise((turn, centre, point), (turn_weights, centre_weights, point_weights))


def _camera_noise(errors: Array, fitted: int, default: float, floor: float) -> tuple[float, Array]:
    """Size of one component, corrected for the numbers fitted (the default below three frames), and weights."""
    frames = len(errors)
    weights = np.full(frames, independent_count(errors) / max(frames, 1))
    if frames < 3:
        return default, weights
    sigma = MAD_TO_SIGMA * np.median(np.abs(errors)) * np.sqrt(errors.size / (errors.size - fitted))
    return max(float(sigma), floor), weights


def _point_noise(errors: Array, scale: ScaleEstimate | None) -> tuple[float, Array]:
    """Size of the points' errors, and weights by which their scale is together as uncertain as `scale` found it."""
    if scale is None or not len(errors):
        return FLOORS[2], np.zeros(len(errors))
    sigma = max(MAD_TO_SIGMA * weighted_median(np.linalg.norm(errors, axis=1), scale.pixel_weight), FLOORS[2])
    independent = (sigma / max(scale.sigma, FLOORS[2])) ** 2
    return sigma, scale.pixel_weight * (independent / scale.pixel_weight.sum())


def residuals(overlap: Overlap, transform: Sim3) -> tuple[Residuals, Residuals, Residuals]:
    """Errors of orientations (rad), centres (lengths) and points (log range along the ray, angle across it).

    Logarithms, since a difference divided by one window's noisy depth would favour the smaller scale.
    """
    previous, current = overlap.previous, overlap.current
    turned = transform.rotation @ current.rotations @ previous.rotations.transpose(0, 2, 1)
    angles = -Rotation.from_matrix(turned).as_rotvec() if len(turned) else np.zeros((0, 3))
    centres = transform.apply(current.centres)
    ones = np.ones(len(centres))
    return (
        Residuals(angles, np.zeros_like(angles), ones),
        Residuals(previous.centres - centres, centres, ones),
        _point_residuals(overlap, transform),
    )


def _point_residuals(overlap: Overlap, transform: Sim3) -> Residuals:
    """Errors of points, their lengths the mean of both windows'.

    One window's own noisy range in the Jacobian would correlate with the error and shift the translation by
    sigma^2 of a depth along the line of sight.
    """
    eye = overlap.previous.centres[overlap.frame]
    expected, found = overlap.previous.points - eye, transform.apply(overlap.current.points) - eye
    range_expected, range_found = np.linalg.norm(expected, axis=1), np.linalg.norm(found, axis=1)
    ray = found / range_found[:, None]
    errors = expected / range_expected[:, None] - ray + np.log(range_expected / range_found)[:, None] * ray
    length = np.sqrt(range_expected * range_found)
    return Residuals(errors, eye + ray * length[:, None], 1 / length)


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
    kinds = residuals(overlap, transform)
    for number, (kind, sigma, weights) in enumerate(zip(kinds, noise.sigmas, noise.weights, strict=True)):
        robust = weights / np.square(1 + _squared(kind.errors) / (LOSS * sigma) ** 2) / sigma**2
        if number == 0:
            hessian[3:6, 3:6] += robust.sum() * np.eye(3)
            gradient[3:6] += robust @ kind.errors
        else:
            h, g = _moments(kind, robust)
            hessian, gradient = hessian + h, gradient + g
    return hessian, gradient


def _moments(kind: Residuals, weights: Array) -> tuple[Array, Array]:
    """Normal equations of displaced points: sums of a, a y, a y y^T and of y's moments with the errors."""
    y = kind.moved
    a = weights * kind.inverse_length**2
    force = kind.errors * (weights * kind.inverse_length)[:, None]
    first, second = a @ y, (y * a[:, None]).T @ y
    h = np.zeros((7, 7))
    h[:3, :3] = a.sum() * np.eye(3)
    h[:3, 3:6] = -hat(first)
    h[3:6, :3] = hat(first)
    h[:3, 6] = h[6, :3] = first
    h[3:6, 3:6] = np.trace(second) * np.eye(3) - second
    h[6, 6] = np.trace(second)
    return h, np.concatenate([force.sum(axis=0), np.cross(y, force).sum(axis=0), [(y * force).sum()]])


def _ridged(hessian: Array) -> Array:
    """The Hessian made safely positive definite: an unknown that nothing fixes is uncertain, not infinitely so."""
    return hessian + (1e-6 + 1e-12 * np.trace(hessian)) * np.eye(7)


def information(overlap: Overlap, transform: Sim3, noise: Noise) -> Array:
    """Information [7,7] of log(transform^-1 truth) between the unnormalised windows (right perturbation)."""
    hessian = _ridged(normal_equations(overlap, transform, noise)[0])
    step_from_residual = transform.adjoint() @ overlap.current.normal_from_window.adjoint()
    omega = step_from_residual.T @ hessian @ step_from_residual
    return (omega + omega.T) / 2


def _squared(errors: Array) -> Array:
    return np.einsum("ni,ni->n", errors, errors)
