"""One step of elimination: the normal equations of a part's own submaps are solved for, given those at its border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from da3_stream.errors import PoseGraphError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Eliminated:
    """The factors of equations H d = -g, solved for the part's own unknowns o: L of L L^T = H_oo, and L^-1 H_ob."""

    lower: Array  # [n,n]
    coupling: Array  # [n,b]

    def reduce(self, slope: Array) -> tuple[Array, Array]:
        """L^-1 g_o [n], and what the slope [n+b] tells of the border [b]."""
        own = len(self.lower)
        reduced = solve_triangular(self.lower, slope[:own], lower=True, check_finite=False)
        return reduced, slope[own:] - self.coupling.T @ reduced

    def substitute(self, reduced: Array, border_step: Array) -> Array:
        """The own unknowns [n], from what `reduce` gave and the border's [b]."""
        right = -(reduced + self.coupling @ border_step)
        return solve_triangular(self.lower, right, lower=True, trans=1, check_finite=False)


def eliminate(matrix: Array, own: int, damping: float) -> tuple[Eliminated, Array]:
    """Factor a matrix [m,m] for its first `own` unknowns, and its Schur complement [b,b] for the others.

    `damping` is a share of the diagonal. Raises PoseGraphError where the own unknowns are not determined.
    """
    held = matrix[:own, :own].copy()
    held[np.diag_indices(own)] *= 1 + damping
    try:
        lower = cholesky(held, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError as error:
        raise PoseGraphError("a part of the city is not tied to the world: its equations are singular") from error
    coupling = solve_triangular(lower, matrix[:own, own:], lower=True, check_finite=False)
    return Eliminated(lower, coupling), matrix[own:, own:] - coupling.T @ coupling
