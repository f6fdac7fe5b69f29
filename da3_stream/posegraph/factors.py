"""The factors of a pose graph: groups of residuals of one kind, with their Jacobians.

A node is a Sim(3) with updates from the right: T <- T exp(d), d in the order of `Sim3.log`. One more node may stand
for the common unknown of relative scale observations; only its log-scale is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from ..geometry.sim3_closed_forms import hat, inverse_right_jacobians

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class Factors(Protocol):
    """F residuals of M numbers, each on K nodes."""

    @property
    def nodes(self) -> Indices:
        """The nodes [F,K]."""
        ...

    @property
    def information(self) -> Array:
        """Inverse covariances [F,M,M] of the residuals."""
        ...

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,M] at the nodes' transforms."""
        ...

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """Residuals [F,M] and their Jacobians [F,K,M,7] with respect to the nodes' updates d."""
        ...


@dataclass(frozen=True, eq=False)
class EdgeFactors:
    """Relative transforms: log(a_from_b^-1 a_from_world world_from_b)."""

    nodes: Indices  # [F,2]: a, b
    b_from_a: Sim3Array  # [F], as measured
    information: Array  # [F,7,7]

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,7]."""
        return (self.b_from_a @ self._a_from_b(state)).log()

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """d_b enters directly, d_a through the adjoint: exp(-d_a) a_from_b = a_from_b exp(-Ad(b_from_a) d_a)."""
        a_from_b = self._a_from_b(state)
        residuals = (self.b_from_a @ a_from_b).log()
        by_b = inverse_right_jacobians(residuals)
        by_a = -by_b @ a_from_b.inverse().adjoints()
        return residuals, np.stack([by_a, by_b], axis=1)

    def _a_from_b(self, state: Sim3Array) -> Sim3Array:
        return state[self.nodes[:, 0]].inverse() @ state[self.nodes[:, 1]]


@dataclass(frozen=True, eq=False)
class ScaleFactors:
    """Observed log-scales of nodes: absolute (K = 1), or less the log-scale of the second node (K = 2)."""

    nodes: Indices  # [F,K]
    log_scales: Array  # [F]
    information: Array  # [F,1,1]

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,1]: log-scale (less the common one) minus the observed one."""
        log_scales = np.log(state.scale)[self.nodes]
        return (log_scales @ self._signs() - self.log_scales)[:, None]

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """Residuals [F,1] and their Jacobians [F,K,1,7], which are constant."""
        jacobians = np.zeros((*self.nodes.shape, 1, 7))
        jacobians[:, :, 0, 6] = self._signs()
        return self.residuals(state), jacobians

    def _signs(self) -> Array:
        return np.array([1.0, -1.0])[: self.nodes.shape[1]]


@dataclass(frozen=True, eq=False)
class GravityFactors:
    """Directions known in the world and measured in a node: R direction_in_node - direction_in_world."""

    nodes: Indices  # [F,1]
    in_node: Array  # [F,3], unit length
    in_world: Array  # [F,3], unit length
    information: Array  # [F,3,3]

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,3]: the chord between the two directions."""
        return np.einsum("nij,nj->ni", self._rotations(state), self.in_node) - self.in_world

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """R exp(w) d = R (d + w x d)."""
        jacobians = np.zeros((len(self.nodes), 1, 3, 7))
        jacobians[:, 0, :, 3:6] = -self._rotations(state) @ hat(self.in_node)
        return self.residuals(state), jacobians

    def _rotations(self, state: Sim3Array) -> Array:
        return state[self.nodes[:, 0]].rotation


@dataclass(frozen=True, eq=False)
class PositionFactors:
    """Points of a node whose position in the world is known: world_from_node point - position."""

    nodes: Indices  # [F,1]
    in_node: Array  # [F,3]
    in_world: Array  # [F,3]
    information: Array  # [F,3,3]

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,3], in the world's unit of length."""
        scaled_rotations, at = self._scaled_rotations(state), state[self.nodes[:, 0]]
        return np.einsum("nij,nj->ni", scaled_rotations, self.in_node) + at.translation - self.in_world

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """T exp(d) p = T (p + rho + w x p + l p)."""
        scaled_rotations = self._scaled_rotations(state)
        inner = np.concatenate(
            [np.broadcast_to(np.eye(3), scaled_rotations.shape), -hat(self.in_node), self.in_node[:, :, None]], axis=2
        )
        return self.residuals(state), (scaled_rotations @ inner)[:, None]

    def _scaled_rotations(self, state: Sim3Array) -> Array:
        at = state[self.nodes[:, 0]]
        return at.scale[:, None, None] * at.rotation


@dataclass(frozen=True, eq=False)
class PoseFactors:
    """Nodes whose transform to the world is known: log(known^-1 world_from_node)."""

    nodes: Indices  # [F,1]
    node_from_world: Sim3Array  # [F], as known
    information: Array  # [F,7,7]

    def residuals(self, state: Sim3Array) -> Array:
        """Residuals [F,7]."""
        return (self.node_from_world @ state[self.nodes[:, 0]]).log()

    def linearise(self, state: Sim3Array) -> tuple[Array, Array]:
        """The inverse right Jacobian at the residual."""
        residuals = self.residuals(state)
        return residuals, inverse_right_jacobians(residuals)[:, None]
