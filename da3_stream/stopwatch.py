"""Where the time goes: seconds by stage, as the one thread that drives a run spends them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Adds up seconds by name of stage, from the moment it is made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._before = 0.0
        self._stages: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since it was made, and what an earlier process had counted."""
        return self._before + time.perf_counter() - self._start

    def state(self) -> dict[str, Any]:
        """What must survive a kill."""
        return {"seconds": self.seconds, "stages": dict(self._stages)}

    def restore(self, state: dict[str, Any]) -> None:
        """Count on from a state."""
        self._before, self._stages = state["seconds"], dict(state["stages"])

    def by_stage(self) -> dict[str, float]:
        """Seconds of every stage so far, rounded to milliseconds."""
        return {name: round(seconds, 3) for name, seconds in self._stages.items()}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time spent inside counts to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - start
