"""Least-squares similarity between two point sets, and the nearest rotation to a matrix: both from an SVD.

Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (TPAMI 1991), equations
34-43, with weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .sim3 import Sim3


def umeyama(target: ArrayLike, source: ArrayLike, weights: ArrayLike | None = None, *, with_scale: bool = True) -> Sim3:
    """`target_from_source` minimising sum w |target - (s R source + t)|^2 over points [N,3].

    Point sets without extent give scale 1; with points on one line the roll about it is arbitrary, the map is exact.
    """
    y, x = np.asarray(target, np.float64), np.asarray(source, np.float64)
    w = np.full(len(x), 1.0) if weights is None else np.asarray(weights, np.float64)
    w = w / w.sum()
    mean_y, mean_x = w @ y, w @ x
    dy, dx = y - mean_y, x - mean_x
    rotation, trace = _best_rotation((dy * w[:, None]).T @ dx)
    variance = float(w @ (dx * dx).sum(axis=1))
    scale = trace / variance if with_scale and variance > 0 and trace > 0 else 1.0
    return Sim3(scale, rotation, mean_y - scale * rotation @ mean_x)


def nearest_rotations(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotations closest to matrices [...,3,3] (singular values replaced by 1, 1, +-1)."""
    u, _, vt = np.linalg.svd(matrices)
    u[..., 2] *= np.linalg.det(u @ vt)[..., None]
    return u @ vt


def _best_rotation(covariance: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The proper rotation R maximising trace(R^T covariance), and that trace."""
    u, d, vt = np.linalg.svd(covariance)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return (u * sign) @ vt, float(d @ sign)
