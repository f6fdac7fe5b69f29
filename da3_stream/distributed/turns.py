"""Which work goes to which actor next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .seat import Seat, Work


@dataclass
class Turns:
    """The rules. Nobody waits while an actor is idle, unless a window must.

    - While the predictor learns, windows go one after the other: the next is `next_window`.
    - Work that another state of the predictor is for (`version`) needs an actor that does nothing else.
    - Looks at frames beside the windows go first: the map waits for them.
    - Work with which an actor has ended goes next, to an actor that does nothing else; while one waits for that, no
      other work begins.
    - A span of consecutive windows goes to one actor, since it keeps what it computed of the frames that they share;
      who is free begins a span behind those of the others; who is idle takes the last of another's.
    """

    takes: int
    span: int
    learns: bool
    next_window: int = 0
    version: int = 0

    def assign(self, waiting: list[Work], seats: Sequence[Seat]) -> bool:
        """Give as much of the waiting work to actors as the rules allow; whether any was given."""
        given = False
        while (pair := self._next(waiting, seats)) is not None:
            work, seat = pair
            waiting.remove(work)
            seat.give(work, self.span)
            given = True
        return given

    def _next(self, waiting: Sequence[Work], seats: Sequence[Seat]) -> tuple[Work, Seat] | None:
        free = sorted((seat for seat in seats if seat.has_room(self.takes)), key=self._readiness)
        suspects = [work for work in waiting if work.is_suspect and self._may_begin(work, seats)]
        if suspects:
            idle = [seat for seat in free if not seat.works]
            return (suspects[0], idle[0]) if idle else None
        for seat in free:
            work = self._work_for(seat, waiting, seats)
            if work is not None:
                return work, seat
        return None

    def _readiness(self, seat: Seat) -> tuple[int, bool, bool, int]:
        """Those with the least work first; of them those that are there already, and know what was learnt."""
        return len(seat.works), seat.loading is not None, seat.version != self.version, seat.number

    def _work_for(self, seat: Seat, waiting: Sequence[Work], seats: Sequence[Seat]) -> Work | None:
        if seat.works and seat.version != self.version:
            return None
        beside = [work for work in waiting if work.number is None and not self._disturbs(seat)]
        if beside:
            return beside[0]
        windows = sorted((work for work in waiting if self._may_begin(work, seats)), key=_number)
        return self._of_span(seat, windows, seats) if windows else None

    def _disturbs(self, seat: Seat) -> bool:
        """Whether a window is with the actor that will change its state."""
        return self.learns and any(work.number is not None for work in seat.works)

    def _may_begin(self, work: Work, seats: Iterable[Seat]) -> bool:
        if work.number is None:
            return work.is_suspect
        return not self.learns or work.number == self.next_window

    def _of_span(self, seat: Seat, windows: Sequence[Work], seats: Sequence[Seat]) -> Work | None:
        own = [work for work in windows if seat.follows(_number(work))]
        if own:
            return own[0]
        others = [other for other in seats if other is not seat and not other.gone]
        spoken_for = {other.last + 1 + k for other in others for k in range(other.left)}
        unclaimed = [work for work in windows if _number(work) not in spoken_for]
        if unclaimed:
            return unclaimed[0]
        return None if seat.works else windows[-1]


def _number(work: Work) -> int:
    return -1 if work.number is None else work.number
