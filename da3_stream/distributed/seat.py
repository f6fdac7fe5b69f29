"""A place in the pool: an actor, or the next one where it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Work:
    """A prediction that is asked of the pool, by its bytes and its number among the windows (None: beside them).

    `kills` are the actors that ended while they worked on it, `losses` those that were lost with their machine or
    otherwise through no fault of what they did.
    """

    number: int | None
    kills: int = 0
    losses: int = 0
    seat: Seat | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether an actor ended with it: it is tried alone, so that it cannot end what others work on."""
        return self.kills > 0


@dataclass(eq=False)
class Seat:
    """An actor with the work that is with it, at most `takes`.

    `version` is that of the state it has, `last` the last window it was given and `left` how many more of its span it
    may take; `loading` is the promise of its predictor's description, None once that has come.
    """

    number: int
    handle: Any = None
    placed: Any = None
    loading: Any = None
    node: str | None = None
    works: list[Work] = field(default_factory=list)
    version: int = 0
    last: int = -2
    left: int = 0
    failed_starts: int = 0
    gone: bool = False
    timings: dict[str, float] = field(default_factory=dict)

    def has_room(self, takes: int) -> bool:
        """Whether it can be given more."""
        if self.gone or any(work.is_suspect for work in self.works):
            return False
        return len(self.works) < (takes if self.loading is None else 1)

    def follows(self, number: int) -> bool:
        """Whether a window goes on with its span."""
        return self.left > 0 and number == self.last + 1

    def give(self, work: Work, span: int) -> None:
        """Give it work."""
        if work.number is not None:
            self.left = (self.left if self.follows(work.number) else span) - 1
            self.last = work.number
        self.works.append(work)
        work.seat = self
