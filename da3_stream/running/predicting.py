"""Windows through the predictor: several at once where it allows that, answers in order, memory bounded."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event, Lock

from ..errors import Da3StreamError, PredictorError
from ..types import Frame, Predictor, WindowGeometry
from ..windows import Window
from .stopwatch import Stopwatch

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 64

Answer = tuple[Window[Frame], WindowGeometry]


class Asked:
    """A predictor as several threads may ask it: one after the other, unless it takes several windows at once."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self._one = predictor, Lock() if _in_flight(predictor) == 1 else nullcontext()

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`."""
        with self._one:
            return self._predictor.predict(frames)


def predicted(
    windows: Iterable[Window[Frame]], predictor: Predictor, watch: Stopwatch, asked: Asked | None = None
) -> Generator[Answer]:
    """Every window with its geometry, in order; at most `predictor.in_flight` of them are with the predictor.

    `in_flight` is read before each submission, so that a predictor may change it as it learns. A predictor that fails
    on a window costs that window only (see `WindowGeometry.failed`). Raises PredictorError for an answer that breaks
    the contract.
    """
    waiting: deque[tuple[Window[Frame], Future[WindowGeometry]]] = deque()
    asked = asked or Asked(predictor)
    pool, left = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="predict"), Event()
    try:
        for window in windows:
            ready = []
            while len(waiting) >= _in_flight(predictor):
                ready.append(_answer(*waiting.popleft(), watch))
            getattr(predictor, "prepare", _nothing)(window.frames)
            waiting.append((window, pool.submit(predict, asked, window.frames, left)))
            yield from ready
        while waiting:
            yield _answer(*waiting.popleft(), watch)
    finally:
        left.set()
        pool.shutdown(wait=False, cancel_futures=True)


def predict(predictor: Predictor, frames: Sequence[Frame], left: Event) -> WindowGeometry:
    """The predictor's answer, checked; once everyone has `left`, its failures interest nobody.

    Raises PredictorError if the answer breaks the contract.
    """
    try:
        geometry = predictor.predict(frames)
    except Da3StreamError:
        raise
    except Exception as error:
        if not left.is_set():
            where = (frames[0].index, frames[-1].index)
            log.warning("the predictor failed on frames %d to %d: %s", *where, error, exc_info=True)
        return WindowGeometry.failed(frames, f"{type(error).__name__}: {error}")
    if not isinstance(geometry, WindowGeometry):
        raise PredictorError(f"the predictor gave a {type(geometry).__name__}, expected a WindowGeometry")
    return geometry.check(frames)


def _nothing(frames: Sequence[Frame]) -> None:
    """What predictors do that need no preparation."""


def _in_flight(predictor: Predictor) -> int:
    return max(1, min(int(getattr(predictor, "in_flight", 1)), MOST_IN_FLIGHT))


def _answer(window: Window[Frame], future: Future[WindowGeometry], watch: Stopwatch) -> Answer:
    with watch.stage("predict"):
        return window, future.result()
