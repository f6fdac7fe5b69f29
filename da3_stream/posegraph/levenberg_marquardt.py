"""Levenberg-Marquardt on the manifold, the damping in proportion to the normal matrix's own diagonal.

Sources: Marquardt (1963); Nielsen, "Damping parameter in Marquardt's method" (1999); Madsen, Nielsen and Tingleff,
"Methods for non-linear least squares problems" (2004), algorithm 3.16. The proportion makes it independent of units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .group import Array, Batch
from .problem import Problem

FIRST_DAMPING = 1e-9  # below the square of the lowest frequency of thousands of nodes in a chain
LEAST_DAMPING = 1e-13  # where the origin holds the graph; where nothing may hold it, FIRST_DAMPING does
MOST_DAMPING = 1e8
ABSOLUTE = 1e-12  # of a cost, which has no unit


@dataclass(frozen=True, eq=False)
class Descent:
    """The final state and its cost, whether no step would lower it by more than the tolerance, and the steps taken."""

    state: Batch
    cost: float
    converged: bool
    iterations: int


def levenberg_marquardt(problem: Problem, start: Batch, weights: Array, tolerance: float, most: int) -> Descent:
    """Lower the cost from `start` until the next step promises less than `tolerance` of it, in `most` steps."""
    state, cost = start, problem.cost(start, weights)
    damping, growth = FIRST_DAMPING, 2.0
    least = FIRST_DAMPING if problem.free[0].any() else LEAST_DAMPING
    blocks, slope = problem.normal_equations(state, weights)
    for iteration in range(most):
        step, promised = _step(problem, blocks, slope, damping)
        small = promised <= tolerance * cost + ABSOLUTE
        moved = problem.moved(state, step)
        found = problem.cost(moved, weights)
        if found < cost:
            gain = (cost - found) / promised
            state, cost = moved, found
            damping = max(damping * max(0.1, 1 - (2 * gain - 1) ** 3), least)
            growth = 2.0
            if not small:
                blocks, slope = problem.normal_equations(state, weights)
        else:
            damping, growth = damping * growth, growth * 2
        if small or damping > MOST_DAMPING:
            return Descent(state, cost, small, iteration + 1)
    return Descent(state, cost, False, most)


def _step(problem: Problem, blocks: Array, slope: Array, damping: float) -> tuple[Array, float]:
    """The damped step [N,7] by place, and by how much the quadratic model sinks; what nothing pulls at stays."""
    diagonal = problem.pattern.diagonals(blocks)
    added = np.where(diagonal > 0, damping * diagonal, 1.0)
    step = problem.pattern.solve(blocks, slope, added)[:, :, 0]
    promised = float(np.sum(step * (added * step - slope[:, :, 0]))) / 2
    return step, promised
