"""How long the stages of a run take, in the thread that drives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Adds up seconds by stage, over all processes of a run that is resumed."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._before = 0.0
        self._stages: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the stopwatch was made or, after `restore`, since the run began."""
        return self._before + time.perf_counter() - self._start

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of the stopwatch."""
        return {"seconds": self.seconds, "stages": dict(self._stages)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the state that an earlier process kept."""
        self._before, self._stages = state["seconds"], dict(state["stages"])

    def by_stage(self) -> dict[str, float]:
        """Seconds of every stage so far, rounded to milliseconds."""
        return {name: round(seconds, 3) for name, seconds in self._stages.items()}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time inside the block towards a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - start
