"""Where the camera stands while most of what it sees moves: a lorry at a stop, a crowd, waves.

What moves as one body has an epipolar geometry of its own, and mapping would follow it. But a camera that stands shows
the rest of the picture at the very same pixels, in a cluster apart from all that moves, and when the body has passed,
nearly everything again. Between the first and the last row of such a stand nothing is mapped: both are one camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import Keypoints
from ..matching.carried import stands_throughout
from ..matching.correspondences import Pair
from ..matching.pairs import Matches
from ..matching.stillness import CLEAR_PX, MIN_STILL, STILL_PX, Points, cell_numbers, is_apart, moved_px, still_and_slow

SURE_STILL = 30  # the same for a pair by which a stand is believed
SURE_SHARE = 0.8  # of the matches of such a pair do not move
NEIGHBOURS_COVER, ENDS_COVER = 0.2, 0.5  # share of the textured picture over which they lie, in such a pair
WHOLE_COVER = 0.6  # the same for a window that stands throughout: a bonnet does not move either
STILL_GAPS = 0.5  # share of the gaps of a stand that must show it by themselves, where its ends do not
LASTING, LASTING_GAPS = 6, 0.8  # gaps, and their share that shows it, of a stand that no pair makes sure
MOST_PIECES = 3  # before a piece of a stand, that may be its beginning
MOST_ROWS = 128  # over which the views before and after something passed are compared
CELLS = (8, 6)  # columns and rows of the picture's cells


@dataclass(frozen=True)
class Stand:
    """Rows of a window, both included, between which the camera does not move; whether that is sure."""

    first: int
    last: int
    sure: bool = True

    @property
    def ends(self) -> Pair:
        """The first and the last row."""
        return self.first, self.last


@dataclass(frozen=True)
class Stillness:
    """Of a pair of rows: matches that do not move, that move a little, all, and the share of the textured picture over
    which the first ones lie."""

    still: int
    slow: int
    count: int
    cover: float

    @property
    def is_seen(self) -> bool:
        """Whether what does not move is a cluster apart from what does."""
        return is_apart(self.still, self.slow)

    @property
    def is_lost(self) -> bool:
        """Whether hardly anything is found again."""
        return self.count < SURE_STILL

    @property
    def may_stand(self) -> bool:
        """Whether the camera may stand between both rows: what is still is seen, or hardly anything is found again."""
        return self.is_seen or self.count - self.still < SURE_STILL

    def is_sure(self, cover: float) -> bool:
        """Whether nearly everything stands, over so much of the picture."""
        return self.still >= max(SURE_STILL, SURE_SHARE * self.count) and self.cover >= cover


def stillness(first: Points, second: Points, matches: Matches, size: tuple[int, int]) -> Stillness:
    """How much of what two rows match does not move, in images of (width, height)."""
    moved = moved_px(first, second, matches)
    still = first[matches[moved < STILL_PX, 0]]
    cover = len(_cells(still, size)) / max(len(_cells(first, size)), 1)
    return Stillness(*still_and_slow(moved), len(matches), cover)


class StandFinder:
    """Finds the stands of one window from its keypoints and the matches of its pairs.

    `match` matches more pairs: the views before and after something passed, wherever they are.
    """

    def __init__(
        self,
        keypoints: Sequence[Keypoints],
        matches: Mapping[Pair, Matches],
        size: tuple[int, int],
        match: Callable[[Pair], Matches],
    ) -> None:
        self.matches = dict(matches)
        self._keypoints, self._size, self._match = keypoints, size, match
        self._known: dict[Pair, Stillness] = {}

    def find(self) -> list[Stand]:
        """The stands of three rows or more, ascending; `matches` has those between their ends then."""
        seen = [pair for pair in self.matches if self._stillness(pair).is_seen]
        lost = [(row, row + 1) for row in range(len(self._keypoints) - 1) if self._stillness((row, row + 1)).is_lost]
        pieces = list(_joined([*seen, *lost]))
        found = [stand for stand in self._bridged(pieces) if stand.last - stand.first >= 2 and self._is_stand(stand)]
        return found or self._throughout()

    def _throughout(self) -> list[Stand]:
        """A stand of all rows, of which the views at its ends are no proof as something passes throughout. It may also
        be a flat wall that passes behind a part of the camera's own car."""
        stands = stands_throughout(self._keypoints, self.matches)
        return [Stand(0, len(self._keypoints) - 1, sure=False)] if stands else []

    def _bridged(self, pieces: Sequence[Stand]) -> list[Stand]:
        """Pieces are one where the view before the first and after the last is the same: what passed covered all of it
        in between."""
        joined: list[Stand] = []
        for piece in pieces:
            before = joined[-MOST_PIECES:]
            same = [k for k, other in enumerate(before) if self._is_same_view(other.first, piece.last)]
            whole = Stand(before[same[0]].first, piece.last) if same else piece
            joined = [*(other for other in joined if other.last <= whole.first), whole]
        return joined

    def _is_same_view(self, first: int, last: int) -> bool:
        return last - first <= MOST_ROWS and self._stillness((first, last)).is_sure(ENDS_COVER)

    def _is_stand(self, stand: Stand) -> bool:
        """Whether nearly everything stands between its ends, or between two neighbours of a run that shows it often.

        A window that stands throughout must show it between its ends, over most of the picture.
        """
        ends = self._stillness(stand.ends)
        if stand.ends == (0, len(self._keypoints) - 1):
            return ends.is_sure(WHOLE_COVER)
        gaps = [self._stillness(gap) for gap in pairwise(range(stand.first, stand.last + 1))]
        if not (gaps[0].may_stand and gaps[-1].may_stand):
            return False  # back at the same place: the camera left it and came back
        often = float(np.mean([gap.is_seen for gap in gaps]))
        sure = any(gap.is_sure(NEIGHBOURS_COVER) for gap in gaps)
        lasts = len(gaps) >= LASTING and often >= LASTING_GAPS and self._sets_off(stand)
        return ends.is_sure(ENDS_COVER) or (sure and often >= STILL_GAPS) or lasts

    def _sets_off(self, stand: Stand) -> bool:
        """Whether what is still moves as soon as the camera does, before or after the stand; what goes with the camera,
        or ahead of it, does not. For a window that begins or ends while something passes."""
        first, last = stand.ends
        before = first > 0 and self._leaves((first, first + 1), 0, (first - 1, first), 1)
        return before or (last + 1 < len(self._keypoints) and self._leaves((last - 1, last), 1, (last, last + 1), 0))

    def _leaves(self, standing: Pair, column: int, moving: Pair, other_column: int) -> bool:
        """Whether points of one row, still in one of its gaps, clearly move in its other one; the columns are those of
        that row in the matches of both."""
        still = self.matches[standing][self._moved_px(standing) < STILL_PX, column]
        again = np.isin(self.matches[moving][:, other_column], still)
        return int(again.sum()) >= MIN_STILL and float(np.median(self._moved_px(moving)[again])) > CLEAR_PX

    def _moved_px(self, pair: Pair) -> NDArray[np.float32]:
        first, second = (self._keypoints[row].xy for row in pair)
        return moved_px(first, second, self.matches[pair])

    def _stillness(self, pair: Pair) -> Stillness:
        if pair not in self._known:
            if pair not in self.matches:
                self.matches[pair] = self._match(pair)
            first, second = (self._keypoints[row].xy for row in pair)
            self._known[pair] = stillness(first, second, self.matches[pair], self._size)
        return self._known[pair]


def _cells(xy: Points, size: tuple[int, int]) -> NDArray[np.int64]:
    """Numbers of the cells in which there are points."""
    return np.unique(cell_numbers(xy, size, CELLS))


def _joined(pairs: Sequence[Pair]) -> Iterator[Stand]:
    """The runs of rows that pairs tie together, those between the rows of a pair included."""
    current: Stand | None = None
    for first, last in sorted(pairs):
        if current is not None and first <= current.last:
            current = Stand(current.first, max(current.last, last))
            continue
        if current is not None:
            yield current
        current = Stand(first, last)
    if current is not None:
        yield current
