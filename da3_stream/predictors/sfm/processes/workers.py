"""Pieces of work for several processes: begun in the order in which they come, each lost by itself if it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from .process import WorkerHungError, WorkerProcess, WorkLostError
from .scratch import remove_left_folders

log = logging.getLogger(__name__)

BESIDE_WORK = "processes"  # CPU seconds that it takes to start processes, and to send them work and get it back
ATTEMPTS = 2  # a process may die of what others did, for want of memory; twice is the work's own fault

Result = TypeVar("Result")


class WorkersClosedError(Exception):
    """Work was asked of processes that were ended for good, or was under way when they were."""


@dataclass(frozen=True, eq=False)
class _Task:
    work: Callable[..., Any]
    args: tuple[Any, ...]
    future: Future[Any] = field(default_factory=Future)


class Workers:
    """Processes with a thread for each that hands it one piece after the other; they start with the first piece."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._limit_s = 0.0
        self._lock = threading.Lock()
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._processes: list[WorkerProcess] = []
        self._threads: list[threading.Thread] = []
        self._closed = False

    def raise_time_limit(self, limit_s: float) -> None:
        """Let every piece take at least this long before its process is taken to hang."""
        self._limit_s = max(self._limit_s, limit_s)

    def submit(self, work: Callable[..., Result], *args: Any) -> Future[Result]:
        """Have one piece of work done; its CPU time is added up under the name of the function.

        The future raises WorkLostError where a process died of it or took too long, else what the work raised.
        """
        task = _Task(work, args)
        with self._lock:
            if self._closed:
                raise WorkersClosedError("the processes were ended")
            if not self._threads:
                self._start()
            self._tasks.put(task)
        return task.future

    def close(self) -> None:
        """End the processes; what they work on is lost. Closing twice is closing once."""
        with self._lock:
            first, self._closed = not self._closed, True
        if not first:
            return
        for process in self._processes:
            process.close()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        remove_left_folders()

    def _start(self) -> None:
        remove_left_folders()
        self._processes = [WorkerProcess() for _ in range(self.count)]
        for number, process in enumerate(self._processes):
            self._threads.append(threading.Thread(target=self._feed, args=(process,), name=f"sfm{number}", daemon=True))
            self._threads[-1].start()

    def _feed(self, process: WorkerProcess) -> None:
        while (task := self._tasks.get()) is not None:
            start = time.thread_time()
            try:
                task.future.set_result(self._run(process, task))
            except BaseException as error:  # raised again where the result is taken
                task.future.set_exception(error)
            self._count(BESIDE_WORK, time.thread_time() - start)
            del task  # it holds a window's images, and the next one may be long in coming

    def _run(self, process: WorkerProcess, task: _Task) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result, work_s, beside_s = process.run(task.work, task.args, self._limit_s)
                break
            except WorkLostError as error:
                remove_left_folders()
                if self._closed:
                    raise WorkersClosedError("the processes were ended") from error
                if attempt == ATTEMPTS or isinstance(error, WorkerHungError):
                    raise
                log.warning("%s: it is tried once more", error)
        self._count(task.work.__name__, work_s)
        self._count(BESIDE_WORK, beside_s)
        return result

    def _count(self, name: str, seconds: float) -> None:
        with self._lock:
            self.cpu_seconds[name] += seconds


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Consecutive pieces of at most `size` items."""
    return [items[i : i + size] for i in range(0, len(items), size)]
