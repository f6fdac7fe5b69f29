"""The maxima of a log-likelihood over directions, of which opposite ones are one; and its curvature there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..types import Float64

_DIRECTIONS = 4000  # 3 degrees apart
_APART = np.cos(np.radians(15.0))  # of maxima that count as two
_UNLIKELY = 7.0  # log-likelihood below that of the best, at which a maximum does not count
_STEP = 1e-3  # rad, for derivatives
WIDEST = np.radians(60.0)  # sigma along an axis that nothing determines
_STARTS = 40  # from which maxima are sought, at most
_HALVES = 0.5 ** np.arange(12)[:, None]  # of a step

LogLikelihood = Callable[[Float64], Float64]  # of directions [G,3], [G]


def best_direction(log: LogLikelihood, candidates: Float64) -> Float64:
    """The most likely direction."""
    directions = np.concatenate([candidates, _sphere()])
    return _climb(log, directions[np.argmax(log(directions))])


def maxima(log: LogLikelihood, candidates: Float64) -> list[tuple[float, Float64]]:
    """Values and directions of the maxima that are at all likely, best first; opposite directions are one."""
    directions = np.concatenate([candidates, _sphere()])
    values = log(directions)
    starts, found = list[Float64](), list[tuple[float, Float64]]()
    for k in np.argsort(-values, kind="stable")[: len(values) // 2]:
        starts = [*starts, directions[k]] if all(abs(one @ directions[k]) < _APART for one in starts) else starts
        if values[k] < values.max() - _UNLIKELY or len(starts) == _STARTS:
            break
    for start in starts:
        climbed = _climb(log, start)
        if all(abs(direction @ climbed) < _APART for _, direction in found):
            found.append((float(log(climbed[None])[0]), climbed))
    return sorted(found, key=lambda pair: -pair[0])


def _sphere() -> Float64:
    """Directions evenly over half of the sphere (Fibonacci's lattice)."""
    k = np.arange(_DIRECTIONS // 2) + 0.5
    z, longitude = k / (_DIRECTIONS // 2), np.pi * (1 + np.sqrt(5)) * k
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(longitude), radius * np.sin(longitude), z], axis=1)


def _climb(log: LogLikelihood, start: Float64) -> Float64:
    """The maximum near a direction, by Newton's method with the best of shorter and shorter steps."""
    direction, value = start, float(log(start[None])[0])
    for _ in range(50):
        tangents, gradient, hessian = _derivatives(log, direction)
        step = np.linalg.solve(_definite(-hessian), gradient)
        step *= min(1.0, 0.2 / max(float(np.linalg.norm(step)), 1e-300))
        moved = direction + _HALVES * (step @ tangents)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        values = log(moved)
        if values.max() <= value + 1e-10:
            break
        direction, value = moved[values.argmax()], float(values.max())
    return direction


def covariance(log: LogLikelihood, direction: Float64) -> Float64:
    """[2,2] along the tangents, in rad², by the curvature."""
    return np.asarray(np.linalg.inv(_definite(-_derivatives(log, direction)[2])))


def _definite(information: Float64) -> Float64:
    """With eigenvalues of a sigma that is no wider than an axis that nothing determines."""
    values, vectors = np.linalg.eigh(information)
    return np.asarray(vectors * np.maximum(values, WIDEST**-2) @ vectors.T)


def _derivatives(log: LogLikelihood, direction: Float64) -> tuple[Float64, Float64, Float64]:
    """Tangents [2,3], and gradient [2] and Hessian [2,2] along them, by central differences."""
    tangents = tangents_of(direction)
    a, b = np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij")
    moved = direction + _STEP * (a[..., None] * tangents[0] + b[..., None] * tangents[1])
    f = log((moved / np.linalg.norm(moved, axis=-1, keepdims=True)).reshape(-1, 3)).reshape(3, 3)
    gradient = np.array([f[2, 1] - f[0, 1], f[1, 2] - f[1, 0]]) / (2 * _STEP)
    both = (f[2, 2] - f[2, 0] - f[0, 2] + f[0, 0]) / 4
    hessian = np.array([[f[2, 1] - 2 * f[1, 1] + f[0, 1], both], [both, f[1, 2] - 2 * f[1, 1] + f[1, 0]]])
    return tangents, gradient, hessian / _STEP**2


def tangents_of(direction: Float64) -> Float64:
    """Two unit vectors [2,3] across a direction."""
    x, y, z = direction
    first = np.array([0.0, -z, y]) if abs(x) < 0.6 else np.array([z, 0.0, -x])
    a, b, c = first = first / np.sqrt(first @ first)
    return np.array([first, [y * c - z * b, z * a - x * c, x * b - y * a]])
