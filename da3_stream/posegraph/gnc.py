"""Which loops to believe: graduated non-convexity with truncated least squares, and a second look at what it refused.

Source: Yang, Antonante, Tzoumas and Carlone, "Graduated non-convexity for robust spatial perception" (RA-L 2020),
equations 13-14 and section IV. A refused loop's residual measures the drift of the chain, not the loop: it is never
judged by it, but switched on and judged where the graph comes to rest with it.
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
from .levenberg_marquardt import Descent, descend
from .problem import Problem

GATE = 18.5  # chi^2 of 7 numbers, exceeded by 1 % of true loops
STEEPER = 1.4  # by which each round is nearer to truncated least squares
ROUGH = (1e-4, 20)  # relative decrease of cost and number of steps at which a round ends,
TRIAL = (1e-10, 20)  # a trial does (true loops need fewer steps, false ones hundreds)
FINE = (1e-10, 100)  # and a solution does
FAINT = 1e-6  # weight of a refused loop that alone holds a segment to the others

Kept = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verdict:
    """The edges kept [E], and the descent with them."""

    kept: Kept
    descent: Descent

    def without(self, loop: int) -> Kept:
        """The edges kept but one."""
        return self.kept & (np.arange(len(self.kept)) != loop)


@dataclass(frozen=True, eq=False)
class Optimiser:
    """Solves a problem for weights of its edges, from the better of the linear start and a state at hand."""

    problem: Problem
    linear: LinearStart
    joining: Kept  # [E]: loops between parts that no other edge ties together

    @staticmethod
    def of(problem: Problem) -> Optimiser:
        """Ready for a problem."""
        joining = joining_loops(problem.edges.nodes, problem.loop, int(problem.edges.nodes.max(initial=0)) + 1)
        return Optimiser(problem, LinearStart.of(problem), joining)

    def run(self, weights: Array, warm: Batch, effort: tuple[float, int]) -> Descent:
        """Descend with edges weighted [E]."""
        weights = self._joined(weights)
        starts = [warm, self.linear.solve(weights)]
        costs = [self.problem.cost(start, weights) for start in starts]
        return descend(self.problem, starts[int(np.argmin(costs))], weights, *effort)

    def keeping(self, kept: Kept, warm: Batch) -> Verdict:
        """Descend with these edges [E] only, for a trial."""
        return Verdict(kept, self.run(kept.astype(np.float64), warm, TRIAL))

    def finished(self, verdict: Verdict) -> Verdict:
        """The verdict at its minimum."""
        if verdict.descent.converged:
            return verdict
        weights = self._joined(verdict.kept.astype(np.float64))
        return Verdict(verdict.kept, descend(self.problem, verdict.descent.state, weights, *FINE))

    def fits(self, verdict: Verdict) -> bool:
        """Whether all kept loops are inside the gate."""
        chi2 = self.problem.edge_chi2(verdict.descent.state)
        return bool(np.all(chi2[verdict.kept & self.problem.loop] <= GATE))

    def bends(self, verdict: Verdict, without: Verdict, loop: int) -> bool:
        """Whether a loop bends the chain more than a true one may, by the verdicts with and without it."""
        innovation = 2 * (verdict.descent.cost - without.descent.cost)
        return innovation > limit(self.problem, without.kept, without.descent.state, loop)

    def _joined(self, weights: Array) -> Array:
        return np.where(self.joining, np.maximum(weights, FAINT), weights)

    def cost(self, kept: Kept, state: Batch) -> float:
        """1/2 sum r^T Omega r at a state, over these edges [E]."""
        return self.problem.cost(state, kept.astype(np.float64))

    def truncated(self, verdict: Verdict) -> float:
        """The cost, with half the gate for every edge left out."""
        return self.cost(verdict.kept, verdict.descent.state) + GATE / 2 * float(np.sum(~verdict.kept))


def judge(optimiser: Optimiser, warm: Batch) -> Verdict:
    """Decide on all loops at once."""
    everything = np.ones(len(optimiser.problem.loop), bool)
    plain = optimiser.keeping(everything, warm)
    if optimiser.fits(plain):
        return optimiser.finished(drop_bending(optimiser, optimiser.finished(plain)))
    kept, state = _graduate(optimiser, plain.descent.state)
    verdict = look_again(optimiser, drop_bending(optimiser, optimiser.finished(optimiser.keeping(kept, state))))
    return optimiser.finished(challenge(optimiser, verdict))


def judge_more(optimiser: Optimiser, kept: Kept, known: int, warm: Batch) -> Verdict:
    """Decide after edges beyond the `known` first were added: old verdicts hold unless the new loops contradict them.

    In a contradiction all loops are judged anew, against the hypothesis that only the new ones are false.
    """
    verdict = optimiser.keeping(kept, warm)
    fresh = np.flatnonzero(optimiser.problem.loop & (np.arange(len(kept)) >= known))
    before = kept.copy()
    before[fresh] = False
    old = Verdict(before, Descent(warm, optimiser.cost(before, warm), True, 0))
    if optimiser.fits(verdict) and not any(optimiser.bends(verdict, old, int(loop)) for loop in fresh):
        verdict = optimiser.finished(verdict)
        return optimiser.finished(look_again(optimiser, verdict)) if len(fresh) else verdict
    without_new = look_again(optimiser, optimiser.keeping(before, warm))
    return optimiser.finished(min(judge(optimiser, warm), without_new, key=optimiser.truncated))


def look_again(optimiser: Optimiser, verdict: Verdict) -> Verdict:
    """Switch each refused loop on, the nearest first; keep it if all kept loops then stay inside the gate.

    It must not bend the chain, either, against what the other loops say (`innovation.limit`).
    """
    chi2 = optimiser.problem.edge_chi2(verdict.descent.state)
    refused = np.flatnonzero(~verdict.kept)
    for loop in refused[np.argsort(chi2[refused], kind="stable")]:
        trial_kept = verdict.kept.copy()
        trial_kept[loop] = True
        trial = optimiser.keeping(trial_kept, verdict.descent.state)
        if optimiser.fits(trial) and not optimiser.bends(trial, verdict, loop):
            verdict = trial
    return verdict


def challenge(optimiser: Optimiser, verdict: Verdict) -> Verdict:
    """Let each refused loop gather those that agree with it; the side of least truncated cost wins.

    A loop of whom the chain alone thinks no better than that has no side to gather.
    """
    for loop in np.flatnonzero(~verdict.kept):
        most = optimiser.truncated(verdict) - GATE / 2
        kept = ~optimiser.problem.loop
        kept[loop] = True
        alone = optimiser.keeping(kept, verdict.descent.state)
        if alone.descent.cost < most:
            gathered = look_again(optimiser, alone)
            verdict = min(verdict, gathered, key=optimiser.truncated)
    return verdict


def drop_bending(optimiser: Optimiser, verdict: Verdict) -> Verdict:
    """Leave out, one by one, the kept loop that bends the chain most against what the other loops say."""
    while True:
        loops = np.flatnonzero(verdict.kept & optimiser.problem.loop & ~optimiser.joining)
        if len(loops) < 2:
            return verdict
        found = innovations(optimiser.problem, verdict.kept, verdict.descent.state, loops)
        worst = int(loops[np.argmax(found)])
        if found.max() < ALLOWANCE:
            return verdict
        without = optimiser.keeping(verdict.without(worst), verdict.descent.state)
        if not optimiser.bends(verdict, without, worst):
            return verdict
        verdict = without


def _graduate(optimiser: Optimiser, state: Batch) -> tuple[Kept, Batch]:
    """Loops kept at the end of graduated non-convexity, and the state there."""
    loop = optimiser.problem.loop
    weights = np.ones(len(loop))
    worst = float(optimiser.problem.edge_chi2(state)[loop].max())
    for steepness in _steepnesses(worst):
        chi2 = optimiser.problem.edge_chi2(state)[loop]
        weights[loop] = tls_weights(chi2, steepness)
        if np.all((weights == 0) | (weights == 1)):
            break
        state = optimiser.run(weights, state, ROUGH).state
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
