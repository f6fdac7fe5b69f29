"""Information and covariance matrices, whose rows have different units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def inverse_of_definite(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse [n,n] of a positive definite matrix, taken in units of its own diagonal."""
    size = np.sqrt(np.diag(matrix))
    return np.linalg.inv(matrix / np.outer(size, size)) / np.outer(size, size)
