"""CPU seconds of a run by its stages, over all threads of its process.

Threads of numerical libraries are not seen: what they take is in no stage (`Stopwatch.other`).
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

START = "start"  # the stage of what was done before the stopwatch was made


class Stopwatch:
    """Adds up seconds by stage, over all processes of a run that is resumed.

    Stages may lie in one another and run in several threads at once; what an inner stage takes does not count towards
    the outer one. `cpu_before` are CPU seconds that this process had taken for the run before.
    """

    def __init__(self, cpu_before: float = 0.0) -> None:
        self._start, self._cpu_start = time.perf_counter(), time.process_time() - cpu_before
        self._before, self._other_before = 0.0, 0.0  # of earlier processes
        self._stages: defaultdict[str, float] = defaultdict(float, {START: cpu_before})
        self._in_stages = cpu_before  # of this process
        self._lock, self._open = threading.Lock(), threading.local()

    @property
    def seconds(self) -> float:
        """Seconds of the clock since the stopwatch was made or, after `restore`, since the run began."""
        return self._before + time.perf_counter() - self._start

    @property
    def other(self) -> float:
        """CPU seconds so far that were in no stage."""
        return self._other_before + max(0.0, time.process_time() - self._cpu_start - self._in_stages)

    def by_stage(self) -> dict[str, float]:
        """CPU seconds of every stage so far."""
        with self._lock:
            return dict(self._stages)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of the stopwatch."""
        return {"seconds": self.seconds, "other": self.other, "stages": self.by_stage()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the state that an earlier process kept; what this one has taken so far is added."""
        self._before, self._other_before = state["seconds"], state["other"]
        with self._lock:
            for name, seconds in state["stages"].items():
                self._stages[name] += seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the CPU time that this thread takes inside the block towards a stage."""
        outer, self._open.inner = getattr(self._open, "inner", 0.0), 0.0
        start = time.thread_time()
        try:
            yield
        finally:
            seconds = time.thread_time() - start
            self._add(name, seconds - self._open.inner)
            self._open.inner = outer + seconds

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """The items, whose making counts towards a stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def _add(self, name: str, seconds: float) -> None:
        with self._lock:
            self._stages[name] += seconds
            self._in_stages += seconds
