"""Not every candidate is worth a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.slam.loop_closing import MAX_LOOPS_PER_PAIR, LoopCloser
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


def candidates(*pairs: tuple[int, int]) -> list[LoopCandidate]:
    return [LoopCandidate(earlier, later, 0.9, 5) for earlier, later in pairs]


def closer(finder: Finder, verifier: Verifier) -> LoopCloser:
    return LoopCloser(cast(Any, finder), cast(Any, verifier), cast(Any, Settled()))


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


@pytest.mark.parametrize("verifier", [Verifier(certain=False), Verifier(loop=False)])
def test_what_is_not_certain_ties_nothing(verifier: Verifier) -> None:
    closer(Finder(SAME_PAIR), verifier).process(NOTHING, [9])
    assert verifier.looked == [910, 930, 950, 970]


def test_the_journal_tells_the_transform_of_a_loop(tmp_path: Path) -> None:
    found = closer(Finder(SAME_PAIR[:1]), Verifier()).process(NOTHING, [9])
    told = Sim3.exp(found.events[0].fields["a_from_b"])
    np.testing.assert_allclose(told.apply(np.array([5.0, 6.0, 7.0])), [11.0, 14.0, 17.0], rtol=1e-7)
