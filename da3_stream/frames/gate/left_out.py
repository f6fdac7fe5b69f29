"""Frames that the gate let pass by, and how far on the way between two kept ones each of them is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...types import LeftOut


@dataclass(frozen=True, slots=True)
class LeftOutFrame:
    """A frame that was left out: `motion` is that since the last kept frame, NaN where it was not measured."""

    index: int
    timestamp: float
    motion: float
    reason: str


@dataclass(frozen=True)
class NextKept:
    """The next kept frame: its time, and the motion from the last kept one, NaN where it is not known."""

    timestamp: float
    motion: float


def interpolation_fractions(
    start: float, frames: Sequence[LeftOutFrame], next_kept: NextKept | None
) -> tuple[LeftOut, ...]:
    """The frames between a kept one at time `start` and the next, with their shares of the way.

    The share is that of the motion; between frames that have none it goes evenly with time. Without a goal (a cut, or
    the end) nobody knows of any way, and the share is 0.
    """
    if next_kept is None:
        return tuple(LeftOut(p.index, p.timestamp, 0.0, p.reason) for p in frames)
    measured = [p for p in frames if next_kept.motion > 0 and math.isfinite(p.motion)]
    times = [start, *(p.timestamp for p in measured), next_kept.timestamp]
    measured_fractions = [0.0, *(min(p.motion / next_kept.motion, 1.0) for p in measured), 1.0]
    fractions = np.interp([p.timestamp for p in frames], times, measured_fractions).tolist()
    return tuple(LeftOut(p.index, p.timestamp, share, p.reason) for p, share in zip(frames, fractions, strict=True))
