"""How far an export is, for people (a bar with the time left) or for a program (a function that is called)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Told = Callable[[int, int], object]  # (frames done, frames of all)


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


class Bar(NoProgress):
    """A bar on stderr: frames a second, and the time left."""

    def say(self, text: str) -> None:
        """A line on stderr."""
        from tqdm import tqdm

        super().say(text)
        tqdm.write(text, file=sys.stderr)

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        from tqdm import tqdm

        yield from tqdm(frames, desc=what, total=total, initial=done, dynamic_ncols=True, mininterval=0.2)


class Call(NoProgress):
    """A function of the frames that are done, and of all."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def each(self, what: str, frames: Iterable[T], total: int, done: int = 0) -> Iterator[T]:
        """The frames."""
        self._told(done, total)
        for count, frame in enumerate(frames, done + 1):
            yield frame
            self._told(count, total)


def progress_of(wanted: bool | Told) -> Progress:
    """True: a bar; a function: it is called; False: nobody is told."""
    if callable(wanted):
        return Call(wanted)
    return Bar() if wanted else NoProgress()
