"""How far a loop is from what the rest of the graph says: the rise of chi^2 that it causes.

A loop that bends the chain between itself and its neighbours may rest inside the gate all the same; without it, the
chain would not be bent (data snooping: Baarda, "A testing procedure for use in geodetic networks", 1968).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.covariance import diagonal_units, pseudo_inverses
from .factors import Indices
from .group import Array, Batch
from .problem import Problem

AT_ONCE = 16  # loops whose columns are solved for together
ALLOWANCE = 27.75  # one and a half gates: 2e-4 of true loops are beyond, a loop being judged for its own part only
BENT = 0.5  # of chi^2 a loop may put into every node between itself and the nearest other one
ALIKE = 2.0  # or this times what nodes are bent anyway, where scale drifts


def innovations(problem: Problem, kept: NDArray[np.bool_], state: Batch, loops: Indices) -> Array:
    """By how much chi^2 would sink without each of these loops [L], to first order, at a minimum with edges [E]."""
    blocks, _ = problem.normal_equations(state, kept.astype(np.float64))
    residuals, jacobians = problem.edges.linearise(state)
    free = jacobians * problem.free[problem.edges.nodes][:, :, None, :]
    parts = [loops[k : k + AT_ONCE] for k in range(0, len(loops), AT_ONCE)]
    fitted = [_fitted(problem, blocks, problem.edges.nodes[part], free[part]) for part in parts]
    information = problem.edges.information[loops]
    left = information - information @ np.concatenate(fitted) @ information
    # zero where only the loop itself says anything
    pull = np.einsum("lij,lj->li", information, residuals[loops])
    return np.einsum("li,lij,lj->l", pull, pseudo_inverses(left, diagonal_units(information)), pull)


def limit(problem: Problem, kept: NDArray[np.bool_], state: Batch, loop: int) -> float:
    """The innovation that a loop may have beside the others kept [E], at a state of rest without it.

    Infinite without others: a lone loop tells of the drift, however large. Nodes are counted along the video, so
    that the difference of two loops' nodes is the length of chain between them.
    """
    others = kept & problem.loop
    others[loop] = False
    if not others.any():
        return np.inf
    nodes = np.sort(problem.edges.nodes, axis=1)
    between = int(np.abs(nodes[others] - nodes[loop]).sum(axis=1).min())
    chain = kept & ~problem.loop & _spanned(nodes, nodes[others])
    usual = float(problem.edge_chi2(state)[chain].mean()) if chain.any() else 0.0
    return ALLOWANCE + between * max(BENT, ALIKE * usual)


def _spanned(nodes: Indices, loops: Indices) -> NDArray[np.bool_]:
    """Edges [E] that lie inside some loop [L]."""
    depth = np.zeros(int(nodes.max()) + 2)
    np.add.at(depth, loops[:, 0], 1)
    np.add.at(depth, loops[:, 1], -1)
    return np.cumsum(depth)[nodes[:, 0]] > 0


def _fitted(problem: Problem, blocks: Array, nodes: Indices, jacobians: Array) -> Array:
    """J H^-1 J^T [L,7,7]: the covariance of what the graph, loops included, says of each loop."""
    places, count = problem.pattern.place[nodes], len(nodes)
    right = np.zeros((len(problem.free), 7, count, 7))
    for loop in range(count):
        for end in range(2):
            right[places[loop, end], :, loop] += jacobians[loop, end].T
    still = (problem.pattern.diagonals(blocks) <= 0).astype(np.float64)
    solved = -problem.pattern.solve(blocks, right.reshape(len(right), 7, -1), still).reshape(right.shape)
    at_ends = solved[places, :, np.arange(count)[:, None]]  # [L,2,7,7]
    return np.einsum("leij,lejk->lik", jacobians, at_ends)
