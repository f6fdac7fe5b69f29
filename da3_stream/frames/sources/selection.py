"""Selecting the frames of a source that are used, by index and timestamp, in the same way for every kind of input."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, islice, takewhile
from typing import Protocol, TypeVar

import numpy as np

from ...settings import FramesSettings
from ...types import Float64

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
USUAL = 0.5  # relative; a step that differs more from the median is a gap, or frames that came together


def usual_rate(times: Sequence[float] | Float64) -> float | None:
    """Frames a second by the median step between ascending times in seconds; None where there is no step.

    Steps near the median are averaged: many files round times to milliseconds.
    """
    steps = np.diff(np.asarray(times, np.float64))
    steps = steps[steps > 0]
    if not len(steps):
        return None
    near = np.abs(steps / np.percentile(steps, 50, method="lower") - 1) < USUAL
    return float(f"{1 / np.mean(steps[near]):.7g}")  # float64 seconds since 1970 tell no more


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

    `start` and `end` count from the first item's time, `every` and the clock from the first item in range. Reads one
    item beyond the last one that it needs, at most, and holds one. `max_frames` is not applied: it counts frames that
    can be decoded.
    """
    chosen = _between(items, settings.start, settings.end)
    if settings.every > 1:
        chosen = _every(chosen, settings.every)
    if settings.fps is None:
        return chosen
    if settings.fps == "auto":
        raise ValueError("fps is auto: settle it by with_rate first")
    return _nearest_to_clock(chosen, 1.0 / settings.fps)


def count_selected(times: Iterable[float], settings: FramesSettings) -> int:
    """The number of frames at these seconds that are selected if all can be decoded."""
    moments = (Moment(index, time) for index, time in enumerate(times))
    return sum(1 for _ in islice(select(moments, settings), settings.max_frames))


def _between(items: Iterable[T], start: float | None, end: float | None) -> Iterator[T]:
    iterator = iter(items)
    first = next(iterator, None)
    if first is None:
        return iter(())
    since = -math.inf if start is None else first.timestamp + start
    until = math.inf if end is None else first.timestamp + end
    begun = dropwhile(lambda item: item.timestamp < since, chain([first], iterator))
    return takewhile(lambda item: item.timestamp < until, begun)


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
