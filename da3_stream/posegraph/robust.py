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

from .assembly import joining_loops
from .descent import Descent, descend
from .group import Array, Batch
from .initial import LinearStart
from .problem import Problem

GATE = 18.5  # chi^2 of 7 numbers, exceeded by 1 % of true loops
STEEPER = 1.4  # by which each round is nearer to truncated least squares
ROUGH = 1e-4  # relative decrease of cost at which a round ends
FINE = 1e-10  # and at which a solution does
FAINT = 1e-6  # weight of a refused loop that alone holds a segment to the others

Kept = NDArray[np.bool_]


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

    def run(self, weights: Array, warm: Batch, tolerance: float = FINE) -> Descent:
        """Descend with edges weighted [E]."""
        weights = np.where(self.joining, np.maximum(weights, FAINT), weights)
        starts = [warm, self.linear.solve(weights)]
        costs = [self.problem.cost(start, weights) for start in starts]
        return descend(self.problem, starts[int(np.argmin(costs))], weights, tolerance)

    def keeping(self, kept: Kept, warm: Batch) -> Descent:
        """Descend with these edges [E] only."""
        return self.run(kept.astype(np.float64), warm)

    def cost(self, kept: Kept, state: Batch) -> float:
        """1/2 sum r^T Omega r at a state, over these edges [E]."""
        return self.problem.cost(state, kept.astype(np.float64))

    def truncated(self, kept: Kept, state: Batch) -> float:
        """The same with the gate's half for every edge left out."""
        return self.cost(kept, state) + GATE / 2 * float(np.sum(~kept))

    def fits(self, kept: Kept, state: Batch) -> bool:
        """Whether all kept loops are inside the gate."""
        return bool(np.all(self.problem.edge_chi2(state)[kept & self.problem.loop] <= GATE))


@dataclass(frozen=True, eq=False)
class Verdict:
    """The edges kept [E], and the descent with them."""

    kept: Kept
    descent: Descent


def judge(optimiser: Optimiser, warm: Batch) -> Verdict:
    """Decide on all loops at once."""
    everything = np.ones(len(optimiser.problem.loop), bool)
    plain = optimiser.keeping(everything, warm)
    if optimiser.fits(everything, plain.state):
        return Verdict(everything, plain)
    kept, state = _graduate(optimiser, plain.state)
    return look_again(optimiser, Verdict(kept, optimiser.keeping(kept, state)))


def judge_more(optimiser: Optimiser, kept: Kept, known: int, warm: Batch) -> Verdict:
    """Decide after edges beyond the `known` first were added: old verdicts hold unless the new loops contradict them.

    In a contradiction all loops are judged anew, against the hypothesis that only the new ones are false.
    """
    descent = optimiser.keeping(kept, warm)
    new_loops = optimiser.problem.loop & (np.arange(len(kept)) >= known)
    if optimiser.fits(kept, descent.state):
        verdict = Verdict(kept, descent)
        return look_again(optimiser, verdict) if new_loops.any() else verdict
    old_kept = kept & ~new_loops
    old = look_again(optimiser, Verdict(old_kept, optimiser.keeping(old_kept, warm)))
    return min(judge(optimiser, warm), old, key=lambda v: optimiser.truncated(v.kept, v.descent.state))


def look_again(optimiser: Optimiser, verdict: Verdict) -> Verdict:
    """Switch each refused loop on, the nearest first; keep it if all kept loops then stay inside the gate."""
    chi2 = optimiser.problem.edge_chi2(verdict.descent.state)
    refused = np.flatnonzero(~verdict.kept)
    for loop in refused[np.argsort(chi2[refused], kind="stable")]:
        trial = verdict.kept.copy()
        trial[loop] = True
        descent = optimiser.keeping(trial, verdict.descent.state)
        if optimiser.fits(trial, descent.state):
            verdict = Verdict(trial, descent)
    return verdict


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
