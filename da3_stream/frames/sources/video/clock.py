"""The clock of a video: where it leaps or falls back it is closed up, as if no time had passed.

It falls back where files were joined end to end, where a counter of 33 bits begins anew, and where a device sets its
time; it leaps where a device learns the time of day, often after the first frame. None of this is a pause: a gap up to
`LEAP_S` is one, and stays as it is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAP_S = 60.0  # a longer gap between two frames is a leap of the clock,
LEAP_STEPS = 100  # if it is so many usual steps, too: frames of a time lapse are far apart
MOST_REORDERED = 16  # images that may be decoded before one that is shown before them (H.264, A.3.1)

Ticks = NDArray[np.int64]  # in units of the stream's time base


@dataclass(frozen=True)
class Clock:
    """What the times (ticks) of a stream's packets lack to go on evenly.

    `falls` are rows (packet, ticks): from the packet of this number on, in the order of the file, so many ticks are
    added. `leaps` are rows (time, ticks): from this time on, after that, so many are taken away. Both ascend.
    `by_order` is true where the packets' times of presentation are made up: images take those of decoding in turn;
    `has_dts` is false where those of decoding are.
    """

    falls: Sequence[tuple[int, int]] = ()
    leaps: Sequence[tuple[int, int]] = ()
    by_order: bool = False
    has_dts: bool = True

    def mend(self, packets: Iterable[Any]) -> Iterator[Any]:
        """The packets of the stream, from its first one on, with mended times."""
        for number, packet in enumerate(packets):
            if packet is not None and (self.falls or self.leaps):
                pts, dts = self.joined(number, packet.pts, packet.dts)
                packet.pts, packet.dts = self.closed(pts), self.closed(dts)
            if packet is not None and self.by_order:
                packet.pts = None
            yield packet

    def joined(self, packet: int, pts: int | None, dts: int | None) -> tuple[int | None, int | None]:
        """The times of a packet without the falls before it.

        Where images are reordered, their time of presentation falls some packets before that of decoding.
        """
        added = last_before(self.falls, packet)
        falls_first = self.has_dts and pts is not None and dts is not None and pts < dts
        of_pts = last_before(self.falls, packet + MOST_REORDERED) if falls_first else added
        return None if pts is None else pts + of_pts, None if dts is None else dts + added

    def closed(self, time: int | None) -> int | None:
        """A time without the leaps before it."""
        return None if time is None else time - last_before(self.leaps, time)


def find_falls(times: Sequence[int | None]) -> list[tuple[int, int]]:
    """The `falls` of a clock, from decoding times [N] of packets in the file's order."""
    known = [(number, time) for number, time in enumerate(times) if time is not None]
    falls: list[tuple[int, int]] = []
    step, added, latest = usual_step(np.array([time for _, time in known])), 0, -math.inf
    for number, time in known:
        if time + added < latest:
            added = int(latest) + step - time
            falls.append((number, added))
        latest = time + added
    return falls


def find_presentation_falls(times: Sequence[int | None], are_keys: Sequence[bool]) -> list[tuple[int, int]]:
    """The `falls` of a clock, from times of presentation [N] of packets in the file's order, and whether each is a key
    frame: one is shown after all that are decoded before it, any other one after most of them."""
    known = [
        (number, time, key) for number, (time, key) in enumerate(zip(times, are_keys, strict=True)) if time is not None
    ]
    falls: list[tuple[int, int]] = []
    step, added = usual_step(np.sort([time for _, time, _ in known])), 0
    recent: deque[int] = deque(maxlen=MOST_REORDERED + 1)
    front = -math.inf
    for k, (number, time, key) in enumerate(known):
        is_full = len(recent) == recent.maxlen
        if time + added < (front if key else min(recent) if is_full else -math.inf):
            added = int(front) + step - min(later for _, later, _ in known[k : k + MOST_REORDERED])
            falls.append((number, added))
        recent.append(time + added)
        front = max(front, time + added)
    return falls


def find_leaps(times: Ticks, tick_s: float) -> list[tuple[int, int]]:
    """The `leaps` of a clock, from ascending times [N] in ticks of so many seconds."""
    step = usual_step(times)
    gaps = np.diff(times)
    after = np.flatnonzero((gaps * tick_s > LEAP_S) & (gaps > LEAP_STEPS * step))
    too_long = np.cumsum(gaps[after] - step)
    return list(zip(times[after + 1].tolist(), too_long.tolist(), strict=True))


def usual_step(times: Ticks) -> int:
    """The median of the steps by which times go on; 1 where none does."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    return max(1, round(float(np.median(steps)))) if len(steps) else 1


def last_before(rows: Sequence[tuple[int, int]], key: int) -> int:
    """The second number of the last row (of ascending ones) whose first is not above the key; 0 before all rows."""
    k = bisect_right(rows, key, key=lambda row: row[0])
    return rows[k - 1][1] if k else 0
