"""Inverses of information and covariance matrices, taken in units of their own diagonal.

Their rows have different units (lengths, radians, log-scale), which would make plain inverses inexact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RIDGE = 1e-9  # of a correlation matrix: numbers of which a measurement says nothing
RANK = 1e-9  # of a correlation matrix: eigenvalues that count as zero


def inverse_of_definite(matrix: Array) -> Array:
    """Inverse [n,n] of a positive definite matrix."""
    units = diagonal_units(matrix)
    return np.linalg.inv(matrix / units) / units


def ridged_inverses(matrices: Array) -> Array:
    """Inverses [N,n,n] of positive semidefinite matrices; what they say nothing of becomes very uncertain."""
    units = diagonal_units(matrices)
    return np.linalg.inv(matrices / units + RIDGE * np.eye(matrices.shape[-1])) / units


def pseudo_inverses(matrices: Array, units: Array) -> Array:
    """Pseudo-inverses [N,n,n] of positive semidefinite matrices in given units [N,n,n]."""
    return np.linalg.pinv(matrices / units, rcond=RANK, hermitian=True) / units


def diagonal_units(matrices: Array) -> Array:
    """Products of the diagonal's roots [...,n,n]: over them, a covariance is a correlation. A zero counts as 1."""
    diagonal = np.einsum("...ii->...i", matrices)
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return size[..., :, None] * size[..., None, :]
