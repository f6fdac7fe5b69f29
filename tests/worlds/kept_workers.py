"""Worker processes that outlive their predictor and serve the next one: to start one takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from da3_stream.predictors.sfm.processes.workers import Workers

Result = TypeVar("Result")

_idle: list[KeptWorkers] = []


class KeptWorkers(Workers):
    """Are kept when they are closed, unless something is under way then."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._submitted: list[Future[Any]] = []

    def submit(self, work: Callable[..., Result], *args: Any) -> Future[Result]:
        """As any do."""
        future = super().submit(work, *args)
        self._submitted = [*(one for one in self._submitted if not one.done()), future]
        return future

    def close(self) -> None:
        """Keep them for the next one."""
        if self in _idle:
            return
        if not all(future.done() for future in self._submitted):
            super().close()
            return
        self.cpu_seconds.clear()
        self._limit_s = 0.0
        _idle.append(self)


def kept_workers(count: int) -> Workers:
    """In the place of `Workers`: those that are idle, or new ones."""
    for workers in _idle:
        if workers.count == count:
            _idle.remove(workers)
            return workers
    return KeptWorkers(count)
