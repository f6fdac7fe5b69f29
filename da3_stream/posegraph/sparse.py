"""Sparse linear least squares over the nodes of a graph: assembly and solution of the block normal equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from .factors import Array, Indices

SYMMETRIC = {"SymmetricMode": True}


@dataclass(frozen=True, eq=False)
class Term:
    """F linear equations in S unknowns of each of their K nodes: residual + jacobian step = 0, with C right sides."""

    nodes: Indices  # [F,K]
    jacobians: Array  # [F,K,M,S]
    residuals: Array  # [F,M,C]
    information: Array  # [F,M,M]

    def hessian(self) -> Array:
        """The contributions J^T Omega J [F K K, S, S] to the matrix, in the order of `_node_pairs`."""
        size = self.jacobians.shape[-1]
        weighted = self.information[:, None] @ self.jacobians
        return (np.swapaxes(self.jacobians, 2, 3)[:, :, None] @ weighted[:, None]).reshape(-1, size, size)

    def gradient(self) -> Array:
        """The contributions J^T Omega r [F K, S, C] to the gradient, by node of each equation."""
        weighted = self.information @ self.residuals
        slopes = np.swapaxes(self.jacobians, 2, 3) @ weighted[:, None]
        return slopes.reshape(-1, *slopes.shape[2:])


@dataclass(frozen=True, eq=False)
class BlockPattern:
    """The non-zero blocks of the normal matrix, its nodes in an order that keeps the matrix's factors sparse."""

    place: Indices  # [N]: each node's place in that order
    indices: Indices  # [B] and
    indptr: Indices  # [N+1]: the blocks by rows
    gather: sparse.csr_array  # [B, F K K]: sums the contributions to each block
    diagonal: Indices  # [N]: the diagonal blocks among them, by place
    by_node: sparse.csr_array  # [N, F K]: sums the slopes of each place

    @staticmethod
    def of(groups: Sequence[Indices], count: int) -> BlockPattern:
        """The pattern of equations on the nodes [F,K] of each group, `count` nodes in all, each of them in some."""
        pairs = np.concatenate([_node_pairs(nodes) for nodes in groups])
        place = _fill_reducing_order(pairs, count)
        keys, block = np.unique(place[pairs[:, 0]] * count + place[pairs[:, 1]], return_inverse=True)
        indptr = np.searchsorted(keys, np.arange(count + 1) * count)
        diagonal = np.searchsorted(keys, np.arange(count) * (count + 1))
        ends = place[np.concatenate([nodes.ravel() for nodes in groups])]
        return BlockPattern(
            place, keys % count, indptr, _summation_matrix(block, len(keys)), diagonal, _summation_matrix(ends, count)
        )

    def normal_equations(self, terms: Sequence[Term]) -> tuple[Array, Array]:
        """The matrix's blocks [B,S,S] and the slope [N,S,C], both by place, of terms in the order of the groups."""
        return (
            _sum_blocks(self.gather, np.concatenate([term.hessian() for term in terms])),
            _sum_blocks(self.by_node, np.concatenate([term.gradient() for term in terms])),
        )

    def diagonals(self, blocks: Array) -> Array:
        """The matrix's diagonal [N,S], by place."""
        return np.einsum("nii->ni", blocks[self.diagonal])

    def solve(self, blocks: Array, gradient: Array, damping: Array) -> Array:
        """The step -(H + diag(damping))^-1 gradient [N,S,C], all by place (damping [N,S])."""
        damped = blocks.copy()
        damped[self.diagonal] += damping[:, :, None] * np.eye(blocks.shape[-1])
        right = gradient.reshape(-1, gradient.shape[-1])
        return -self._factor(damped).solve(right).reshape(gradient.shape)

    def _factor(self, blocks: Array) -> SuperLU:
        """LU factors of the matrix; being symmetric, its compressed rows serve as columns."""
        rows = sparse.bsr_array((blocks, self.indices, self.indptr)).tocsr()
        columns = sparse.csc_matrix((rows.data, rows.indices, rows.indptr), shape=rows.shape)
        return splu(columns, permc_spec="NATURAL", diag_pivot_thresh=0.0, options=SYMMETRIC)


def _node_pairs(nodes: Indices) -> Indices:
    """Row and column nodes [F K K, 2] of the blocks of equations on nodes [F,K]."""
    return np.stack(np.broadcast_arrays(nodes[:, :, None], nodes[:, None, :]), axis=-1).reshape(-1, 2)


def _summation_matrix(target: Indices, count: int) -> sparse.csr_array:
    """The matrix [count, C] that sums C contributions by their targets."""
    return sparse.csr_array((np.ones(len(target)), (target, np.arange(len(target)))), shape=(count, len(target)))


def _sum_blocks(summation: sparse.csr_array, parts: Array) -> Array:
    return (summation @ parts.reshape(len(parts), -1)).reshape(-1, *parts.shape[1:])


def _fill_reducing_order(pairs: Indices, count: int) -> Indices:
    """Minimum degree on the graph of nodes: the order of SuperLU for a matrix with one entry per block."""
    graph = sparse.csc_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    dominant = sparse.csc_matrix(graph + (len(pairs) + 1) * sparse.eye_array(count))
    factors = splu(dominant, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=SYMMETRIC)
    return factors.perm_c.astype(np.int64)
