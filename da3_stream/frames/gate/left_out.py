"""Frames that the gate leaves out, and where each of them lies on the path between two kept frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...types import Frame, LeftOut

UNMOVED = 1e-4  # share of the image's longer side; the image of a recorder that hangs is the last one again


@dataclass(frozen=True, slots=True)
class LeftOutFrame:
    """A frame that the gate left out; `motion` is measured from the last kept frame, NaN where it is not known;
    `view_share` is the frame's."""

    index: int
    timestamp: float
    motion: float
    reason: str
    view_share: float | None = None


@dataclass(frozen=True)
class NextKept:
    """Time of the next kept frame and the motion to it from the last kept one, NaN where it is not known."""

    timestamp: float
    motion: float


def interpolation_fractions(
    start: float, frames: Sequence[LeftOutFrame], next_kept: NextKept | None
) -> tuple[LeftOut, ...]:
    """The frames left out after a kept frame at time `start`, each with the fraction at which to interpolate its pose.

    The fraction is the frame's share of the motion between the two kept frames, 0 if it has not moved; where neither is
    known, the fraction is interpolated linearly in time. Without a next kept frame (before a cut and at the end of the
    input) it is 0: the pose is that of the last kept frame.
    """
    if next_kept is None:
        return tuple(LeftOut(p.index, p.timestamp, 0.0, p.reason) for p in frames)
    shares = [(p.timestamp, _share(p.motion, next_kept.motion)) for p in frames]
    measured = [(time, share) for time, share in shares if math.isfinite(share)]
    times, known = zip((start, 0.0), *measured, (next_kept.timestamp, 1.0), strict=True)
    fractions = np.interp([p.timestamp for p in frames], times, known).tolist()
    return tuple(LeftOut(p.index, p.timestamp, share, p.reason) for p, share in zip(frames, fractions, strict=True))


def widest_view(frame: Frame, left_out: Sequence[LeftOutFrame]) -> float | None:
    """The largest `view_share` of a kept frame and of those left out after it, whose poses are its own; None if all
    have none."""
    shares = [frame.view_share, *(entry.view_share for entry in left_out)]
    return max((share for share in shares if share is not None), default=None)


def _share(motion: float, whole: float) -> float:
    """A motion as a share of the whole one; NaN where that is not known."""
    if motion < UNMOVED:
        return 0.0
    return min(motion / whole, 1.0) if whole > 0 else math.nan
