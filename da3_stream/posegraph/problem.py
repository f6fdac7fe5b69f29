"""A pose graph as the solver sees it: nodes, free numbers, factors; its cost and normal equations at a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from .factors import Array, EdgeFactors, Factors
from .sparse import BlockPattern, Term


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise 1/2 sum w r^T Omega r over the free numbers of the nodes; only edges have weights w other than 1."""

    edges: EdgeFactors
    loop: NDArray[np.bool_]  # [E]: edges that may be false
    others: tuple[Factors, ...]
    free: NDArray[np.bool_]  # [N,7]: the free components of each node
    pattern: BlockPattern

    @staticmethod
    def of(edges: EdgeFactors, loop: NDArray[np.bool_], others: Sequence[Factors], free: NDArray[np.bool_]) -> Problem:
        """The problem with the sparsity pattern of its normal equations."""
        pattern = BlockPattern.of([edges.nodes, *(factors.nodes for factors in others)], len(free))
        return Problem(edges, loop, tuple(others), free, pattern)

    def edge_chi2(self, state: Sim3Array) -> Array:
        """r^T Omega r [E] of the edges."""
        return chi2(self.edges.residuals(state), self.edges.information)

    def cost(self, state: Sim3Array, weights: Array) -> float:
        """1/2 sum w r^T Omega r, the edges weighted [E]."""
        rest = sum(float(chi2(f.residuals(state), f.information).sum()) for f in self.others)
        return (float(weights @ self.edge_chi2(state)) + rest) / 2

    def normal_equations(self, state: Sim3Array, weights: Array) -> tuple[Array, Array]:
        """Blocks [B,7,7] and slope [N,7,1], in the pattern's order; zero for components that are not free."""
        terms = [self._term(self.edges, state, weights[:, None, None] * self.edges.information)]
        terms += [self._term(factors, state, factors.information) for factors in self.others]
        return self.pattern.normal_equations(terms)

    def retract(self, state: Sim3Array, step: Array) -> Sim3Array:
        """The state after a step [N,7], T <- T exp(d); the step is in the pattern's order."""
        return state @ Sim3Array.exp(step[self.pattern.place])

    def _term(self, factors: Factors, state: Sim3Array, information: Array) -> Term:
        residuals, jacobians = factors.linearise(state)
        free = jacobians * self.free[factors.nodes][:, :, None, :]
        return Term(factors.nodes, free, residuals[:, :, None], information)


def chi2(residuals: Array, information: Array) -> Array:
    """r^T Omega r [F] of residuals [F,M]."""
    return np.einsum("fi,fij,fj->f", residuals, information, residuals, optimize=True)
