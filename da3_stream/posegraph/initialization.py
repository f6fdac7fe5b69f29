"""Initialization by three linear problems, without local minima: log-scales, then rotations, then translations.

Rotations are initialized by the chordal relaxation (Carlone, Tron, Daniilidis and Dellaert, "Initialization techniques
for 3D SLAM", ICRA 2015, section III-B); nodes have scales of their own as in Strasdat, Montiel and Davison, "Scale
drift-aware large scale monocular SLAM" (RSS 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3Array, nearest_rotations
from ..geometry.covariance import ridged_inverses
from .factors import Array, Factors, ScaleFactors
from .gauge import align_gauge
from .problem import Problem
from .sparse import Term


@dataclass(frozen=True, eq=False)
class LinearStart:
    """The three linear problems of a graph, for any weights of its edges. Node 0 is at the identity."""

    problem: Problem
    measured: Sim3Array  # [E] a_from_b
    scale_information: Array  # [E], marginal, of the log-scale
    rotation_information: Array  # [E], marginal, of one angle
    shift_information: Array  # [E,3,3], conditional, of rho given rotation and scale

    @staticmethod
    def of(problem: Problem) -> LinearStart:
        """The linear problems of a pose graph, with the marginal information of its edges."""
        information = problem.edges.information
        covariance = ridged_inverses(information)
        return LinearStart(
            problem,
            problem.edges.b_from_a.inverse(),
            1 / covariance[:, 6, 6],
            3 / np.einsum("nii->n", covariance[:, 3:6, 3:6]),
            information[:, :3, :3],
        )

    def solve(self, weights: Array) -> Sim3Array:
        """The state [N] for the weights [E] of the edges, aligned with the world."""
        log_scales = self._log_scales(weights)
        rotations = self._rotations(weights)
        translations = self._translations(weights, log_scales, rotations)
        return align_gauge(self.problem, Sim3Array(np.exp(log_scales), rotations.as_matrix(), translations))

    def _log_scales(self, weights: Array) -> Array:
        edges = self.problem.edges
        signs = np.array([-1.0, 1.0])[None, :, None, None] * np.ones((len(weights), 2, 1, 1))
        measured = np.log(self.measured.scale)[:, None, None]
        information = (weights * self.scale_information)[:, None, None]
        terms = [Term(edges.nodes, signs, -measured, information)]
        for factors in self.problem.others:
            terms.append(_scale_term(factors) if isinstance(factors, ScaleFactors) else _zero_residual(factors, 1, 1))
        free = self.problem.free[:, 6:].copy()
        free[0] &= any(isinstance(f, ScaleFactors) and f.nodes.shape[1] == 1 for f in self.problem.others)
        return self._solve(terms, free)[:, 0, 0]

    def _rotations(self, weights: Array) -> Rotation:
        """Least squares of R_b^T - R_ab^T R_a^T over all matrices, then the nearest rotations."""
        back = np.swapaxes(self.measured.rotation, 1, 2)
        identity = np.broadcast_to(np.eye(3), back.shape)
        information = (weights * self.rotation_information)[:, None, None] * np.eye(3)
        fixed = self._value_at_origin(np.eye(3))
        residuals = fixed[self.problem.edges.nodes[:, 1]] - back @ fixed[self.problem.edges.nodes[:, 0]]
        term = Term(self.problem.edges.nodes, np.stack([-back, identity], axis=1), residuals, information)
        relaxed = fixed + self._solve([term, *self._zero_residuals(3)], self._all_but_origin())
        return Rotation.from_matrix(nearest_rotations(np.swapaxes(relaxed, 1, 2)))

    def _translations(self, weights: Array, log_scales: Array, rotations: Rotation) -> Array:
        """Least squares of t_b - t_a - s_a R_a t_ab, in units of node b as the edges' own residuals are."""
        a, b = self.problem.edges.nodes.T
        scales, rotation_matrices = np.exp(log_scales), rotations.as_matrix()
        displacements = scales[a, None] * np.einsum("nij,nj->ni", rotation_matrices[a], self.measured.translation)
        back = np.swapaxes(rotation_matrices[b], 1, 2) / scales[b, None, None]
        information = np.swapaxes(back, 1, 2) @ self.shift_information @ back * weights[:, None, None]
        identity = np.broadcast_to(np.eye(3), back.shape)
        term = Term(
            self.problem.edges.nodes, np.stack([-identity, identity], axis=1), -displacements[:, :, None], information
        )
        return self._solve([term, *self._zero_residuals(1)], self._all_but_origin())[:, :, 0]

    def _solve(self, terms: Sequence[Term], free: NDArray[np.bool_]) -> Array:
        """The unknowns [N,S,C] of linear equations, where free [N,S]."""
        pattern = self.problem.pattern
        masked = [Term(t.nodes, t.jacobians * free[t.nodes][:, :, None, :], t.residuals, t.information) for t in terms]
        blocks, slope = pattern.normal_equations(masked)
        undetermined = pattern.diagonals(blocks) <= 0
        return pattern.solve(blocks, slope, undetermined.astype(np.float64))[pattern.place]

    def _zero_residuals(self, columns: int) -> list[Term]:
        return [_zero_residual(factors, 3, columns) for factors in self.problem.others]

    def _all_but_origin(self) -> NDArray[np.bool_]:
        return np.broadcast_to((np.arange(len(self.problem.free)) > 0)[:, None], (len(self.problem.free), 3))

    def _value_at_origin(self, value: Array) -> Array:
        out = np.zeros((len(self.problem.free), *value.shape))
        out[0] = value
        return out


def _scale_term(factors: ScaleFactors) -> Term:
    jacobians = np.broadcast_to(np.array([1.0, -1.0])[: factors.nodes.shape[1]], factors.nodes.shape)
    return Term(factors.nodes, jacobians[:, :, None, None], -factors.log_scales[:, None, None], factors.information)


def _zero_residual(factors: Factors, size: int, columns: int) -> Term:
    """A term of the pattern's shape whose residual and Jacobian are zero: these factors play no part in this stage."""
    count, nodes = factors.nodes.shape
    return Term(factors.nodes, np.zeros((count, nodes, 1, size)), np.zeros((count, 1, columns)), np.ones((count, 1, 1)))
