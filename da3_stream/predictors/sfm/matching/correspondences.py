"""The correspondences of one window: matched SIFT keypoints and KLT tracks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import Keypoints
from .pairs import Matches, match_tracks
from .tracks import TrackedPoints

Pair = tuple[int, int]
Value = TypeVar("Value")


STATIC_PX = 0.3  # a camera whose image moves less than this stands


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Points of every row [n,2], SIFT keypoints first and tracked points from `tracked_from` on, and their matches.

    Keypoints are precise over long distances; tracks hold where texture repeats or fades. One epipolar geometry must
    explain both.
    """

    xy: list[NDArray[np.float32]]
    tracked_from: list[int]
    matches: dict[Pair, Matches]

    def of_keypoints(self) -> dict[Pair, Matches]:
        """The matches of keypoints alone."""
        return {(a, b): m[m[:, 0] < self.tracked_from[a]] for (a, b), m in self.matches.items()}

    def rows(self, keep: NDArray[np.int64]) -> Correspondences:
        """Those of some rows (ascending) only, counted anew."""
        kept = [(self.xy[row], self.tracked_from[row]) for row in keep]
        return Correspondences([xy for xy, _ in kept], [first for _, first in kept], of_rows(self.matches, keep))


def of_rows(by_pair: Mapping[Pair, Value], keep: NDArray[np.int64]) -> dict[Pair, Value]:
    """What belongs to pairs of the rows that are kept (ascending), by their numbers among these."""
    number = {int(row): k for k, row in enumerate(keep)}
    return {(number[a], number[b]): v for (a, b), v in by_pair.items() if a in number and b in number}


@dataclass(frozen=True, eq=False)
class WindowMatches:
    """What was found in the rows of a window: keypoints, their matches, and tracked points."""

    keypoints: Sequence[Keypoints]
    matches: Mapping[Pair, Matches]
    tracked: Sequence[TrackedPoints]

    @cached_property
    def moves(self) -> bool:
        """Whether the camera does not stand throughout."""
        return len(self.tracked) > 1 and motion_px(self.tracked) >= STATIC_PX

    def combine(self) -> Correspondences:
        """Number the points of both kinds together, row by row."""
        first = [len(points.xy) for points in self.keypoints]
        xy = [np.concatenate([a.xy, b.xy]) for a, b in zip(self.keypoints, self.tracked, strict=True)]
        both = {}
        for (a, b), matched in self.matches.items():
            shifted = match_tracks(self.tracked[a], self.tracked[b]) + np.array([first[a], first[b]], np.uint32)
            both[a, b] = np.concatenate([matched, shifted])
        return Correspondences(xy, first, both)


def motion_px(tracked: Sequence[TrackedPoints]) -> float:
    """How far tracked points move between neighbouring frames: their median, which nine tenths of the frames stay
    below. Infinite where nothing can be tracked."""
    moved = [_motion(a, b) for a, b in zip(tracked[:-1], tracked[1:], strict=True)]
    moved = [motion for motion in moved if np.isfinite(motion)]
    return float(np.percentile(moved, 90)) if moved else float("inf")


def _motion(first: TrackedPoints, second: TrackedPoints) -> float:
    pairs = match_tracks(first, second)
    if not len(pairs):
        return float("nan")
    return float(np.median(np.linalg.norm(first.xy[pairs[:, 0]] - second.xy[pairs[:, 1]], axis=1)))
