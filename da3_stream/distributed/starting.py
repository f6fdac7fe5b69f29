"""Actors begin in their seats, where the cluster has room for them, and end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..errors import EngineError
from ..predictors.engine import Recipe
from .actor import PredictorActor
from .cluster import Share, free_text
from .seat import Seat

log = logging.getLogger(__name__)

SOON_S = 20.0  # after which it is told that actors still wait for room
GOODBYE_S = 5.0  # for actors to end their own processes


class ActorStarter:
    """Starts actors that hold the predictor of a recipe; they may wait `patience_s` for room on the cluster."""

    def __init__(self, ray: Any, recipe: Recipe, share: Share, patience_s: float) -> None:
        self._ray, self._share, self._patience_s = ray, share, patience_s
        options = {"num_cpus": share.cores, "num_gpus": share.gpus, "max_restarts": 0, "max_task_retries": 0}
        self._class = ray.remote(PredictorActor).options(**options, max_concurrency=share.cores + 3)
        self._recipe = ray.put(recipe.with_share(share.cores))

    def start(self, seat: Seat) -> None:
        """Another actor in a seat, which makes its predictor as soon as it is there."""
        seat.handle = self._class.remote()
        seat.placed = seat.handle.node.remote()
        seat.loading = seat.handle.load.remote(self._recipe)
        seat.version = 0

    def wait_until_placed(self, seats: Sequence[Seat]) -> None:
        """Raises EngineError where an actor finds no room for too long."""
        placed = [seat.placed for seat in seats]
        for wait_s in (min(SOON_S, self._patience_s), max(0.0, self._patience_s - SOON_S)):
            ready, missing = self._ray.wait(placed, num_returns=len(placed), timeout=wait_s)
            if not missing:
                return
            found = f"{len(ready)} of {len(seats)} actors found room"
            room = f"each takes {self._needs()}; the cluster has {free_text(self._ray)}"
            log.warning("%s until now (%s)", found, room)
        raise EngineError(
            f"{found} within {self._patience_s:g} s ({room}): give fewer --actors, or wait until others are done"
        )

    def wait_until_started(self, placed: Any, loading: Any) -> str:
        """The machine of an actor, as soon as it has its place and its predictor.

        Raises Ray's errors of actors, and what making the predictor raised.
        """
        ready, _ = self._ray.wait([placed], timeout=self._patience_s)
        if not ready:
            raise self._ray.exceptions.ActorUnavailableError(f"it found no room ({free_text(self._ray)})", None)
        node: str = self._ray.get(placed)
        self._ray.get(loading)
        return node

    def end(self, seats: Sequence[Seat]) -> None:
        """End the actors with all that they work on."""
        handles = [seat.handle for seat in seats if not seat.gone]
        with suppress(Exception):
            self._ray.wait([handle.close.remote() for handle in handles], num_returns=len(handles), timeout=GOODBYE_S)
        for handle in handles:
            self.kill(handle)

    def kill(self, handle: Any) -> None:
        """End an actor, if it has not ended."""
        with suppress(Exception):
            self._ray.kill(handle)

    def _needs(self) -> str:
        return f"{self._share.cores} CPUs" + (f" and {self._share.gpus} GPU" if self._share.gpus else "")
