"""How far an export is, for people (a bar with the time left) or for a program (a function that is called)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Protocol, TypeVar

from ..progress import Figures, Listener, ignore, open_bar, paced, say

log = logging.getLogger(__name__)

T = TypeVar("T")
Counted = Callable[[int, int], object]  # (frames done, frames of all)


class Progress(Protocol):
    """Whoever is told how far an export is."""

    def say(self, text: str) -> None:
        """What the export will take, before it begins."""
        ...

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames (or pages, or tiles) of which something (`what`) is still to be written, as they are asked for;
        `done` of `total` are written already."""
        ...


class NoProgress:
    """Nobody is."""

    def say(self, text: str) -> None:
        """For the log alone."""
        log.info(text)

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        return iter(frames)


class Shown(NoProgress):
    """A bar on stderr, or lines: frames a second, and the time left."""

    def say(self, text: str) -> None:
        """A line on stderr."""
        super().say(text)
        say(text)

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        start = time.monotonic()
        with closing(open_bar(what, total, shown=True, done=done)) as bar:
            for count, frame in enumerate(frames, done + 1):
                yield frame
                rate = (count - done) / max(time.monotonic() - start, 1e-6)
                bar.show(Figures(count, total, rate, (total - count) / rate))


class Told(NoProgress):
    """What another tells, and beside that a listener hears."""

    def __init__(self, other: Progress, listener: Listener) -> None:
        self._other, self._listener = other, paced(listener)

    def say(self, text: str) -> None:
        """What the other says."""
        self._other.say(text)

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        about = {"what": what, "total": total}
        self._listener("begin", {**about, "done": done})
        for count, frame in enumerate(self._other.each(what, frames, total, done), done + 1):
            yield frame
            self._listener("progress", {**about, "done": count})


class Call(NoProgress):
    """A function of the frames that are done, and of all."""

    def __init__(self, told: Counted) -> None:
        self._told = told

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        self._told(done, total)
        for count, frame in enumerate(frames, done + 1):
            yield frame
            self._told(count, total)


def progress_of(wanted: bool | Counted, listener: Listener = ignore) -> Progress:
    """True: a bar; a function: it is called; False: nobody is told. Beside that the listener hears it."""
    shown = Call(wanted) if callable(wanted) else Shown() if wanted else NoProgress()
    return shown if listener is ignore else Told(shown, listener)
