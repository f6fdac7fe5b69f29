"""Tracks that end where the camera leaps: to a place that looks alike, across a cut, past frames that are missing.

Key points of two frames match wherever both look alike; a track is followed only where the next frame shows what the
last one did, nearly where it was. How many are lost between two frames, beside how many usually are, is measured
before any pose and by no key point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..matching.correspondences import Pair
from ..matching.pairs import Matches

Array = NDArray[np.float64]

AROUND = 5  # gaps on either side that tell what is usual
LEAST_TRACKS = 50  # of both frames, to tell a share
LEAST_SHARE = 0.01  # fewer are as good as none


def track_loss(matches: Mapping[Pair, Matches], first: Sequence[int], points: Sequence[int]) -> Array:
    """Log ratio [N] of the share of tracks that is usually followed to that at the worse gap of every row; NaN if
    unknown.

    `points` [N] counts the points of every row, of which those from `first` on are tracked.
    """
    gaps = range(len(points) - 1)
    kept = np.array([_share_kept(matches.get((a, a + 1)), first, points, a) for a in gaps])
    losses = np.array([_usual(kept, gap) for gap in gaps]) - np.log(np.maximum(kept, LEAST_SHARE))
    return np.fmax(np.append(losses, np.nan), np.insert(losses, 0, np.nan))


def blind_bends(poses: Array, part: NDArray[np.int64], losses: Array) -> Array:
    """Angle [N] in degrees between the steps before and after every row of poses [N,4,4], times the share of the tracks
    that is lost there beyond what is usual (`track_loss`); NaN at the ends of parts.

    Beyond a cut a camera goes on as it went; where only key points tell a step and it goes back, they may be those of
    another place.
    """
    steps = np.diff(poses[:, :3, 3], axis=0)
    length = np.linalg.norm(steps, axis=1)
    cosine = (steps[:-1] * steps[1:]).sum(axis=1) / np.maximum(length[:-1] * length[1:], 1e-300)
    bends = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    bends[(part[:-2] != part[2:]) | (np.minimum(length[:-1], length[1:]) < 1e-9)] = np.nan
    return np.pad(bends, 1, constant_values=np.nan)[: len(poses)] * (1.0 - np.exp(-np.maximum(losses, 0.0)))


def _share_kept(matches: Matches | None, first: Sequence[int], points: Sequence[int], row: int) -> float:
    """Share of the tracks of a row that are followed to the next; a stand has those of both its ends."""
    tracks = min(points[row] - first[row], points[row + 1] - first[row + 1])
    if matches is None or tracks < LEAST_TRACKS:
        return float("nan")
    return float(np.mean(matches[:, 0] >= first[row]) * len(matches) / tracks) if len(matches) else 0.0


def _usual(kept: Array, gap: int) -> float:
    """Log of the median share at the gaps around one; NaN with fewer than three."""
    around = np.append(kept[max(0, gap - AROUND) : gap], kept[gap + 1 : gap + 1 + AROUND])
    around = around[np.isfinite(around)]
    return float(np.log(max(np.median(around), LEAST_SHARE))) if len(around) >= 3 else float("nan")
