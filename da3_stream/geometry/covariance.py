"""Inverses of information and covariance matrices, taken in units of their own diagonal.

Their rows have different units (lengths, radians, log-scale), which would make plain inverses inexact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RIDGE = 1e-9  # added to the diagonal of a correlation matrix, for components without information
RANK = 1e-9  # of a correlation matrix: eigenvalues that count as zero


def inverse_of_definite(matrix: Array) -> Array:
    """Inverse [n,n] of a positive definite matrix."""
    units = diagonal_units(matrix)
    return np.linalg.inv(matrix / units) / units


def ridged_inverses(matrices: Array) -> Array:
    """Inverses [N,n,n] of positive semidefinite matrices; components without information get a large covariance."""
    units = diagonal_units(matrices)
    return np.linalg.inv(matrices / units + RIDGE * np.eye(matrices.shape[-1])) / units


def pseudo_inverses(matrices: Array, units: Array) -> Array:
    """Pseudo-inverses [N,n,n] of positive semidefinite matrices in given units [N,n,n]."""
    return np.linalg.pinv(matrices / units, rcond=RANK, hermitian=True) / units


def diagonal_units(matrices: Array) -> Array:
    """Products [...,n,n] of the diagonal's roots (1 for a zero); a covariance over them is a correlation."""
    diagonal = np.einsum("...ii->...i", matrices)
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return size[..., :, None] * size[..., None, :]
