"""Not every candidate is worth a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.posegraph import Edge
from da3_stream.slam.loop_closing import TELLS_LITTLE, LoopCloser
from da3_stream.slam.loop_counts import MAX_LOOPS_PER_PAIR
from da3_stream.types import LoopCandidate, LoopEdge, LoopRefusal, WindowGeometry

SPAN = 100  # frames of a window


class Finder:
    """Gives what was prepared for every window."""

    def __init__(self, *windows: Sequence[LoopCandidate]) -> None:
        self._windows = list(windows)

    def add(self, window: WindowGeometry) -> list[LoopCandidate]:
        return list(self._windows.pop(0))

    def close(self) -> None:
        pass


class Verifier:
    """Believes everything, and remembers what it looked at."""

    def __init__(self, certain: bool = True, loop: bool = True) -> None:
        self.certain, self.loop = certain, loop
        self.looked: list[int] = []

    def submaps_of(self, candidate: LoopCandidate) -> tuple[int, int]:
        return candidate.earlier // SPAN, candidate.later // SPAN

    def verify(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        self.looked.append(candidate.later)
        if not self.loop:
            return LoopRefusal(candidate, "another place")
        a_from_b = Sim3(2.0, np.eye(3), np.array([1.0, 2.0, 3.0]))
        return LoopEdge(candidate, self.submaps_of(candidate), a_from_b, np.eye(7), {}, self.certain)


class Settled:
    """Nothing waits."""

    def settle(self, verdicts: Sequence[Any], window: int) -> list[Any]:
        return list(verdicts)


class Information:
    """Says of every candidate that it tells so many nats, and remembers how many loops it was told of."""

    def __init__(self, *nats: float) -> None:
        self._nats = list(nats)
        self.told: list[int] = []

    def too_little(self, candidate: LoopCandidate, found: Sequence[Edge]) -> float | None:
        self.told.append(len(found))
        nats = self._nats.pop(0) if self._nats else np.inf
        return nats if nats < 3.0 else None


def candidates(*pairs: tuple[int, int]) -> list[LoopCandidate]:
    return [LoopCandidate(earlier, later, 0.9, 5) for earlier, later in pairs]


def closer(finder: Finder, verifier: Verifier, information: Information | None = None) -> LoopCloser:
    parts = finder, verifier, Settled(), information or Information()
    return LoopCloser(*(cast(Any, part) for part in parts))


NOTHING = cast(WindowGeometry, None)
SAME_PAIR = candidates((10, 910), (30, 930), (50, 950), (70, 970))


def test_two_windows_are_tied_no_more_often_than_tells_something() -> None:
    verifier = Verifier()
    loops = closer(Finder(SAME_PAIR, candidates((90, 990), (110, 990))), verifier)
    first, second = loops.process(NOTHING, [9]), loops.process(NOTHING, [9])
    assert verifier.looked == [910, 930, 990] and MAX_LOOPS_PER_PAIR == 2
    assert [edge.a for edge in (*first.edges, *second.edges)] == [0, 0, 1]
    reasons = [event.fields["reason"] for event in (*first.events, *second.events) if event.kind == "loop refused"]
    assert reasons == ["its windows are tied to each other already"] * 3


def test_what_would_tell_little_is_not_looked_at_and_takes_one_line_of_the_journal() -> None:
    verifier, information = Verifier(), Information(9.0, 1.0, 3.0, 2.5)
    found = closer(Finder(candidates((10, 910), (110, 930), (210, 950), (310, 970))), verifier, information)
    result = found.process(NOTHING, [9])
    assert verifier.looked == [910, 950] and len(result.edges) == 2
    lines = [event.fields for event in result.events if event.kind == "loops not looked at"]
    assert lines == [{"reason": TELLS_LITTLE, "count": 2, "most_nats": 2.5}]
    assert information.told == [0, 1, 1, 2]


@pytest.mark.parametrize("verifier", [Verifier(certain=False), Verifier(loop=False)])
def test_what_is_not_certain_ties_nothing(verifier: Verifier) -> None:
    closer(Finder(SAME_PAIR), verifier).process(NOTHING, [9])
    assert verifier.looked == [910, 930, 950, 970]


def test_the_journal_tells_the_transform_of_a_loop(tmp_path: Path) -> None:
    found = closer(Finder(SAME_PAIR[:1]), Verifier()).process(NOTHING, [9])
    told = Sim3.exp(found.events[0].fields["a_from_b"])
    np.testing.assert_allclose(told.apply(np.array([5.0, 6.0, 7.0])), [11.0, 14.0, 17.0], rtol=1e-7)
