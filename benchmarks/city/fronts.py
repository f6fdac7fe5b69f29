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
    """What back-substitution needs: L of L L^T = H_oo, L^-1 H_ob and L^-1 g_o (o: own unknowns, b: the border's)."""

    lower: Array  # [n,n]
    coupling: Array  # [n,b]
    slope: Array  # [n]

    def substitute(self, border_step: Array) -> Array:
        """The own unknowns [n] of H d = -g, given the border's [b]."""
        right = -(self.slope + self.coupling @ border_step)
        return solve_triangular(self.lower, right, lower=True, trans=1, check_finite=False)


@dataclass(frozen=True, eq=False)
class BorderEquations:
    """What a part tells of its border's unknowns: the Schur complement [b,b] of its equations, and their slope [b]."""

    matrix: Array
    slope: Array


def eliminate(matrix: Array, slope: Array, own: int, damping: float) -> tuple[Eliminated, BorderEquations]:
    """Solve equations [m,m], [m] for their first `own` unknowns; `damping` is a share of the diagonal.

    Raises PoseGraphError where they are not determined.
    """
    held = matrix[:own, :own].copy()
    held[np.diag_indices(own)] *= 1 + damping
    try:
        lower = cholesky(held, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError as error:
        raise PoseGraphError("a part of the city is not tied to the world: its equations are singular") from error
    coupling = solve_triangular(lower, matrix[:own, own:], lower=True, check_finite=False)
    reduced = solve_triangular(lower, slope[:own], lower=True, check_finite=False)
    told = BorderEquations(matrix[own:, own:] - coupling.T @ coupling, slope[own:] - coupling.T @ reduced)
    return Eliminated(lower, coupling, reduced), told
