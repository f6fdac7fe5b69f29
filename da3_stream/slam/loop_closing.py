"""Loop closing: candidates from descriptors, verified by the predictor, as edges for the pose graph."""

from __future__ import annotations

import logging
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
from .backend import Backend
from .loop_counts import LoopCounts
from .loop_information import LoopInformation
from .submaps import SubmapStore
from .update import Event

log = logging.getLogger(__name__)

TELLS_LITTLE = "the map knows as much already"
MANY_LOOKS = "the window has taken as many looks as others did, and the place was compared with another visit"


@dataclass(frozen=True, eq=False)
class LoopResult:
    """Edges for the pose graph, and lines for the journal."""

    edges: tuple[Edge, ...] = ()
    events: tuple[Event, ...] = ()


class Loops(Protocol):
    """Closes loops, or does not (`NoLoops`)."""

    needs_images: bool

    def process(self, window: WindowGeometry, submap_ids: Sequence[int]) -> LoopResult:
        """Loops of a window, restricted to the frames it owns, which was just stored as these submaps."""
        ...

    def finish(self) -> LoopResult:
        """What is still to be decided once no window comes any more."""
        ...

    def close(self) -> None:
        """Release the files; again: no harm."""
        ...

    def state(self) -> dict[str, Any]:
        """What must survive a kill: numbers and texts."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...


class NoLoops:
    """Closes no loops, because they are switched off."""

    needs_images = False

    def process(self, window: WindowGeometry, submap_ids: Sequence[int]) -> LoopResult:
        """No loops."""
        return LoopResult()

    def finish(self) -> LoopResult:
        """No loops."""
        return LoopResult()

    def close(self) -> None:
        """Release nothing."""

    def state(self) -> dict[str, Any]:
        """No state."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """No state to go on from."""


class LoopCloser:
    """Finds candidates by descriptors, and has the predictor see both places together, where that tells enough.

    A check that fails refuses its candidate. A failure of descriptors or index ends loop closing, not the run. A lost
    device, or a disk that refuses the index, ends the run, which can go on later.
    """

    needs_images = True

    def __init__(
        self,
        finder: LoopFinder,
        verifier: LoopVerifier,
        consistency: TemporalConsistency,
        information: LoopInformation,
    ) -> None:
        self._finder, self._verifier, self._consistency = finder, verifier, consistency
        self._information = information
        self._counts = LoopCounts()
        self._disabled = False

    def process(self, window: WindowGeometry, submap_ids: Sequence[int]) -> LoopResult:
        """See `Loops`."""
        if self._disabled:
            return LoopResult()
        try:
            self._counts.begin_window(submap_ids[0])
            results = self._check_all(self._finder.add(window))
            return _loop_result(self._consistency.settle(results, submap_ids[-1]))
        except (OSError, DeviceLostError):
            raise
        except Exception as error:
            return self._disable(error)

    def finish(self) -> LoopResult:
        """Refuse what waited for a neighbour that says the same."""
        try:
            self._finder.close()
            return _loop_result(self._consistency.close())
        except Exception as error:
            return self._disable(error)

    def close(self) -> None:
        """Close the index."""
        self._finder.close()

    def state(self) -> dict[str, Any]:
        """See `Loops`."""
        return {
            "finder": self._finder.state(),
            "held": self._consistency.state(),
            "disabled": self._disabled,
            **self._counts.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `Loops`."""
        self._finder.restore(state["finder"])
        self._consistency.restore(state["held"])
        self._counts.restore(state)
        self._disabled = state["disabled"]

    def _check_all(self, candidates: Iterable[LoopCandidate]) -> list[LoopEdge | LoopRefusal]:
        """Verify the candidates of a window one after the other: each is told of the certain loops before it."""
        results: list[LoopEdge | LoopRefusal] = []
        for candidate in candidates:
            found = [_edge(result) for result in results if isinstance(result, LoopEdge) and result.certain]
            results.append(self._check(candidate, found))
        return results

    def _check(self, candidate: LoopCandidate, found: Sequence[Edge]) -> LoopEdge | LoopRefusal:
        """Verify a candidate, unless its submaps are tied to each other by enough loops, or by other ways as well."""
        pair = self._verifier.submaps_of(candidate)
        if self._counts.are_tied(pair):
            return LoopRefusal(candidate, "its windows are tied to each other already")
        if self._counts.are_many_looks(candidate.rank):
            return LoopRefusal(candidate, MANY_LOOKS)
        nats = self._information.too_little(candidate, found)
        if nats is not None:
            return LoopRefusal(candidate, TELLS_LITTLE, {"nats": nats})
        result = self._verify(candidate)
        self._counts.add_look(pair, isinstance(result, LoopEdge) and result.certain)
        return result

    def _verify(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        try:
            return self._verifier.verify(candidate)
        except DeviceLostError:
            raise
        except Exception as error:
            log.warning("a look at two places together failed: %s", error, exc_info=True)
            return LoopRefusal(candidate, f"the look at both places failed: {error}")

    def _disable(self, error: Exception) -> LoopResult:
        log.warning("no more places are recognised: %s", error, exc_info=True)
        self._disabled = True
        return LoopResult(events=(Event("loops stopped", {"reason": str(error)}),))


def make_loops(
    run: Run,
    submaps: SubmapStore,
    backend: Backend,
    predictor: PairPredictor,
    extractor: MakeExtractor | None,
    settings: LoopsSettings,
) -> Loops:
    """Loop closing with the descriptors of an extractor; none without one."""
    if extractor is None:
        return NoLoops()
    folder = run.path / "places"
    finder = LoopFinder(extractor(folder), folder / "descriptors.bin", settings)
    verifier = LoopVerifier(FailSafePredictor(predictor), submaps, settings.reach)
    information = LoopInformation(submaps, backend, settings.min_information)
    return LoopCloser(finder, verifier, TemporalConsistency(submaps), information)


@dataclass(frozen=True)
class FailSafePredictor:
    """A predictor whose unexpected failures on a loop check are geometry that FAILED.

    A Da3StreamError (a broken contract, a lost device) is passed on.
    """

    predictor: PairPredictor

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """See `PairPredictor`."""
        return predict_pair(self.predictor, first, second)


def _loop_result(results: Iterable[LoopEdge | LoopRefusal]) -> LoopResult:
    results = list(results)
    loops = [result for result in results if isinstance(result, LoopEdge)]
    told = [result for result in results if isinstance(result, LoopEdge) or result.reason != TELLS_LITTLE]
    spared = [result for result in results if isinstance(result, LoopRefusal) and result.reason == TELLS_LITTLE]
    return LoopResult(tuple(map(_edge, loops)), (*map(_event, told), *_spared_event(spared)))


def _edge(loop: LoopEdge) -> Edge:
    return Edge(*loop.submaps, loop.a_from_b, loop.information, loop=True)


def _spared_event(spared: Sequence[LoopRefusal]) -> tuple[Event, ...]:
    """One line for all candidates of a window that were not looked at for what they would tell."""
    if not spared:
        return ()
    most = max(refusal.evidence["nats"] for refusal in spared)
    return (Event("loops not looked at", {"reason": TELLS_LITTLE, "count": len(spared), "most_nats": round(most, 3)}),)


def _event(result: LoopEdge | LoopRefusal) -> Event:
    candidate = result.candidate
    about = {
        "frames": (candidate.earlier, candidate.later),
        "similarity": round(candidate.similarity, 3),
        "support": candidate.support,
        **{name: float(f"{value:.4g}") for name, value in result.evidence.items()},
    }
    if isinstance(result, LoopEdge):
        transform = [float(f"{value:.9g}") for value in result.a_from_b.log()]
        return Event("loop", {"nodes": result.submaps, **about, "a_from_b": transform})
    return Event("loop refused", {"reason": result.reason, **about})
