"""The innovation of a loop: the increase of chi^2 at the minimum that the loop causes.

A false loop can have a small residual at the minimum, because it deforms the chain between itself and the next loop;
the increase of chi^2 shows the deformation (data snooping: Baarda, "A testing procedure for use in geodetic networks",
1968).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from ..geometry.covariance import diagonal_units, pseudo_inverses
from .factors import Array, Indices
from .problem import Problem

BATCH = 16  # loops whose covariances are solved for together
ALLOWANCE = 27.75  # chi^2 of 7 numbers, 1.5 times gnc.GATE: exceeded by 2e-4 of true loops
CHI2_PER_NODE = 0.5  # chi^2 that a true loop may add for every node between itself and the nearest other loop
DRIFT_FACTOR = 2.0  # or this many times the mean chi^2 of the chain's edges there, which is large where scale drifts


def innovations(problem: Problem, kept: NDArray[np.bool_], state: Sim3Array, loops: Indices) -> Array:
    """Decrease of chi^2 [L] by removal of one of the `loops` [L], to first order, at the minimum with edges `kept`."""
    blocks, _ = problem.normal_equations(state, kept.astype(np.float64))
    residuals, jacobians = problem.edges.linearise(state)
    free_jacobians = jacobians * problem.free[problem.edges.nodes][:, :, None, :]
    parts = [loops[k : k + BATCH] for k in range(0, len(loops), BATCH)]
    covariances = [
        _prediction_covariance(problem, blocks, problem.edges.nodes[part], free_jacobians[part]) for part in parts
    ]
    information = problem.edges.information[loops]
    # zero in directions that only the loop itself determines, hence the pseudo-inverse
    independent_information = information - information @ np.concatenate(covariances) @ information
    weighted = np.einsum("lij,lj->li", information, residuals[loops])
    return np.einsum(
        "li,lij,lj->l",
        weighted,
        pseudo_inverses(independent_information, diagonal_units(information)),
        weighted,
    )


def limit(problem: Problem, kept: NDArray[np.bool_], state: Sim3Array, loop: int) -> float:
    """The largest innovation of a true loop, given the other edges kept [E] and the minimum `state` without the loop.

    Infinite without other loops: a single loop measures the drift, however large. Nodes are numbered along the video,
    so that the difference of two loops' nodes is the length of the chain between them.
    """
    others = kept & problem.loop
    others[loop] = False
    if not others.any():
        return np.inf
    nodes = np.sort(problem.edges.nodes, axis=1)
    between = int(np.abs(nodes[others] - nodes[loop]).sum(axis=1).min())
    chain = kept & ~problem.loop & _edges_inside(nodes, nodes[others])
    usual = float(problem.edge_chi2(state)[chain].mean()) if chain.any() else 0.0
    return ALLOWANCE + between * max(CHI2_PER_NODE, DRIFT_FACTOR * usual)


def _edges_inside(nodes: Indices, loops: Indices) -> NDArray[np.bool_]:
    """Mask [E] of the edges whose first node lies between the ends of one of the loops [L,2]."""
    depth = np.zeros(int(nodes.max()) + 2)
    np.add.at(depth, loops[:, 0], 1)
    np.add.at(depth, loops[:, 1], -1)
    return np.cumsum(depth)[nodes[:, 0]] > 0


def _prediction_covariance(problem: Problem, blocks: Array, nodes: Indices, jacobians: Array) -> Array:
    """Covariances J H^-1 J^T [L,7,7] of the loops' transforms, by the whole graph with the loops in it."""
    places, count = problem.pattern.place[nodes], len(nodes)
    right = np.zeros((len(problem.free), 7, count, 7))
    for loop in range(count):
        for end in range(2):
            right[places[loop, end], :, loop] += jacobians[loop, end].T
    undetermined = (problem.pattern.diagonals(blocks) <= 0).astype(np.float64)
    solution = -problem.pattern.solve(blocks, right.reshape(len(right), 7, -1), undetermined).reshape(right.shape)
    at_ends = solution[places, :, np.arange(count)[:, None]]  # [L,2,7,7]
    return np.einsum("leij,lejk->lik", jacobians, at_ends)
