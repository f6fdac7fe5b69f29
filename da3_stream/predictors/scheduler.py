"""Windows through the predictor: several at once where it allows that, answers in order, memory bounded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from ..errors import Da3StreamError, PredictorError
from ..stopwatch import Stopwatch
from ..types import Frame, Predictor, WindowGeometry
from ..windows import Window

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 64
AHEAD = 1  # windows that may wait, predicted, for the back-end


@dataclass(frozen=True, eq=False)
class WindowPrediction:
    """A window with its geometry, and the predictor's state after it (None where it has none)."""

    window: Window[Frame]
    geometry: WindowGeometry
    state: Any


class SerializedPredictor:
    """A predictor as several threads may ask it: one after the other, unless it takes several windows at once."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self._one = predictor, threading.Lock() if in_flight(predictor) == 1 else nullcontext()

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`."""
        with self._one:
            return self._predictor.predict(frames)

    def answer(self, window: Window[Frame], left: threading.Event) -> WindowPrediction:
        """The checked answer, with the state that the predictor is in right after it."""
        with self._one:
            geometry = predict(self._predictor, window.frames, left)
            return WindowPrediction(window, geometry, getattr(self._predictor, "state", _none)())


def predictions(
    windows: Iterable[Window[Frame]],
    predictor: Predictor,
    watch: Stopwatch,
    asked: SerializedPredictor | None = None,
    stop: Callable[[], None] | None = None,
) -> Generator[WindowPrediction]:
    """Every window with its geometry, in order, while a thread of its own keeps the predictor busy.

    At most `predictor.in_flight` windows are with the predictor, one more waits, cut, to be submitted, and at most one
    more, predicted, to be taken; `in_flight` is read before each submission, so that a predictor may change it as it
    learns. A predictor that fails on a window costs that window only (see `WindowGeometry.failed`). `stop` makes the
    windows end, from another thread: it is called when answers are wanted no more. Raises PredictorError for an answer
    that breaks the contract, and what reading the windows raises, after the answers before it.
    """
    feeder = PredictionScheduler(windows, predictor, asked or SerializedPredictor(predictor))
    try:
        while True:
            with watch.stage("frames"):
                future = feeder.next()
            if future is None:
                return
            with watch.stage("predict"):
                answer = future.result()
            feeder.taken()
            yield answer
    finally:
        feeder.close(stop or _stop_nothing)


class PredictionScheduler:
    """A thread that submits windows as soon as there is room for one."""

    def __init__(self, windows: Iterable[Window[Frame]], predictor: Predictor, asked: SerializedPredictor) -> None:
        self._windows, self._predictor, self._asked = windows, predictor, asked
        self._pool = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="predict")
        self._submitted: SimpleQueue[Future[WindowPrediction] | BaseException | None] = SimpleQueue()
        self._changed, self._cancelled = threading.Condition(), threading.Event()
        self._unfinished = self._pending = 0
        self._thread = threading.Thread(target=self._feed, name="feed", daemon=True)
        self._thread.start()

    def next(self) -> Future[WindowPrediction] | None:
        """The next window that was submitted; None at the end."""
        item = self._submitted.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def taken(self) -> None:
        """One answer was taken."""
        self._count(taken=1)

    def close(self, stop: Callable[[], None]) -> None:
        """Submit no more, and wait for the thread; what is being predicted is left to end by itself."""
        self._cancelled.set()
        self._count()
        stop()  # live input may have nothing to give for long
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join()

    def _feed(self) -> None:
        try:
            for window in self._windows:  # the next one is cut while there is no room for it yet
                if not self._wait_for_room():
                    return
                self._submit(window)
            self._submitted.put(None)
        except BaseException as error:  # raised again where the answers are taken
            self._submitted.put(error)

    def _wait_for_room(self) -> bool:
        """Wait until the predictor takes one more; False where nobody takes answers any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled.is_set() or self._has_room())
        return not self._cancelled.is_set()

    def _has_room(self) -> bool:
        most = in_flight(self._predictor)
        return self._unfinished < most and self._pending < most + AHEAD

    def _submit(self, window: Window[Frame]) -> None:
        if self._cancelled.is_set():
            return
        getattr(self._predictor, "prepare", _nothing)(window.frames)
        with self._changed:
            self._unfinished += 1
            self._pending += 1
        future = self._pool.submit(self._asked.answer, window, self._cancelled)
        future.add_done_callback(lambda _: self._count(finished=1))
        self._submitted.put(future)

    def _count(self, finished: int = 0, taken: int = 0) -> None:
        with self._changed:
            self._unfinished -= finished
            self._pending -= taken
            self._changed.notify_all()


def predict(predictor: Predictor, frames: Sequence[Frame], left: threading.Event) -> WindowGeometry:
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


def in_flight(predictor: Predictor) -> int:
    """How many windows a predictor takes at once."""
    return max(1, min(int(getattr(predictor, "in_flight", 1)), MOST_IN_FLIGHT))


def _nothing(frames: Sequence[Frame]) -> None:
    """What predictors do that need no preparation."""


def _stop_nothing() -> None:
    """For windows that end soon by themselves."""


def _none() -> None:
    """The state of a predictor that has none."""
