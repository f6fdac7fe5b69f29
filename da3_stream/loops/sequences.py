"""Hits of single keyframes -> sequences of hits along two paths -> candidates, thinned out along both paths.

Successive frames must match successive frames: Galvez-Lopez and Tardos, "Bags of binary words for fast place
recognition in image sequences" (TRO 2012), section V: islands of matches, and their consistency over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..types import LoopCandidate
from .keyframes import Keyframe

MIN_LENGTH = 3  # hits of a sequence that gives candidates
MAX_GAP = 3  # keyframes from one hit of a sequence to the next
STRETCH = 1.5  # ratio of the distances along both paths
SLACK = 0.5  # depths by which they may differ besides
ISLAND_GAP = 0.5  # depths between two hits of one island, at most


@dataclass(frozen=True)
class Hit:
    """A keyframe (the `number`-th) looks like an earlier one."""

    later: Keyframe
    number: int
    earlier: Keyframe
    similarity: float

    def continues(self, last: Hit) -> bool:
        """Whether it follows a hit along both paths; the earlier one may be travelled in either direction."""
        later = self.later.distance - last.later.distance
        earlier = abs(self.earlier.distance - last.earlier.distance)
        return 0 < self.number - last.number <= MAX_GAP and earlier <= STRETCH * later + SLACK


@dataclass(frozen=True)
class Spacing:
    """How far apart candidates are along both paths: in depths or in frames, whichever is more.

    One place is matched with at most `per_place` earlier visits: a tenth lap adds little to the loops with three.
    """

    depths: float
    frames: int
    per_place: int = 3

    def at_place(self, hit: Hit, taken: Iterable[Hit]) -> list[Hit]:
        """The hits taken whose later place is that of a hit."""
        return [other for other in taken if self._near(hit.later, other.later)]

    def leaves_room(self, hit: Hit, at_place: Sequence[Hit]) -> bool:
        """Whether a hit is far enough from those taken at its place."""
        here = any(self._near(hit.earlier, other.earlier) for other in at_place)
        return len(at_place) < self.per_place and not here

    def is_behind(self, hit: Hit, now: Keyframe) -> bool:
        """Whether a hit is so far back that no new frame can be near it."""
        return not self._near(hit.later, now)

    def _near(self, a: Keyframe, b: Keyframe) -> bool:
        return abs(a.distance - b.distance) < self.depths or abs(a.ordinal - b.ordinal) < self.frames


def islands(hits: list[Hit]) -> list[Hit]:
    """The best hit of every island (hits of one keyframe that are close along the earlier path); best first."""
    if not hits:
        return []
    ordered = sorted(hits, key=lambda hit: hit.earlier.distance)
    starts = [
        k for k, (a, b) in enumerate(pairwise(ordered), 1) if b.earlier.distance - a.earlier.distance > ISLAND_GAP
    ]
    parts = [ordered[i:j] for i, j in pairwise([0, *starts, len(ordered)])]
    return _best_first(max(part, key=lambda hit: hit.similarity) for part in parts)


@dataclass(frozen=True)
class MatchSequence:
    """A sequence of hits: the newest ones, and how many there were in all."""

    hits: tuple[Hit, ...]
    length: int

    def with_hit(self, hit: Hit) -> MatchSequence:
        """The sequence with one hit more."""
        return MatchSequence((*self.hits, hit), self.length + 1)


@dataclass(frozen=True)
class MatchSequences:
    """The sequences that may still grow, and the hits that became candidates and may still be too near to others."""

    open: tuple[MatchSequence, ...] = ()
    taken: tuple[Hit, ...] = ()

    def extend(self, hits: list[Hit]) -> MatchSequences:
        """Add the islands of one more keyframe: each extends the longest sequence that it continues, or begins one."""
        sequences = sorted(
            self.open, key=lambda sequence: (-sequence.length, sequence.hits[0].number, sequence.hits[0].earlier.frame)
        )
        new = []
        for hit in hits:
            follows = (k for k, sequence in enumerate(sequences) if hit.continues(sequence.hits[-1]))
            k = next(follows, None)
            if k is None:
                new.append(MatchSequence((hit,), 1))
            else:
                sequences[k] = sequences[k].with_hit(hit)  # its last hit is of this keyframe now: no other continues it
        return MatchSequences((*sequences, *new), self.taken)

    def candidates(self, spacing: Spacing, most: int) -> tuple[MatchSequences, list[LoopCandidate]]:
        """At most so many hits of sequences that are long enough, none near another along both paths, best first."""
        support = {
            hit: sequence.length for sequence in self.open if sequence.length >= MIN_LENGTH for hit in sequence.hits
        }
        taken = list(self.taken)
        chosen: list[LoopCandidate] = []
        for hit in _best_first(support):
            at_place = spacing.at_place(hit, taken)
            if len(chosen) < most and spacing.leaves_room(hit, at_place):
                taken.append(hit)
                ends = hit.earlier.frame, hit.later.frame
                chosen.append(LoopCandidate(*ends, hit.similarity, support[hit], len(at_place)))
        return MatchSequences(self.open, tuple(taken)), chosen

    def trim(self, now: Keyframe, number: int, spacing: Spacing) -> MatchSequences:
        """Drop what cannot matter after this keyframe, so that memory does not grow."""
        going = (sequence for sequence in self.open if number - sequence.hits[-1].number < MAX_GAP)
        kept = (
            MatchSequence(
                (*(hit for hit in sequence.hits[:-1] if not spacing.is_behind(hit, now)), sequence.hits[-1]),
                sequence.length,
            )
            for sequence in going
        )
        return MatchSequences(tuple(kept), tuple(hit for hit in self.taken if not spacing.is_behind(hit, now)))


def _best_first(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.similarity, hit.later.frame, hit.earlier.frame))
