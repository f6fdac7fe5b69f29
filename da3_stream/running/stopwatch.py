"""Where the time goes: seconds by stage, as the one thread that drives a run spends them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Stopwatch:
    """Adds up seconds by name of stage, from the moment it is made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.perf_counter() - self._start

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

    def waiting_for(self, items: Iterable[Item], name: str) -> Iterator[Item]:
        """The items; time spent waiting for the next one counts to the stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item
