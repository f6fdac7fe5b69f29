"""Levenberg-Marquardt on the manifold, with damping proportional to the diagonal of the normal matrix.

Sources: Marquardt (1963); Nielsen, "Damping parameter in Marquardt's method" (1999); Madsen, Nielsen and Tingleff,
"Methods for non-linear least squares problems" (2004), algorithm 3.16. Proportional damping is independent of units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import Sim3Array
from .factors import Array
from .problem import Problem

FIRST_DAMPING = 1e-9  # below the square of the lowest frequency of thousands of nodes in a chain
MIN_DAMPING = 1e-13  # if the origin is fixed; otherwise FIRST_DAMPING, since the gauge may be free
MAX_DAMPING = 1e8
ABSOLUTE = 1e-12  # of a cost, which is dimensionless


@dataclass(frozen=True, eq=False)
class Descent:
    """The final state and its cost, whether no step would lower it by more than the tolerance, and the steps taken."""

    state: Sim3Array
    cost: float
    converged: bool
    iterations: int


def levenberg_marquardt(
    problem: Problem, start: Sim3Array, weights: Array, tolerance: float, max_iterations: int
) -> Descent:
    """Minimise the cost from `start`, until a step's predicted decrease is at most `tolerance` of the cost."""
    state, cost = start, problem.cost(start, weights)
    damping, growth = FIRST_DAMPING, 2.0
    min_damping = FIRST_DAMPING if problem.free[0].any() else MIN_DAMPING
    blocks, slope = problem.normal_equations(state, weights)
    for iteration in range(max_iterations):
        step, predicted = _step(problem, blocks, slope, damping)
        small = predicted <= tolerance * cost + ABSOLUTE
        candidate = problem.retract(state, step)
        candidate_cost = problem.cost(candidate, weights)
        if candidate_cost < cost:
            gain = (cost - candidate_cost) / predicted
            state, cost = candidate, candidate_cost
            damping = max(damping * max(0.1, 1 - (2 * gain - 1) ** 3), min_damping)
            growth = 2.0
            if not small:
                blocks, slope = problem.normal_equations(state, weights)
        else:
            damping, growth = damping * growth, growth * 2
        if small or damping > MAX_DAMPING:
            return Descent(state, cost, small, iteration + 1)
    return Descent(state, cost, False, max_iterations)


def _step(problem: Problem, blocks: Array, slope: Array, damping: float) -> tuple[Array, float]:
    """The damped step [N,7] in the pattern's order, zero for components without factors, and the predicted decrease."""
    diagonal = problem.pattern.diagonals(blocks)
    added = np.where(diagonal > 0, damping * diagonal, 1.0)
    step = problem.pattern.solve(blocks, slope, added)[:, :, 0]
    predicted = float(np.sum(step * (added * step - slope[:, :, 0]))) / 2
    return step, predicted
