"""Frames that the gate leaves out, and where each of them lies on the path between two kept frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...types import LeftOut


@dataclass(frozen=True, slots=True)
class LeftOutFrame:
    """A frame that the gate left out; `motion` is measured from the last kept frame, NaN where it is not known."""

    index: int
    timestamp: float
    motion: float
    reason: str


@dataclass(frozen=True)
class NextKept:
    """Time of the next kept frame and the motion to it from the last kept one, NaN where it is not known."""

    timestamp: float
    motion: float


def interpolation_fractions(
    start: float, frames: Sequence[LeftOutFrame], next_kept: NextKept | None
) -> tuple[LeftOut, ...]:
    """The frames left out after a kept frame at time `start`, each with the fraction at which to interpolate its pose.

    The fraction is the frame's share of the motion between the two kept frames; where its motion was not measured, the
    fraction is interpolated linearly in time. Without a next kept frame (before a cut and at the end of the input) it
    is 0: the pose is that of the last kept frame.
    """
    if next_kept is None:
        return tuple(LeftOut(p.index, p.timestamp, 0.0, p.reason) for p in frames)
    measured = [p for p in frames if next_kept.motion > 0 and math.isfinite(p.motion)]
    times = [start, *(p.timestamp for p in measured), next_kept.timestamp]
    measured_fractions = [0.0, *(min(p.motion / next_kept.motion, 1.0) for p in measured), 1.0]
    fractions = np.interp([p.timestamp for p in frames], times, measured_fractions).tolist()
    return tuple(LeftOut(p.index, p.timestamp, share, p.reason) for p, share in zip(frames, fractions, strict=True))
