"""Selection of loops: graduated non-convexity with truncated least squares, then tests of the loops it rejected.

Source: Yang, Antonante, Tzoumas and Carlone, "Graduated non-convexity for robust spatial perception" (RA-L 2020),
equations 13-14 and section IV. A rejected loop's residual measures the drift of the chain, not the loop. So a loop is
never tested by that residual, but by its residual at the minimum of the graph with the loop in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from .build import joining_loops
from .factors import Array
from .initialization import LinearStart
from .innovation import ALLOWANCE, innovations, limit
from .levenberg_marquardt import Descent, levenberg_marquardt
from .problem import Problem

GATE = 18.5  # chi^2 of 7 numbers, exceeded by 1 % of true loops
STEEPNESS_FACTOR = 1.4  # factor of the steepness from round to round of graduated non-convexity
ROUND_TOLERANCE = (1e-4, 20)  # relative decrease of cost and number of steps that end a round of GNC,
TRIAL_TOLERANCE = (1e-10, 20)  # a trial (with true loops it needs fewer steps, with false ones hundreds),
FINAL_TOLERANCE = (1e-10, 100)  # and the final optimisation
FAINT_WEIGHT = 1e-6  # of a rejected loop that alone connects two components, against a singular problem

InlierMask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LoopSelection:
    """The edges that are kept [E], and the optimisation with them."""

    kept: InlierMask
    descent: Descent

    def without(self, loop: int) -> InlierMask:
        """Mask [E] of the edges kept, without `loop`."""
        return self.kept & (np.arange(len(self.kept)) != loop)


@dataclass(frozen=True, eq=False)
class Optimiser:
    """Minimises a problem for given weights of its edges, from the better of the linear start and a given state."""

    problem: Problem
    linear: LinearStart
    joining: InlierMask  # [E]: loops between components that no other edge connects

    @staticmethod
    def of(problem: Problem) -> Optimiser:
        """The optimiser of a problem."""
        joining = joining_loops(problem.edges.nodes, problem.loop, int(problem.edges.nodes.max(initial=0)) + 1)
        return Optimiser(problem, LinearStart.of(problem), joining)

    def run(self, weights: Array, warm: Sim3Array, effort: tuple[float, int]) -> Descent:
        """Minimise with the weights [E] of the edges; `effort` is the tolerance and the most steps."""
        weights = self._with_faint_joins(weights)
        starts = [warm, self.linear.solve(weights)]
        costs = [self.problem.cost(start, weights) for start in starts]
        return levenberg_marquardt(self.problem, starts[int(np.argmin(costs))], weights, *effort)

    def optimize_with(self, kept: InlierMask, warm: Sim3Array) -> LoopSelection:
        """Minimise with the edges `kept` [E] only, to the tolerance of a trial."""
        return LoopSelection(kept, self.run(kept.astype(np.float64), warm, TRIAL_TOLERANCE))

    def finish(self, selection: LoopSelection) -> LoopSelection:
        """The selection, optimised to the final tolerance."""
        if selection.descent.converged:
            return selection
        weights = self._with_faint_joins(selection.kept.astype(np.float64))
        return LoopSelection(
            selection.kept, levenberg_marquardt(self.problem, selection.descent.state, weights, *FINAL_TOLERANCE)
        )

    def fits(self, selection: LoopSelection) -> bool:
        """Whether chi^2 of every kept loop is at most GATE."""
        chi2 = self.problem.edge_chi2(selection.descent.state)
        return bool(np.all(chi2[selection.kept & self.problem.loop] <= GATE))

    def bends(self, selection: LoopSelection, without: LoopSelection, loop: int) -> bool:
        """Whether the innovation of a loop, by the selections with and without it, exceeds the limit for true loops."""
        innovation = 2 * (selection.descent.cost - without.descent.cost)
        return innovation > limit(self.problem, without.kept, without.descent.state, loop)

    def _with_faint_joins(self, weights: Array) -> Array:
        return np.where(self.joining, np.maximum(weights, FAINT_WEIGHT), weights)

    def cost(self, kept: InlierMask, state: Sim3Array) -> float:
        """1/2 sum r^T Omega r at a state, over these edges [E]."""
        return self.problem.cost(state, kept.astype(np.float64))

    def truncated_cost(self, selection: LoopSelection) -> float:
        """The cost of truncated least squares: that of the edges kept, and GATE / 2 for every rejected edge."""
        return self.cost(selection.kept, selection.descent.state) + GATE / 2 * float(np.sum(~selection.kept))


def select_loops(optimiser: Optimiser, warm: Sim3Array) -> LoopSelection:
    """Select the true loops among all, without earlier decisions."""
    everything = np.ones(len(optimiser.problem.loop), bool)
    with_all = optimiser.optimize_with(everything, warm)
    if optimiser.fits(with_all):
        return optimiser.finish(drop_inconsistent(optimiser, optimiser.finish(with_all)))
    kept, state = _graduate(optimiser, with_all.descent.state)
    selection = retest_rejected(
        optimiser, drop_inconsistent(optimiser, optimiser.finish(optimiser.optimize_with(kept, state)))
    )
    return optimiser.finish(compare_hypotheses(optimiser, selection))


def select_more_loops(optimiser: Optimiser, kept: InlierMask, known: int, warm: Sim3Array) -> LoopSelection:
    """Select after edges beyond the `known` first were added: earlier decisions hold unless new loops contradict them.

    In a contradiction all loops are decided anew, and compared with the hypothesis that only the new ones are false.
    """
    selection = optimiser.optimize_with(kept, warm)
    new_loops = np.flatnonzero(optimiser.problem.loop & (np.arange(len(kept)) >= known))
    before = kept.copy()
    before[new_loops] = False
    # Without the new loops the last state is already a minimum, so that its cost serves in `bends` without a descent.
    old = LoopSelection(before, Descent(warm, optimiser.cost(before, warm), True, 0))
    if optimiser.fits(selection) and not any(optimiser.bends(selection, old, int(loop)) for loop in new_loops):
        selection = optimiser.finish(selection)
        # A new loop reduces the drift: a true loop that was rejected because of the drift may fit now.
        return optimiser.finish(retest_rejected(optimiser, selection)) if len(new_loops) else selection
    # A new selection costs far more than a trial, but new loops alone do not show which side is false:
    # true new loops contradict a false one that was accepted earlier in the same manner.
    without_new = retest_rejected(optimiser, optimiser.optimize_with(before, warm))
    return optimiser.finish(min(select_loops(optimiser, warm), without_new, key=optimiser.truncated_cost))


def retest_rejected(optimiser: Optimiser, selection: LoopSelection) -> LoopSelection:
    """Add each rejected loop, by increasing chi^2, if at the new minimum all kept loops have chi^2 up to GATE.

    Its innovation must be within the limit given by the other loops, too (`innovation.limit`).
    """
    chi2 = optimiser.problem.edge_chi2(selection.descent.state)
    rejected = np.flatnonzero(~selection.kept)
    for loop in rejected[np.argsort(chi2[rejected], kind="stable")]:
        trial_kept = selection.kept.copy()
        trial_kept[loop] = True
        trial = optimiser.optimize_with(trial_kept, selection.descent.state)
        if optimiser.fits(trial) and not optimiser.bends(trial, selection, loop):
            selection = trial
    return selection


def compare_hypotheses(optimiser: Optimiser, selection: LoopSelection) -> LoopSelection:
    """Compare with the hypotheses that one rejected loop is true, with all loops consistent with it: the cheapest.

    A hypothesis is skipped if its loop and the chain alone cost more than the present selection: further loops only
    add to that. Costs are those of truncated least squares.
    """
    for loop in np.flatnonzero(~selection.kept):
        max_cost = optimiser.truncated_cost(selection) - GATE / 2
        kept = ~optimiser.problem.loop
        kept[loop] = True
        alone = optimiser.optimize_with(kept, selection.descent.state)
        if alone.descent.cost < max_cost:
            hypothesis = retest_rejected(optimiser, alone)
            selection = min(selection, hypothesis, key=optimiser.truncated_cost)
    return selection


def drop_inconsistent(optimiser: Optimiser, selection: LoopSelection) -> LoopSelection:
    """Remove, one by one, the kept loop of the largest innovation, while that exceeds the limit of a true loop."""
    while True:
        loops = np.flatnonzero(selection.kept & optimiser.problem.loop & ~optimiser.joining)
        if len(loops) < 2:
            return selection
        chi2_increase = innovations(optimiser.problem, selection.kept, selection.descent.state, loops)
        worst = int(loops[np.argmax(chi2_increase)])
        if chi2_increase.max() < ALLOWANCE:
            return selection
        without = optimiser.optimize_with(selection.without(worst), selection.descent.state)
        if not optimiser.bends(selection, without, worst):
            return selection
        selection = without


def _graduate(optimiser: Optimiser, state: Sim3Array) -> tuple[InlierMask, Sim3Array]:
    """Mask [E] of the edges kept at the end of graduated non-convexity, and the state there."""
    loop = optimiser.problem.loop
    weights = np.ones(len(loop))
    worst = float(optimiser.problem.edge_chi2(state)[loop].max())
    for steepness in _steepnesses(worst):
        chi2 = optimiser.problem.edge_chi2(state)[loop]
        weights[loop] = tls_weights(chi2, steepness)
        if np.all((weights == 0) | (weights == 1)):
            break
        state = optimiser.run(weights, state, ROUND_TOLERANCE).state
    return weights > 0.5, state


def _steepnesses(worst: float) -> Iterator[float]:
    """The steepness of each round: from a convex cost at the worst loop's chi^2 to almost truncated least squares."""
    steepness = GATE / max(2 * worst - GATE, GATE)
    while steepness < 1e3:
        yield steepness
        steepness *= STEEPNESS_FACTOR


def tls_weights(chi2: Array, steepness: float) -> Array:
    """Weights [L] in [0,1] of loops from their chi^2 [L] (Yang et al., equation 14)."""
    outer, inner = (steepness + 1) / steepness * GATE, steepness / (steepness + 1) * GATE
    between = np.sqrt(GATE * steepness * (steepness + 1) / np.clip(chi2, inner, outer)) - steepness
    return np.where(chi2 >= outer, 0.0, np.where(chi2 <= inner, 1.0, between))
