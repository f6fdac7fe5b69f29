"""The engine that predicts on a cluster of Ray."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import Da3StreamError, EngineError
from ..machine import available_memory_bytes
from ..predictors.engine import Recipe, SharedFrames
from ..types import Predictor
from .cluster import joined, object_store_bytes, share
from .frame_store import FrameStore
from .pool import ActorPool
from .predictor import RayPredictor
from .unseen import without_pictures

log = logging.getLogger(__name__)

# Windows in a row for one actor. Frames that windows share (a fifth) are computed twice where a span begins: with spans
# of 4 windows that is 1 frame in 20 instead of 1 in 5; longer ones would take more memory, which grows with them.
SPAN = 4


@dataclass(frozen=True)
class RayEngine:
    """Has windows and loop checks predicted by `actors` on the cluster at an `address`.

    Without an address a cluster is started on this machine and ended with the run ("auto" joins one that is there
    already), unless this process is connected to one. Without a number there is one actor for each GPU where the
    predictor uses one, else for each machine. Actors that find no room within `patience_s` are an error. A given
    predictor is sent to them pickled: what cannot be pickled says in `__reduce__` how it is made.

    Frames go to them through the object store, or with `decode_in_actors` without pictures: actors decode these from
    the run's files, which all machines must see by the same path.
    """

    address: str | None = None
    actors: int | None = None
    patience_s: float = 300.0  # a process may take long to start on a busy machine
    span: int = SPAN
    decode_in_actors: bool = False

    def __post_init__(self) -> None:
        if self.actors is not None and self.actors < 1:
            raise EngineError(f"there must be one actor at least, not {self.actors}")

    @contextmanager
    def open(self, recipe: Recipe, shared: Callable[[], SharedFrames] | None = None) -> Iterator[Predictor]:
        """See `predictors.engine.Engine`. Raises EngineError."""
        with joined(self.address, self.actors or 1) as ray:
            parts = share(ray, self.actors, recipe.wants_gpu)
            pool = ActorPool(ray, recipe, parts, self.span, self.patience_s)
            most = min(object_store_bytes(ray), available_memory_bytes() or 1 << 62) // 2
            predictor = RayPredictor(pool, self._store(ray.put, shared), ray, parts.actors, self.span, most)
            try:
                yield predictor
            finally:
                predictor.close()

    def _store(self, put: Callable[[Any], Any], shared: Callable[[], SharedFrames] | None) -> FrameStore:
        if not self.decode_in_actors or shared is None:
            return FrameStore(put)
        try:
            return FrameStore(put, without_pictures(shared()))
        except Da3StreamError as error:
            log.warning("frames are not decoded in actors (%s), they go through the object store", error)
            return FrameStore(put)
