"""A lock that windows get in their order: they are worked on side by side, but calibrate the lens one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Key = tuple[int, int]  # first and last frame index of a window


class OrderedLock:
    """A lock with a queue: it goes to windows in the order in which they were announced."""

    def __init__(self) -> None:
        self._queue: list[Key] = []
        self._changed = threading.Condition()

    def announce(self, key: Key) -> None:
        """Put a window at the end of the queue, unless it is in it.

        One that does not lie after those in the queue begins a video anew: an earlier run broke off, and its windows
        are dropped.
        """
        with self._changed:
            if key not in self._queue:
                self._queue = [*(before for before in self._queue if before < key), key]
                self._changed.notify_all()

    @contextmanager
    def hold(self, key: Key, needless: Callable[[], bool]) -> Iterator[None]:
        """Hold the lock: wait until all windows announced earlier have released it, or until waiting is needless."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._queue[1:] or needless())
        try:
            yield
        finally:
            self.release(key)

    def release(self, key: Key) -> None:
        """Take a window out of the queue, so that the next one gets the lock; releasing twice does no harm."""
        with self._changed:
            if key in self._queue:
                self._queue.remove(key)
            self._changed.notify_all()
