"""Hits of single frames -> runs that follow one way twice -> candidates, thinned out along both ways.

That neighbours must agree follows Galvez-Lopez and Tardos, "Bags of binary words for fast place recognition in image
sequences" (TRO 2012), section V: islands of matches, and their consistency over time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ..types import LoopCandidate
from .keyframes import KeyFrame

MIN_RUN = 3  # hits in a row
MAX_GAP = 3  # key frames from one hit of a run to the next
STRETCH = 1.5  # of the one way against the other
SLACK = 0.5  # depths by which they may differ besides
ISLAND = 0.5  # depths between neighbours of one island


@dataclass(frozen=True)
class Hit:
    """A key frame (the `number`-th) looks like an earlier one."""

    later: KeyFrame
    number: int
    earlier: KeyFrame
    similarity: float

    def continues(self, last: Hit) -> bool:
        """Whether it follows a hit along both ways, in whichever direction along the earlier one."""
        way = self.later.travel - last.later.travel
        other = abs(self.earlier.travel - last.earlier.travel)
        return 0 < self.number - last.number <= MAX_GAP and other <= STRETCH * way + SLACK


@dataclass(frozen=True)
class Spacing:
    """How far candidates keep from each other along both ways: in depths or in frames, whichever is more.

    One place is tied to at most `places` earlier ones: what a tenth lap would add to the ties with three is little.
    """

    depths: float
    frames: int
    places: int = 3

    def leaves_room(self, hit: Hit, taken: Iterable[Hit]) -> bool:
        """Whether a hit may be taken beside those."""
        here = [other for other in taken if self._near(hit.later, other.later)]
        return len(here) < self.places and not any(self._near(hit.earlier, other.earlier) for other in here)

    def passed(self, hit: Hit, now: KeyFrame) -> bool:
        """Whether no new frame can come too close any more."""
        return not self._near(hit.later, now)

    def _near(self, a: KeyFrame, b: KeyFrame) -> bool:
        return abs(a.travel - b.travel) < self.depths or abs(a.ordinal - b.ordinal) < self.frames


def islands(hits: list[Hit]) -> list[Hit]:
    """The best hit of every island: of those of one frame that lie together along the earlier way; best first."""
    if not hits:
        return []
    ordered = sorted(hits, key=lambda hit: hit.earlier.travel)
    starts = [k for k, (a, b) in enumerate(pairwise(ordered), 1) if b.earlier.travel - a.earlier.travel > ISLAND]
    parts = [ordered[i:j] for i, j in pairwise([0, *starts, len(ordered)])]
    return _best_first(max(part, key=lambda hit: hit.similarity) for part in parts)


@dataclass(frozen=True)
class Run:
    """Hits in a row: the newest ones, and how many there were in all."""

    hits: tuple[Hit, ...]
    length: int

    def followed_by(self, hit: Hit) -> Run:
        """The run with one hit more."""
        return Run((*self.hits, hit), self.length + 1)


@dataclass(frozen=True)
class Runs:
    """Runs still going on, and the hits that became candidates and may still keep others away."""

    open: tuple[Run, ...] = ()
    taken: tuple[Hit, ...] = ()

    def extended(self, hits: list[Hit]) -> Runs:
        """With the islands of one more key frame: each goes on with the longest run that it follows, or begins one."""
        runs = sorted(self.open, key=lambda run: (-run.length, run.hits[0].number, run.hits[0].earlier.frame))
        begun = []
        for hit in hits:
            follows = (k for k, run in enumerate(runs) if hit.continues(run.hits[-1]))
            k = next(follows, None)
            if k is None:
                begun.append(Run((hit,), 1))
            else:
                runs[k] = runs[k].followed_by(hit)  # its last hit is of this key frame now: no other continues it
        return Runs((*runs, *begun), self.taken)

    def candidates(self, spacing: Spacing, most: int) -> tuple[Runs, list[LoopCandidate]]:
        """At most so many hits of runs that are long enough, none close to another along both ways, best first."""
        support = {hit: run.length for run in self.open if run.length >= MIN_RUN for hit in run.hits}
        taken = list(self.taken)
        chosen: list[LoopCandidate] = []
        for hit in _best_first(support):
            if len(chosen) < most and spacing.leaves_room(hit, taken):
                taken.append(hit)
                chosen.append(LoopCandidate(hit.earlier.frame, hit.later.frame, hit.similarity, support[hit]))
        return Runs(self.open, tuple(taken)), chosen

    def trimmed(self, now: KeyFrame, number: int, spacing: Spacing) -> Runs:
        """Without what can have no part in anything after this key frame: memory does not grow."""
        going = (run for run in self.open if number - run.hits[-1].number < MAX_GAP)
        kept = (
            Run((*(hit for hit in run.hits[:-1] if not spacing.passed(hit, now)), run.hits[-1]), run.length)
            for run in going
        )
        return Runs(tuple(kept), tuple(hit for hit in self.taken if not spacing.passed(hit, now)))


def _best_first(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.similarity, hit.later.frame, hit.earlier.frame))
