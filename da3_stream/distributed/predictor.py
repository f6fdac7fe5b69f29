"""The predictor of a run whose windows are predicted by a pool of actors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from ..errors import EngineError
from ..types import Frame, WindowGeometry
from .frame_store import FrameStore, frame_bytes
from .messages import Outcome, Request
from .pool import ActorPool, WorkKilledError
from .results import own
from .unseen import UnseenError

log = logging.getLogger(__name__)

RESULT_SHARE = 4  # bytes of a window's geometry to those of its frames, until one is known
FULL_S = 1.0  # between two looks whether a full object store has room again


class RayPredictor:
    """Offers what `types.Predictor` describes; calls block the thread that makes them, in which `state` is then asked.

    `span` windows after one another are meant for one actor. The frames and geometries of all windows that are under
    way take at most `most_bytes`, unless one alone takes more.
    """

    def __init__(self, pool: ActorPool, store: FrameStore, ray: Any, actors: int, span: int, most_bytes: int) -> None:
        self._pool, self._store, self._ray = pool, store, ray
        self._actors, self._span, self._most_bytes = actors, span, most_bytes
        told = pool.description
        self.name, self.hash, self.facts = told.name, told.hash, dict(told.facts)
        self.is_metric, self.gives_descriptors = told.is_metric, told.gives_descriptors
        self.gives_gaussians = told.gives_gaussians
        self.window_size, self.window_overlap, self.image_side = told.window_size, told.window_overlap, told.image_side
        self._lock, self._here = threading.Lock(), _OfThread()
        self._numbers: dict[tuple[int, int], int] = {}
        self._announced = self._under_way = 0
        self._frame_bytes = self._result_bytes = 0  # the most of a window until now

    @property
    def in_flight(self) -> int:
        """How many windows may be under way: a span for each actor and one beside, but not more than memory allows."""
        most = self._actors * max(self._span, self._pool.takes + 1)
        each = self._frame_bytes + (self._result_bytes or RESULT_SHARE * self._frame_bytes)
        return max(1, min(most, self._most_bytes // each)) if each else most

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens, ready for JSON."""
        return dict(self._pool.camera)

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds in the actors and their processes, by kind of work."""
        return self._pool.timings

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window: windows are numbered in this order."""
        with self._lock:
            self._numbers[_span(frames)] = self._announced
            self._announced += 1
            self._frame_bytes = max(self._frame_bytes, frame_bytes(frames))

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of a window that was announced."""
        with self._lock:
            number = self._numbers.pop(_span(frames), None)
        return self._ask(frames, number, split=None)

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of frames out of several windows, by what the predictor knows now."""
        return self._ask(frames, None, split=None)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """Geometry of two neighbourhoods, by what the predictor knows now."""
        return self._ask([*first, *second], None, split=len(first))

    def state(self) -> Any:
        """The predictor's state after the window that this thread has had predicted, None if it has none."""
        return self._here.state

    def restore(self, state: Any) -> None:
        """Go on from a state."""
        self._pool.restore(state)

    def close(self) -> None:
        """End the actors."""
        self._pool.close()

    def _ask(self, frames: Sequence[Frame], number: int | None, split: int | None) -> WindowGeometry:
        try:
            outcome = self._run(frames, number, split)
        except WorkKilledError as error:
            self._here.state = self._pool.learnt.state
            return WindowGeometry.failed(frames, str(error))
        self._here.state = (
            outcome.state if number is not None and outcome.state is not None else self._pool.learnt.state
        )
        if outcome.error is not None:
            raise outcome.error
        assert outcome.geometry is not None
        return outcome.geometry

    def _run(self, frames: Sequence[Frame], number: int | None, split: int | None) -> Outcome:
        """The outcome, in memory of this process; what the object store has no room for waits for other windows, and
        where an actor cannot decode frames by itself, all go through the object store from then on."""
        while True:
            with self._lock:
                self._under_way += 1
            try:
                chunks, places = self._store.place(frames)
                outcome = self._pool.run(number, Request(places, window=number is not None, split=split), chunks)
                return self._owned(outcome)
            except UnseenError as error:
                self._send_pictures(error)
                continue
            except (self._ray.exceptions.ObjectStoreFullError, self._ray.exceptions.OutOfDiskError) as error:
                with self._lock:
                    if self._under_way == 1:
                        raise EngineError(_full(error)) from error
            finally:
                with self._lock:
                    self._under_way -= 1
            time.sleep(FULL_S)

    def _send_pictures(self, error: UnseenError) -> None:
        with self._lock:
            if self._store.sends_pictures:  # another window found the same
                return
            log.warning("frames are not decoded in actors any more, they go through the object store: %s", error)
            self._store = FrameStore(self._ray.put)

    def _owned(self, outcome: Outcome) -> Outcome:
        owned, size = own(outcome)
        with self._lock:
            self._result_bytes = max(self._result_bytes, size)
        return owned


class _OfThread(threading.local):
    """What a thread was told last: the state after its own window, however far others have come."""

    state: Any = None


def _span(frames: Sequence[Frame]) -> tuple[int, int]:
    return frames[0].index, frames[-1].index


def _full(error: Exception) -> str:
    return (
        "Ray's object store has no room for one window: start the cluster with more --object-store-memory, free the "
        f"disk that it spills to, or make windows or frames smaller ({' '.join(str(error).split())[:200]})"
    )
