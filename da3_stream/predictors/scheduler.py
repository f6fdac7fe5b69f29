"""Windows through the predictor: several at once where it allows that, predictions in order, memory bounded."""

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
from ..types import Frame, PairPredictor, Predictor, WindowGeometry
from ..windows import Window
from .adapter import PredictorAdapter

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 64
PREDICT = "predict"  # the stage of what a predictor does in this process
AHEAD = 1  # windows that may wait, predicted, for the main thread


@dataclass(frozen=True, eq=False)
class WindowPrediction:
    """A window with its geometry, and the predictor's state after it (None where it has none)."""

    window: Window[Frame]
    geometry: WindowGeometry
    state: Any


class SerializedPredictor:
    """A predictor for several threads: calls wait for each other, unless it takes several windows at once.

    What they take in this process counts towards the stage PREDICT of `watch`.
    """

    def __init__(self, predictor: PredictorAdapter, watch: Stopwatch | None = None) -> None:
        self._predictor, self._watch = predictor, watch or Stopwatch()
        self._turn = threading.Lock() if predictor.in_flight == 1 else nullcontext()

    @property
    def in_flight(self) -> int:
        """How many windows it takes at once."""
        return min(self._predictor.in_flight, MOST_IN_FLIGHT)

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window that is about to be predicted."""
        self._predictor.prepare(frames)

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`."""
        with self._turn, self._watch.stage(PREDICT):
            return self._predictor.predict_keyframes(frames)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`."""
        with self._turn, self._watch.stage(PREDICT):
            return self._predictor.predict_pair(first, second)

    def predict_window(self, window: Window[Frame], cancelled: threading.Event) -> WindowPrediction:
        """The checked geometry of a window, with the state that the predictor is in right after it."""
        with self._turn, self._watch.stage(PREDICT):
            geometry = predict(self._predictor, window.frames, cancelled)
            return WindowPrediction(window, geometry, self._predictor.state())


def predictions(
    windows: Iterable[Window[Frame]],
    predictor: SerializedPredictor,
    stop: Callable[[], None] | None = None,
) -> Generator[WindowPrediction]:
    """Every window with its geometry, in order, while a thread of its own keeps the predictor busy.

    At most `predictor.in_flight` windows are with the predictor, one more waits, cut, to be submitted, and at most one
    more, predicted, to be taken; `in_flight` is read before each submission, so that a predictor may change it as it
    learns. A predictor that fails on a window costs that window only (see `WindowGeometry.failed`). `stop` makes the
    windows end, from another thread: it is called when predictions are wanted no more. Raises PredictorError for a
    geometry that breaks the contract, any other Da3StreamError of the predictor (such as a lost device), and what
    reading the windows raises, after the predictions before it.
    """
    scheduler = PredictionScheduler(windows, predictor)
    try:
        while True:
            future = scheduler.next()
            if future is None:
                return
            prediction = future.result()
            scheduler.mark_taken()
            yield prediction
    finally:
        scheduler.cancel()
        if stop is not None:
            stop()  # live input may have nothing to give for long
        scheduler.close()


class PredictionScheduler:
    """A thread that submits windows as soon as there is room for one."""

    def __init__(self, windows: Iterable[Window[Frame]], predictor: SerializedPredictor) -> None:
        self._windows, self._predictor = windows, predictor
        self._pool = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="predict")
        self._submitted: SimpleQueue[Future[WindowPrediction] | BaseException | None] = SimpleQueue()
        self._changed, self._cancelled = threading.Condition(), threading.Event()
        self._unfinished = self._pending = 0  # windows with the predictor; those, and predictions not yet taken
        self._thread = threading.Thread(target=self._feed, name="feed", daemon=True)
        self._thread.start()

    def next(self) -> Future[WindowPrediction] | None:
        """The next window that was submitted; None at the end."""
        item = self._submitted.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def mark_taken(self) -> None:
        """One prediction was taken: there is room for another."""
        self._count(taken=1)

    def cancel(self) -> None:
        """Submit no more; what fails from now on is not logged."""
        self._cancelled.set()
        self._count()

    def close(self) -> None:
        """Wait for the thread, which the windows' end or `cancel` ends; what is being predicted ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join()

    def _feed(self) -> None:
        try:
            for window in self._windows:  # the next one is cut while there is no room for it yet
                if not self._wait_for_room():
                    return
                self._submit(window)
            self._submitted.put(None)
        except BaseException as error:  # raised again where the predictions are taken
            self._submitted.put(error)

    def _wait_for_room(self) -> bool:
        """Wait until the predictor takes one more; False where nobody takes predictions any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled.is_set() or self._has_room())
        return not self._cancelled.is_set()

    def _has_room(self) -> bool:
        most = self._predictor.in_flight
        return self._unfinished < most and self._pending < most + AHEAD

    def _submit(self, window: Window[Frame]) -> None:
        if self._cancelled.is_set():
            return
        self._predictor.prepare(window.frames)
        with self._changed:
            self._unfinished += 1
            self._pending += 1
        future = self._pool.submit(self._predictor.predict_window, window, self._cancelled)
        future.add_done_callback(lambda _: self._count(finished=1))
        self._submitted.put(future)

    def _count(self, finished: int = 0, taken: int = 0) -> None:
        with self._changed:
            self._unfinished -= finished
            self._pending -= taken
            self._changed.notify_all()


def predict(predictor: Predictor, frames: Sequence[Frame], cancelled: threading.Event) -> WindowGeometry:
    """The predictor's geometry of a window, checked; a failure is a window that FAILED.

    Once the run is `cancelled` failures are not logged. Raises PredictorError if the geometry breaks the contract.
    """
    return _checked(lambda: predictor.predict(frames), frames, cancelled)


def predict_pair(predictor: PairPredictor, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
    """The same for a loop check."""
    return _checked(lambda: predictor.predict_pair(first, second), [*first, *second], threading.Event())


def _checked(call: Callable[[], WindowGeometry], frames: Sequence[Frame], cancelled: threading.Event) -> WindowGeometry:
    try:
        geometry = call()
    except Da3StreamError:
        raise
    except Exception as error:
        if not cancelled.is_set():
            where = (frames[0].index, frames[-1].index)
            log.warning("the predictor failed on frames %d to %d: %s", *where, error, exc_info=True)
        return WindowGeometry.failed(frames, f"{type(error).__name__}: {error}")
    if not isinstance(geometry, WindowGeometry):
        raise PredictorError(f"the predictor gave a {type(geometry).__name__}, expected a WindowGeometry")
    return geometry.check(frames)
