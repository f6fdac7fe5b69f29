"""Frames that the gate let pass by, and how far on the way between two kept ones each of them is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...types import LeftOut


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame that was left out: `motion` is that since the last kept frame, NaN where it was not measured."""

    index: int
    timestamp: float
    motion: float
    reason: str


@dataclass(frozen=True)
class Goal:
    """The next kept frame: its time, and the motion from the last kept one, NaN where it is not known."""

    timestamp: float
    motion: float


def on_the_way(start: float, passed: Sequence[Passed], goal: Goal | None) -> tuple[LeftOut, ...]:
    """The frames between a kept one at time `start` and the next, with their shares of the way.

    The share is that of the motion; between frames that have none it goes evenly with time. Without a goal (a cut, or
    the end) nobody knows of any way, and the share is 0.
    """
    if goal is None:
        return tuple(LeftOut(p.index, p.timestamp, 0.0, p.reason) for p in passed)
    measured = [p for p in passed if goal.motion > 0 and math.isfinite(p.motion)]
    times = [start, *(p.timestamp for p in measured), goal.timestamp]
    shares = [0.0, *(min(p.motion / goal.motion, 1.0) for p in measured), 1.0]
    found = np.interp([p.timestamp for p in passed], times, shares).tolist()
    return tuple(LeftOut(p.index, p.timestamp, share, p.reason) for p, share in zip(passed, found, strict=True))
