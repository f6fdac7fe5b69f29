"""Which frames of a source are used: one pure rule over (index, timestamp), the same for every kind of input."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice, takewhile
from typing import Protocol, TypeVar

from ...settings import FramesSettings

TIE = 1e-6  # a tick this close (in periods) to the middle between two frames belongs to the earlier one


class Timed(Protocol):
    """Anything with a place in its source and a time in seconds."""

    @property
    def index(self) -> int:
        """Place in the source, from 0."""
        ...

    @property
    def timestamp(self) -> float:
        """Seconds."""
        ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True)
class Moment:
    """A frame of which only place and time are known."""

    index: int
    timestamp: float


AUTO_FPS = 10.0


def with_rate(settings: FramesSettings, rate: float | None) -> FramesSettings:
    """The settings with `fps` "auto" made a number for an input of a known rate, None for one without times.

    It is the rate over a whole number, so that frames stay evenly spaced, and near 10.
    """
    if settings.fps != "auto":
        return settings
    fps = None if rate is None else rate / max(1, round(rate / AUTO_FPS))
    return settings.model_copy(update={"fps": fps})


def select(items: Iterable[T], settings: FramesSettings) -> Iterator[T]:
    """The items with start <= time < end, of those every n-th by index, of those the nearest to a clock of `fps`.

    The count of `every` and the clock both begin at the first item in range. Reads at most one item beyond the last
    one it needs and holds at most one. `max_frames` is not applied: it counts frames that turn out good.
    """
    start = -math.inf if settings.start is None else settings.start
    end = math.inf if settings.end is None else settings.end
    begun = dropwhile(lambda item: item.timestamp < start, items)
    chosen: Iterator[T] = takewhile(lambda item: item.timestamp < end, begun)
    if settings.every > 1:
        chosen = _every(chosen, settings.every)
    if settings.fps is None:
        return chosen
    if settings.fps == "auto":
        raise ValueError("fps is auto: settle it by with_rate first")
    return _nearest_to_clock(chosen, 1.0 / settings.fps)


def count_selected(total: int, rate: float, settings: FramesSettings) -> int:
    """How many of `total` frames at a steady `rate` (frames a second) are used if all of them are good."""
    moments = (Moment(i, i / rate) for i in range(total))
    return sum(1 for _ in islice(select(moments, settings), settings.max_frames))


def _every(items: Iterable[T], step: int) -> Iterator[T]:
    first: int | None = None
    for item in items:
        first = item.index if first is None else first
        if (item.index - first) % step == 0:
            yield item


def _nearest_to_clock(items: Iterable[T], period: float) -> Iterator[T]:
    """Each item that is the nearest one to some tick first + k * period, once; a tie goes to the earlier item."""
    iterator = iter(items)
    held = next(iterator, None)
    if held is None:
        return
    first, next_tick, half_step = held.timestamp, 0, 0.0
    for item in iterator:
        half_step = (item.timestamp - held.timestamp) / 2
        last_tick = _last_tick(held.timestamp + half_step - first, period)
        if last_tick >= next_tick:
            yield held
            next_tick = last_tick + 1
        held = item
    if _last_tick(held.timestamp + half_step - first, period) >= next_tick:
        yield held


def _last_tick(elapsed: float, period: float) -> int:
    return math.floor(elapsed / period + TIE)
