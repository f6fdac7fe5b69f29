"""Selecting the frames of a source that are used, by index and timestamp, in the same way for every kind of input."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice, takewhile
from typing import Protocol, TypeVar

from ...settings import FramesSettings

TIE = 1e-6  # a tick this close (in periods) to the middle between two frames belongs to the earlier one


class Timed(Protocol):
    """Anything with an index in its source and a time in seconds."""

    @property
    def index(self) -> int:
        """Index in the source, from 0."""
        ...

    @property
    def timestamp(self) -> float:
        """Time in seconds."""
        ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True)
class Moment:
    """A frame of which only index and time are known."""

    index: int
    timestamp: float


AUTO_FPS = 10.0


def with_rate(settings: FramesSettings, rate: float | None) -> FramesSettings:
    """The settings with `fps` "auto" replaced: by a number for an input of a known rate, by None for one without times.

    The number is the rate divided by a whole number, so that frames stay evenly spaced, and is near 10.
    """
    if settings.fps != "auto":
        return settings
    fps = None if rate is None else rate / max(1, round(rate / AUTO_FPS))
    return settings.model_copy(update={"fps": fps})


def select(items: Iterable[T], settings: FramesSettings) -> Iterator[T]:
    """Select items with start <= time < end, of those every n-th by index, of those the nearest to a clock of `fps`.

    The count of `every` and the clock both begin at the first item in range. Reads at most one item beyond the last
    one it needs and holds at most one. `max_frames` is not applied: it counts frames that can be decoded.
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
    """The number of `total` frames at a constant `rate` (frames per second) that are selected if all can be decoded."""
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
