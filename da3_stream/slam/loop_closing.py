"""Revisited places of a run: found, looked at, and handed to the back-end, window by window."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import DeviceLostError
from ..loops import LoopFinder, LoopVerifier, MakeExtractor, TemporalConsistency
from ..posegraph import Edge
from ..predictors.scheduler import predict_pair
from ..settings import LoopsSettings
from ..store import Run
from ..types import Frame, LoopCandidate, LoopEdge, LoopRefusal, PairPredictor, WindowGeometry
from .submaps import SubmapStore
from .update import Event

log = logging.getLogger(__name__)

MAX_LOOPS_PER_PAIR = 2  # certain loops between two windows: more of them tell the same, and each takes a prediction


@dataclass(frozen=True, eq=False)
class LoopResult:
    """Loops for the graph, and what the journal should say."""

    edges: tuple[Edge, ...] = ()
    events: tuple[Event, ...] = ()


class Loops(Protocol):
    """Looks for revisited places, or does not."""

    keeps_pictures: bool

    def process(self, window: WindowGeometry, submaps: Sequence[int]) -> LoopResult:
        """What a window brings that was just stored as these submaps."""
        ...

    def close(self) -> LoopResult:
        """What is still to be said at the end of a run."""
        ...

    def state(self) -> dict[str, Any]:
        """What must survive a kill: numbers and texts."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...


class NoLoops:
    """Where they are switched off."""

    keeps_pictures = False

    def process(self, window: WindowGeometry, submaps: Sequence[int]) -> LoopResult:
        """Nothing."""
        return LoopResult()

    def close(self) -> LoopResult:
        """Nothing."""
        return LoopResult()

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing."""


class LoopCloser:
    """Finds candidates by descriptors, and has the predictor look at both places together."""

    keeps_pictures = True

    def __init__(self, finder: LoopFinder, verifier: LoopVerifier, corroboration: TemporalConsistency) -> None:
        self._finder, self._verifier, self._corroboration = finder, verifier, corroboration
        self._tied: Counter[tuple[int, int]] = Counter()
        self._broken = False

    def process(self, window: WindowGeometry, submaps: Sequence[int]) -> LoopResult:
        """See `Loops`. A failure ends the search for loops, not the run; one of the disk or the device does."""
        if self._broken:
            return LoopResult()
        try:
            verdicts = [self._judged(candidate) for candidate in self._finder.add(window)]
            self._tied = Counter({pair: n for pair, n in self._tied.items() if pair[1] >= submaps[0] - 1})
            return _found(self._corroboration.settle(verdicts, submaps[-1]))
        except (OSError, DeviceLostError):
            raise
        except Exception as error:
            return self._given_up(error)

    def close(self) -> LoopResult:
        """Close the index; what waited for a neighbour is refused."""
        try:
            self._finder.close()
            return _found(self._corroboration.close())
        except Exception as error:
            return self._given_up(error)

    def state(self) -> dict[str, Any]:
        """See `Loops`."""
        return {
            "finder": self._finder.state(),
            "held": self._corroboration.state(),
            "tied": [(*pair, count) for pair, count in self._tied.items()],
            "broken": self._broken,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `Loops`."""
        self._finder.restore(state["finder"])
        self._corroboration.restore(state["held"])
        self._tied = Counter({(a, b): count for a, b, count in state["tied"]})
        self._broken = state["broken"]

    def _judged(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        """The verdict on a candidate that has something to add."""
        windows = self._verifier.submaps_of(candidate)
        if self._tied[windows] >= MAX_LOOPS_PER_PAIR:
            return LoopRefusal(candidate, "its windows are tied to each other already")
        verdict = self._verified(candidate)
        self._tied[windows] += isinstance(verdict, LoopEdge) and verdict.certain
        return verdict

    def _verified(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        try:
            return self._verifier.verify(candidate)
        except DeviceLostError:
            raise
        except Exception as error:
            log.warning("a look at two places together failed: %s", error, exc_info=True)
            return LoopRefusal(candidate, f"the look at both places failed: {error}")

    def _given_up(self, error: Exception) -> LoopResult:
        log.warning("no more places are recognised: %s", error, exc_info=True)
        self._broken = True
        return LoopResult(events=(Event("loops stopped", {"reason": str(error)}),))


def make_loops(
    run: Run, known: SubmapStore, predictor: PairPredictor, describer: MakeExtractor | None, settings: LoopsSettings
) -> Loops:
    """What a describer is there for; none without one."""
    if describer is None:
        return NoLoops()
    folder = run.path / "places"
    finder = LoopFinder(describer(folder), folder / "descriptors.bin", settings)
    return LoopCloser(
        finder, LoopVerifier(FailSafePredictor(predictor), known, settings.reach), TemporalConsistency(known)
    )


@dataclass(frozen=True)
class FailSafePredictor:
    """A predictor whose failures on a loop check are geometry that FAILED."""

    predictor: PairPredictor

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`."""
        return predict_pair(self.predictor, first, second)


def _found(verdicts: Iterable[LoopEdge | LoopRefusal]) -> LoopResult:
    verdicts = list(verdicts)
    loops = [one for one in verdicts if isinstance(one, LoopEdge)]
    edges = [Edge(*one.submaps, one.a_from_b, one.information, loop=True) for one in loops]
    return LoopResult(tuple(edges), tuple(_event(one) for one in verdicts))


def _event(verdict: LoopEdge | LoopRefusal) -> Event:
    candidate = verdict.candidate
    about = {
        "frames": (candidate.earlier, candidate.later),
        "similarity": round(candidate.similarity, 3),
        "support": candidate.support,
        **{name: float(f"{value:.4g}") for name, value in verdict.evidence.items()},
    }
    if isinstance(verdict, LoopEdge):
        transform = [float(f"{value:.9g}") for value in verdict.a_from_b.log()]
        return Event("loop", {"nodes": verdict.submaps, **about, "a_from_b": transform})
    return Event("loop refused", {"reason": verdict.reason, **about})
