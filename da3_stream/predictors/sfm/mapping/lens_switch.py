"""Where the picture changes its scale at once between two frames: another lens (0.5x, 1x, 2x) or a jump of a zoom.

Distances between keypoints in the picture grow by one factor wherever the points lie in space; a camera that leaps
forward makes near ones grow more than far ones. Bundle adjustment may take a switch for such a leap, so this looks at
the matches themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..matching.correspondences import Correspondences

Array = NDArray[np.float64]

LEAST_LEAP = 0.1  # log factor
SPREADS = 6.0  # a leap is this many times the spread of the single distances' factors
MIN_MATCHES = 20
SIDE = 4  # frames on either side with whose growth one gap is compared
SHORTEST = 0.1  # of the picture's width; shorter distances tell more of keypoints' noise


@dataclass(frozen=True, slots=True)
class LensSwitch:
    """Between rows `row` - 1 and `row` the picture's scale changes by a factor exp(`log_factor`)."""

    row: int
    log_factor: float


def lens_switches(correspondences: Correspondences, width: int) -> tuple[LensSwitch, ...]:
    """The switches of lenses among the rows of a window, of pictures of this width in pixels."""
    gaps = [_gap_scale(correspondences, gap, width) for gap in range(len(correspondences.xy) - 1)]
    scales, spreads = np.array(gaps, np.float64).reshape(-1, 2).T
    leaps = np.array([_leap(scales, correspondences.frame_of, gap) for gap in range(len(scales))])
    found = np.flatnonzero(np.abs(leaps) > np.maximum(LEAST_LEAP, SPREADS * spreads))
    return tuple(LensSwitch(int(gap) + 1, float(leaps[gap])) for gap in found)


def _gap_scale(correspondences: Correspondences, gap: int, width: int) -> tuple[float, float]:
    """Median of the log factors by which distances between matched keypoints grow, and their median deviation."""
    matches = correspondences.matches.get((gap, gap + 1), np.zeros((0, 2), np.uint32))
    matches = matches[matches[:, 0] < correspondences.tracked_from[gap]]
    if len(matches) < MIN_MATCHES:
        return float("nan"), float("nan")
    first = correspondences.xy[gap][matches[:, 0]].astype(np.float64)
    second = correspondences.xy[gap + 1][matches[:, 1]].astype(np.float64)
    factors = np.concatenate([_log_factors(first, second, len(matches) // part, width) for part in (2, 3)])
    if not len(factors):
        return float("nan"), float("nan")
    middle = np.median(factors)
    return float(middle), float(np.median(np.abs(factors - middle)))


def _log_factors(first: Array, second: Array, shift: int, width: int) -> Array:
    """Of the distances between each point and the one `shift` places on."""
    before = np.linalg.norm(first - np.roll(first, shift, axis=0), axis=1)
    after = np.linalg.norm(second - np.roll(second, shift, axis=0), axis=1)
    long = (before > SHORTEST * width) & (after > SHORTEST * width / 4)
    return np.log(after[long] / before[long])


def _leap(scales: Array, frames: NDArray[np.int64], gap: int) -> float:
    """How far a gap's scale is from what it would be with the growth per frame of those around it; NaN where nothing
    tells. Over several frames the camera may have set off or stopped: there any growth between theirs is usual."""
    first, stop = np.searchsorted(frames, (frames[gap] - SIDE, frames[gap + 1] + SIDE + 1))
    length = np.diff(frames[first:stop])
    growth = np.delete(scales[first : stop - 1] / length, gap - first)
    growth = growth[np.isfinite(growth)]
    if not len(growth):
        return float("nan")
    steps = int(length[gap - first])
    if steps == 1:
        return float(scales[gap] - np.median(growth))
    return float(scales[gap] - np.clip(scales[gap], steps * growth.min(), steps * growth.max()))
