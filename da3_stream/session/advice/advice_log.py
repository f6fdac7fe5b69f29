"""The advice of all windows until now: what neighbouring windows say alike is one row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter

from ...types import Advice, AdviceCode

MOST_ROWS = 50  # of one code; beyond that those with the least between them are joined

_CODE = attrgetter("code")

State = list[tuple[str, str, int, int]]


@dataclass
class AdviceLog:
    """Rows by code, and in order of their frames; there are never more of a code than `MOST_ROWS`."""

    rows: list[Advice] = field(default_factory=list)

    def add(self, advice: Iterable[Advice], frames: Sequence[int]) -> None:
        """Take over what a window says; `frames` are the selected frames until now, in order of their index."""
        merged = merge_advice([*self.rows, *advice], frames)
        self.rows = [row for _, same in groupby(merged, _CODE) for row in _at_most(MOST_ROWS, list(same), frames)]

    def state(self) -> State:
        """The rows for `restore`: texts and numbers."""
        return [(row.code.value, row.text, row.first_frame, row.last_frame) for row in self.rows]

    def restore(self, state: Iterable[Sequence]) -> None:
        """Go on from a state."""
        self.rows = [Advice(AdviceCode(code), text, first, last) for code, text, first, last in state]


def merge_advice(rows: Iterable[Advice], frames: Sequence[int]) -> list[Advice]:
    """The rows with those of one code joined that overlap, or that have none of the frames between them.

    Sorted by code and frames. A joined row keeps the text of the longer one.
    """
    merged: list[Advice] = []
    for row in sorted(rows, key=attrgetter("code", "first_frame", "last_frame")):
        if merged and merged[-1].code == row.code and _frames_between(merged[-1], row, frames) == 0:
            merged[-1] = _joined(merged[-1], row)
        else:
            merged.append(row)
    return merged


def _at_most(count: int, rows: list[Advice], frames: Sequence[int]) -> list[Advice]:
    while len(rows) > count:
        gaps = [_frames_between(a, b, frames) for a, b in zip(rows, rows[1:], strict=False)]
        k = gaps.index(min(gaps))
        rows = [*rows[:k], _joined(rows[k], rows[k + 1]), *rows[k + 2 :]]
    return rows


def _frames_between(earlier: Advice, later: Advice, frames: Sequence[int]) -> int:
    return max(bisect_left(frames, later.first_frame) - bisect_right(frames, earlier.last_frame), 0)


def _joined(a: Advice, b: Advice) -> Advice:
    longer = b if b.last_frame - b.first_frame > a.last_frame - a.first_frame else a
    first, last = min(a.first_frame, b.first_frame), max(a.last_frame, b.last_frame)
    return replace(longer, first_frame=first, last_frame=last)
