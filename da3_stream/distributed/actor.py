"""What runs in an actor: one predictor, made once, for one request after the other or several at once."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ..machine import keep_freed_memory, one_thread_each
from ..predictors.adapter import PredictorAdapter
from ..predictors.engine import Recipe
from ..types import Frame, WindowGeometry
from .messages import Description, LogLine, Outcome, Request
from .unseen import Decoder, Unseen


class PredictorActor:
    """Holds a predictor in a process of its own, from `load` to `close`."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._log = _Lines()
        self._decoder = Decoder()
        self._version = 0
        self._changed = threading.Condition()

    def node(self) -> str:
        """The id of the machine it is on; answered as soon as the process is there."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def load(self, recipe: Recipe) -> Description:
        """Make the predictor."""
        keep_freed_memory()
        logger = logging.getLogger("da3_stream")
        logger.addHandler(self._log)
        logger.setLevel(logging.INFO)
        self._predictor = PredictorAdapter(recipe.make())
        self._stack.callback(self._predictor.close)
        self._stack.enter_context(one_thread_each())
        return _description(self._predictor)

    def predict(self, request: Request, *chunks: Sequence[Frame | Unseen]) -> Outcome:
        """Do what is asked; what the predictor raises is an answer. Raises UnseenError, before anything is done."""
        self._take_state(request)
        frames = self._decoder.see([chunks[chunk][row] for chunk, row in request.places])
        start = time.thread_time()
        geometry, error = None, None
        try:
            geometry = self._geometry(request, frames)
        except Exception as raised:
            error = _sendable(raised)
        seconds = time.thread_time() - start
        predictor = self._predictor
        outcome = Outcome(
            geometry,
            error,
            state=predictor.state() if request.wants_state else None,
            learns=predictor.learns,
            camera=predictor.camera,
            timings=predictor.timings,
            seconds=seconds,
            log=self._log.take(),
        )
        if request.learns:
            self._set_version(request.version + 1)
        return outcome

    def close(self) -> None:
        """Close the predictor, which ends its processes."""
        self._stack.close()

    def _geometry(self, request: Request, frames: Sequence[Frame]) -> WindowGeometry:
        if request.window:
            self._predictor.prepare(frames)
            return self._predictor.predict(frames)
        if request.split is None:
            return self._predictor.predict_keyframes(frames)
        return self._predictor.predict_pair(frames[: request.split], frames[request.split :])

    def _take_state(self, request: Request) -> None:
        """Have the state that a request wants: it comes with it, or with another that is on its way."""
        if request.learnt is None:
            with self._changed:
                self._changed.wait_for(lambda: self._version >= request.version)
            return
        self._predictor.restore(request.learnt.state)
        self._set_version(request.version)

    def _set_version(self, version: int) -> None:
        with self._changed:
            self._version = version
            self._changed.notify_all()


class _Lines(logging.Handler):
    """Keeps what is logged until it is taken along."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self._kept.append((record.name, record.levelno, self.format(record)))

    def take(self) -> tuple[LogLine, ...]:
        """The lines since the last time."""
        with self.lock or threading.Lock():
            kept, self._kept = tuple(self._kept), []
        return kept


def _description(predictor: PredictorAdapter) -> Description:
    return Description(
        name=predictor.name,
        hash=predictor.hash,
        is_metric=predictor.is_metric,
        gives_descriptors=predictor.gives_descriptors,
        gives_gaussians=predictor.gives_gaussians,
        window_size=predictor.window_size,
        window_overlap=predictor.window_overlap,
        image_side=predictor.image_side,
        in_flight=predictor.in_flight,
        learns=predictor.learns,
        facts=predictor.facts,
    )


def _sendable(error: Exception) -> Exception:
    """The error, or one of the same name and text where it cannot be sent."""
    from ray import cloudpickle

    try:
        pickle.loads(cloudpickle.dumps(error))
        return error
    except Exception:
        kind: Any = type(type(error).__name__, (Exception,), {})
        substitute: Exception = kind(str(error))
        return substitute
