"""Who may learn next: windows are worked on side by side, but the lens is learnt in their order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Key = tuple[int, int]  # first and last frame index of a window


class Turns:
    """Windows in the order in which they were announced."""

    def __init__(self) -> None:
        self._waiting: list[Key] = []
        self._changed = threading.Condition()

    def announce(self, key: Key) -> None:
        """Put a window at the end of the queue, unless it stands there.

        One that does not lie after those in the queue begins a video anew: an earlier run broke off, and they are gone.
        """
        with self._changed:
            if key not in self._waiting:
                self._waiting = [*(before for before in self._waiting if before < key), key]
                self._changed.notify_all()

    @contextmanager
    def turn(self, key: Key, needless: Callable[[], bool]) -> Iterator[None]:
        """Wait until all windows announced earlier have left their turn, or until waiting is needless."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._waiting[1:] or needless())
        try:
            yield
        finally:
            self.leave(key)

    def leave(self, key: Key) -> None:
        """Let the next one on; leaving twice is leaving once."""
        with self._changed:
            if key in self._waiting:
                self._waiting.remove(key)
            self._changed.notify_all()
