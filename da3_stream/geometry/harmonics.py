"""Colours that depend on the direction of sight: real spherical harmonics up to degree 3, in the order and with the
signs that Gaussian splats have (Kerbl et al., "3D Gaussian splatting for real-time radiance field rendering", 2023).

Harmonics of one degree are closed under rotation, so their coefficients are turned exactly: by the linear map that
gives the turned colours in some directions, solved for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_DEGREE = 3

Float64 = NDArray[np.float64]


def harmonics(directions: Float64, degree: int) -> Float64:
    """The harmonics of degrees 0 to `degree` at unit vectors [D,3] -> [D,(degree+1)^2]."""
    x, y, z = directions.T
    return np.stack([np.broadcast_to(value, x.shape) for value in harmonic_terms(x, y, z, degree)], axis=1)


def harmonic_terms(x: Any, y: Any, z: Any, degree: int) -> list[Any]:
    """The same one by one, (degree+1)^2 of them, of arrays or tensors x, y, z of one shape; the first is a number."""
    bands = [
        [math.sqrt(1 / (4 * math.pi))],
        [math.sqrt(3 / (4 * math.pi)) * value for value in (-y, z, -x)],
        [
            math.sqrt(15 / (16 * math.pi)) * value
            for value in (2 * x * y, -2 * y * z, (2 * z * z - x * x - y * y) / math.sqrt(3), -2 * x * z, x * x - y * y)
        ],
        [
            math.sqrt(7 / (16 * math.pi)) * value
            for value in (
                -y * (3 * x * x - y * y) * math.sqrt(2.5),
                x * y * z * 2 * math.sqrt(15),
                -y * (4 * z * z - x * x - y * y) * math.sqrt(1.5),
                z * (2 * z * z - 3 * x * x - 3 * y * y),
                -x * (4 * z * z - x * x - y * y) * math.sqrt(1.5),
                z * (x * x - y * y) * math.sqrt(15),
                -x * (x * x - 3 * y * y) * math.sqrt(2.5),
            )
        ],
    ]
    return [value for band in bands[: degree + 1] for value in band]


def harmonics_turn(turn: Float64, degree: int) -> Float64:
    """The matrix that turns coefficients of degrees 1 to `degree` by a rotation [3,3]: colour'(turn d) = colour(d)."""
    directions = np.random.default_rng(0).normal(size=(64, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    before, after = (harmonics(where, degree)[:, 1:] for where in (directions, directions @ turn.T))
    matrix, first = np.zeros((before.shape[1], before.shape[1])), 0
    for order in range(1, degree + 1):
        band = slice(first, first + 2 * order + 1)
        matrix[band, band] = np.linalg.lstsq(after[:, band], before[:, band])[0]
        first = band.stop
    return matrix
