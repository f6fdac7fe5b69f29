"""Several files at once, told as one amount of bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TypeVar

from ..errors import RemoteFilesError
from ..progress import Figures, Listener, ignore, open_bar, paced

AT_ONCE = 8  # a folder of small files is a matter of waiting for answers
MEGABYTE = 1_000_000

Item = TypeVar("Item")


@dataclass
class Told:
    """How many bytes of a transfer are done, for people and programs; from any thread."""

    what: str  # "fetching", "sending"
    total: int
    shown: bool = False
    listener: Listener = ignore
    done: int = 0
    stopped: bool = False  # then the next one who tells of bytes hears it
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Told:
        self._bar = open_bar(self.what, round(self.total / MEGABYTE), self.shown, unit="MB")
        self._tell = paced(self.listener)
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def add(self, count: int) -> None:
        """So many bytes more. Raises RemoteFilesError where the transfer was stopped."""
        if self.stopped:
            raise RemoteFilesError(f"{self.what} was stopped")
        with self._lock:
            self.done += count
            self._bar.show(Figures(round(self.done / MEGABYTE), round(self.total / MEGABYTE)))
            self._tell("progress", {"what": self.what, "done": self.done, "total": self.total, "unit": "bytes"})


def each(move: Callable[[Item], None], items: Sequence[Item], told: Told) -> None:
    """Move all items, several at once. The first error, or Ctrl-C, stops all that are moving."""
    waiting = iter(items)
    with ThreadPoolExecutor(AT_ONCE, "transfer") as pool:
        try:
            running = {pool.submit(move, item) for item in islice(waiting, AT_ONCE)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                running |= {pool.submit(move, item) for item in islice(waiting, len(done))}
        except BaseException:
            told.stopped = True
            raise
