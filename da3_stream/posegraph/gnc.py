"""Which loops to believe: graduated non-convexity with truncated least squares, then tests of the loops it rejected.

Source: Yang, Antonante, Tzoumas and Carlone, "Graduated non-convexity for robust spatial perception" (RA-L 2020),
equations 13-14 and section IV. A rejected loop's residual measures the drift of the chain, not the loop. So it is never
decided by that residual: the loop is switched on, the graph optimised with it, and the loop judged at the new minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .build import joining_loops
from .group import Array, Batch
from .initialization import LinearStart
from .innovation import ALLOWANCE, innovations, limit
from .levenberg_marquardt import Descent, levenberg_marquardt
from .problem import Problem

GATE = 18.5  # chi^2 of 7 numbers, exceeded by 1 % of true loops
STEEPER = 1.4  # by which each round is nearer to truncated least squares
ROUND_TOLERANCE = (1e-4, 20)  # relative decrease of cost and number of steps at which a round ends,
TRIAL_TOLERANCE = (1e-10, 20)  # a trial does (true loops need fewer steps, false ones hundreds)
FINAL_TOLERANCE = (1e-10, 100)  # and a solution does
FAINT_WEIGHT = 1e-6  # of a rejected loop that alone connects two components: without it the problem is singular

InlierMask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LoopSelection:
    """Which edges are kept [E], and the optimisation with them."""

    kept: InlierMask
    descent: Descent

    def without(self, loop: int) -> InlierMask:
        """The edges kept but one."""
        return self.kept & (np.arange(len(self.kept)) != loop)


@dataclass(frozen=True, eq=False)
class Optimiser:
    """Solves a problem for weights of its edges, from the better of the linear start and a state at hand."""

    problem: Problem
    linear: LinearStart
    joining: InlierMask  # [E]: loops between components that no other edge connects

    @staticmethod
    def of(problem: Problem) -> Optimiser:
        """Ready for a problem."""
        joining = joining_loops(problem.edges.nodes, problem.loop, int(problem.edges.nodes.max(initial=0)) + 1)
        return Optimiser(problem, LinearStart.of(problem), joining)

    def run(self, weights: Array, warm: Batch, effort: tuple[float, int]) -> Descent:
        """Descend with edges weighted [E]."""
        weights = self._with_faint_joins(weights)
        starts = [warm, self.linear.solve(weights)]
        costs = [self.problem.cost(start, weights) for start in starts]
        return levenberg_marquardt(self.problem, starts[int(np.argmin(costs))], weights, *effort)

    def optimize_with(self, kept: InlierMask, warm: Batch) -> LoopSelection:
        """Descend with these edges [E] only, for a trial."""
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
        """Whether all kept loops are inside the gate."""
        chi2 = self.problem.edge_chi2(selection.descent.state)
        return bool(np.all(chi2[selection.kept & self.problem.loop] <= GATE))

    def bends(self, selection: LoopSelection, without: LoopSelection, loop: int) -> bool:
        """Whether a loop bends the chain more than a true one may, by the selections with and without it."""
        innovation = 2 * (selection.descent.cost - without.descent.cost)
        return innovation > limit(self.problem, without.kept, without.descent.state, loop)

    def _with_faint_joins(self, weights: Array) -> Array:
        return np.where(self.joining, np.maximum(weights, FAINT_WEIGHT), weights)

    def cost(self, kept: InlierMask, state: Batch) -> float:
        """1/2 sum r^T Omega r at a state, over these edges [E]."""
        return self.problem.cost(state, kept.astype(np.float64))

    def truncated_cost(self, selection: LoopSelection) -> float:
        """The cost, with half the gate for every edge left out."""
        return self.cost(selection.kept, selection.descent.state) + GATE / 2 * float(np.sum(~selection.kept))


def select_loops(optimiser: Optimiser, warm: Batch) -> LoopSelection:
    """Decide on all loops at once."""
    everything = np.ones(len(optimiser.problem.loop), bool)
    plain = optimiser.optimize_with(everything, warm)
    if optimiser.fits(plain):
        return optimiser.finish(drop_inconsistent(optimiser, optimiser.finish(plain)))
    kept, state = _graduate(optimiser, plain.descent.state)
    selection = retest_rejected(
        optimiser, drop_inconsistent(optimiser, optimiser.finish(optimiser.optimize_with(kept, state)))
    )
    return optimiser.finish(compare_hypotheses(optimiser, selection))


def select_more_loops(optimiser: Optimiser, kept: InlierMask, known: int, warm: Batch) -> LoopSelection:
    """Select after edges beyond the `known` first were added: earlier decisions hold unless new loops contradict them.

    In a contradiction all loops are decided anew, and compared with the hypothesis that only the new ones are false.
    """
    selection = optimiser.optimize_with(kept, warm)
    fresh = np.flatnonzero(optimiser.problem.loop & (np.arange(len(kept)) >= known))
    before = kept.copy()
    before[fresh] = False
    # Without the new loops, the last state is a minimum already: its cost alone is needed, to see how far they bend it.
    old = LoopSelection(before, Descent(warm, optimiser.cost(before, warm), True, 0))
    if optimiser.fits(selection) and not any(optimiser.bends(selection, old, int(loop)) for loop in fresh):
        selection = optimiser.finish(selection)
        # A new loop moves the chain to where a true loop that was rejected for its drift may fit now.
        return optimiser.finish(retest_rejected(optimiser, selection)) if len(fresh) else selection
    # Deciding from scratch costs far more than a trial, but which side is false cannot be told from new loops alone:
    # a false loop that was accepted earlier is contradicted by true new ones just so.
    without_new = retest_rejected(optimiser, optimiser.optimize_with(before, warm))
    return optimiser.finish(min(select_loops(optimiser, warm), without_new, key=optimiser.truncated_cost))


def retest_rejected(optimiser: Optimiser, selection: LoopSelection) -> LoopSelection:
    """Switch each rejected loop on, the one of least chi^2 first; keep it if all kept loops then stay inside the gate.

    It must not bend the chain, either, against what the other loops say (`innovation.limit`).
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
    """Take each rejected loop for true alone, and add the loops that agree with it; keep the selection of least cost.

    A loop is passed over if it costs more with the chain alone than the present selection does in all: further loops
    could not make it cheaper. Costs are truncated ones.
    """
    for loop in np.flatnonzero(~selection.kept):
        most = optimiser.truncated_cost(selection) - GATE / 2
        kept = ~optimiser.problem.loop
        kept[loop] = True
        alone = optimiser.optimize_with(kept, selection.descent.state)
        if alone.descent.cost < most:
            gathered = retest_rejected(optimiser, alone)
            selection = min(selection, gathered, key=optimiser.truncated_cost)
    return selection


def drop_inconsistent(optimiser: Optimiser, selection: LoopSelection) -> LoopSelection:
    """Drop, one by one, the kept loop that bends the chain most against what the other loops say."""
    while True:
        loops = np.flatnonzero(selection.kept & optimiser.problem.loop & ~optimiser.joining)
        if len(loops) < 2:
            return selection
        found = innovations(optimiser.problem, selection.kept, selection.descent.state, loops)
        worst = int(loops[np.argmax(found)])
        if found.max() < ALLOWANCE:
            return selection
        without = optimiser.optimize_with(selection.without(worst), selection.descent.state)
        if not optimiser.bends(selection, without, worst):
            return selection
        selection = without


def _graduate(optimiser: Optimiser, state: Batch) -> tuple[InlierMask, Batch]:
    """Loops kept at the end of graduated non-convexity, and the state there."""
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
    """From where the worst loop's cost is convex to where it is truncated least squares in all but name."""
    steepness = GATE / max(2 * worst - GATE, GATE)
    while steepness < 1e3:
        yield steepness
        steepness *= STEEPER


def tls_weights(chi2: Array, steepness: float) -> Array:
    """Weights [L] in [0,1] of loops by their chi^2 [L] (equation 14)."""
    outer, inner = (steepness + 1) / steepness * GATE, steepness / (steepness + 1) * GATE
    between = np.sqrt(GATE * steepness * (steepness + 1) / np.clip(chi2, inner, outer)) - steepness
    return np.where(chi2 >= outer, 0.0, np.where(chi2 <= inner, 1.0, between))
