"""Closed forms of Sim(3) for many transforms at once, in the order of `Sim3.log`: [rho, rotation vector, log-scale].

A function of W (the cross product with a rotation vector of length theta) is the sum of its values on W's eigenvalues
0, +i theta, -i theta times the projectors on them; a block triangular matrix of such functions has divided differences
off its diagonal (Higham, "Functions of matrices", 2008, theorems 1.26 and 4.11). Nothing is truncated above rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complexfloating]

SERIES_RADIUS = 0.5  # below it, 7 terms of the Bernoulli series are exact to 3e-18
CLOSE = 0.25  # difference of two arguments below which their divided difference is not computed as a quotient
BERNOULLI = (  # B_2k / (2k)!, k = 1, 2, ...
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
)


def hat(v: Array) -> Array:
    """Matrices [...,3,3] of the cross products with vectors [...,3]."""
    out = np.zeros((*v.shape[:-1], 3, 3))
    out[..., 2, 1], out[..., 0, 2], out[..., 1, 0] = v[..., 0], v[..., 1], v[..., 2]
    return out - np.swapaxes(out, -1, -2)


def phi1(z: Complex) -> Complex:
    """(exp(z) - 1) / z, continued by 1 at 0 (dividing by a subnormal z overflows)."""
    zero = np.abs(z) < 1e-150
    return np.where(zero, 1.0, np.expm1(z) / np.where(zero, 1.0, z))


def v_matrices(rotvecs: Array, log_scales: Array) -> Array:
    """V [N,3,3] with t = V rho (Eade, section 6.2), from rotation vectors [N,3] and log-scales [N]."""
    return _on_spectrum(phi1, rotvecs, log_scales)


def inverse_v_matrices(rotvecs: Array, log_scales: Array) -> Array:
    """V^-1 [N,3,3] with rho = V^-1 t, for angles below 2 pi: 1 / phi1(z) is f(-z)."""
    return _on_spectrum(lambda z: _todd(-z), rotvecs, log_scales)


def adjoints(scales: Array, rotations: Array, translations: Array) -> Array:
    """Ad [N,7,7] with T exp(xi) T^-1 = exp(Ad xi), of transforms given by [N], [N,3,3] and [N,3]."""
    out = np.zeros((len(scales), 7, 7))
    out[:, :3, :3] = scales[:, None, None] * rotations
    out[:, :3, 3:6] = hat(translations) @ rotations
    out[:, :3, 6] = -translations
    out[:, 3:6, 3:6] = rotations
    out[:, 6, 6] = 1.0
    return out


def inverse_right_jacobians(tangents: Array) -> Array:
    """J [N,7,7] with log(exp(xi) exp(d)) = xi + J d + O(d^2), at tangents xi [N,7] with angles up to pi.

    J = ad / (1 - exp(-ad)): near zero by its Bernoulli series in ad, elsewhere by the spectrum of ad.
    """
    out = np.empty((len(tangents), 7, 7))
    near = np.hypot(np.linalg.norm(tangents[:, 3:6], axis=1), tangents[:, 6]) < SERIES_RADIUS
    out[near] = _jacobians_by_series(tangents[near])
    out[~near] = _jacobians_by_spectrum(tangents[~near])
    return out


def _ad(tangents: Array) -> Array:
    """The matrices [N,7,7] whose exponentials are the adjoints."""
    out = np.zeros((len(tangents), 7, 7))
    w = hat(tangents[:, 3:6])
    out[:, :3, :3] = w + tangents[:, 6, None, None] * np.eye(3)
    out[:, :3, 3:6] = hat(tangents[:, :3])
    out[:, :3, 6] = -tangents[:, :3]
    out[:, 3:6, 3:6] = w
    return out


def _jacobians_by_series(tangents: Array) -> Array:
    """1 + ad/2 + sum B_2k/(2k)! ad^2k by Horner's rule; rho enters each power once, so its size does not matter."""
    ad = _ad(tangents)
    square = ad @ ad
    total = BERNOULLI[-1] * square
    for coefficient in BERNOULLI[-2::-1]:
        total = square @ (total + coefficient * np.eye(7))
    return np.eye(7) + ad / 2 + total


def _jacobians_by_spectrum(tangents: Array) -> Array:
    """Blocks f(log-scale + W), f(W), 1 on the diagonal, f(z) = z / (1 - exp(-z)); divided differences above."""
    rho, rotvecs, log_scales = tangents[:, :3], tangents[:, 3:6], tangents[:, 6]
    projectors, theta = _projectors(rotvecs)
    differences = _differences(log_scales, theta)
    left, right = projectors, hat(rho)[:, None] @ projectors
    out = np.zeros((len(tangents), 7, 7))
    out[:, :3, :3] = _on_spectrum(_todd, rotvecs, log_scales)
    out[:, :3, 3:6] = np.einsum("njk,njab,nkbc->nac", differences, left, right, optimize=True).real
    out[:, :3, 6] = -np.einsum("nj,njab,nb->na", differences[:, :, 0], projectors, rho, optimize=True).real
    out[:, 3:6, 3:6] = _on_spectrum(_todd, rotvecs, np.zeros_like(log_scales))
    out[:, 6, 6] = 1.0
    return out


def _differences(log_scales: Array, theta: Array) -> Complex:
    """Divided differences [N,3,3] of f between log-scale + W's eigenvalues and W's own (0, +i theta, -i theta)."""
    eigenvalues = 1j * theta[:, None] * np.array([0.0, 1.0, -1.0])
    x, y = (eigenvalues + log_scales[:, None])[:, :, None], eigenvalues[:, None, :]
    step = x - y
    close = np.abs(step) < CLOSE
    out = (_todd(x) - _todd(y)) / np.where(close, 1.0, step)
    own = np.stack([_todd_slope(log_scales), *_close_difference(eigenvalues[:, 1:], log_scales[:, None]).T], axis=1)
    return np.where(close, np.eye(3) * own[:, :, None], out)


def _close_difference(y: Complex, step: Array) -> Complex:
    """f[y + step, y] where y is not near zero: with g = 1 - exp(-z), 1/g(x) - y g[x,y] / (g(x) g(y))."""
    safe_y = np.where(np.abs(y) < CLOSE, 1j, y)
    at_x, at_y = -np.expm1(-(safe_y + step)), -np.expm1(-safe_y)
    at_x = np.where(np.abs(at_x) < 1e-12, 1.0, at_x)  # far steps, whose value is not used
    return 1 / at_x - safe_y * np.exp(-safe_y) * phi1(-step + 0j) / (at_x * at_y)


def _todd(z: Complex) -> Complex:
    """z / (1 - exp(-z)), continued by 1 at 0."""
    zero = np.abs(z) < 1e-150
    return np.where(zero, 1.0, z / np.where(zero, 1.0, -np.expm1(-z)))


def _todd_slope(x: Array) -> Array:
    """(f(x) - 1) / x: by its series near zero, where the quotient cancels."""
    series = sum(c * x ** (2 * k + 1) for k, c in enumerate(BERNOULLI)) + 0.5
    near = np.abs(x) < SERIES_RADIUS
    return np.where(near, series, (_todd(x + 0j).real - 1) / np.where(near, 1.0, x))


def _projectors(rotvecs: Array) -> tuple[Complex, Array]:
    """Projectors [N,3,3,3] on W's eigenvalues 0, +i theta, -i theta, and theta [N]."""
    axes, theta = _axes(rotvecs)
    along = axes[:, :, None] * axes[:, None, :]
    plus = (np.eye(3) - along - 1j * hat(axes)) / 2
    return np.stack([along + 0j, plus, plus.conj()], axis=1), theta


def _on_spectrum(function: Callable[[Complex], Complex], rotvecs: Array, log_scales: Array) -> Array:
    """function(log-scale + W) [N,3,3] of a real analytic function, from its values on the axis and in the plane."""
    axes, theta = _axes(rotvecs)
    along = axes[:, :, None] * axes[:, None, :]
    axis_value = function(log_scales + 0j).real[:, None, None]
    plane_value = function(log_scales + 1j * theta)[:, None, None]
    return axis_value * along + plane_value.real * (np.eye(3) - along) + plane_value.imag * hat(axes)


def _axes(rotvecs: Array) -> tuple[Array, Array]:
    """Unit axes [N,3] (z without a rotation) and angles [N]."""
    theta = np.linalg.norm(rotvecs, axis=1)
    zero = theta == 0
    return np.where(zero[:, None], np.array([0.0, 0.0, 1.0]), rotvecs / np.where(zero, 1.0, theta)[:, None]), theta
