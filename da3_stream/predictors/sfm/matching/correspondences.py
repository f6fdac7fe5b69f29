"""The correspondences of one window: matched SIFT keypoints and KLT tracks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import NO_KEYPOINTS, Keypoints
from .pairs import Matches, match_tracks
from .tracks import TrackedPoints

Pair = tuple[int, int]
Value = TypeVar("Value")


STATIC_PX = 0.3  # a camera whose image moves less than this stands


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Points of every row [n,2], SIFT keypoints first and tracked points from `tracked_from` on, and their matches.

    Keypoints are precise over long distances; tracks hold where texture repeats or fades. One epipolar geometry must
    explain both. `frames` [N] says which frame of the window each row is; None: every frame in which the camera goes on
    is a row.
    """

    xy: list[NDArray[np.float32]]
    tracked_from: list[int]
    matches: dict[Pair, Matches]
    frames: NDArray[np.int64] | None = None

    @property
    def frame_of(self) -> NDArray[np.int64]:
        """Which frame of those in which the camera goes on each row is, [N]."""
        return np.arange(len(self.xy)) if self.frames is None else self.frames

    def of_keypoints(self) -> dict[Pair, Matches]:
        """The matches of keypoints alone."""
        return {(a, b): m[m[:, 0] < self.tracked_from[a]] for (a, b), m in self.matches.items()}

    def rows(self, keep: NDArray[np.int64]) -> Correspondences:
        """Those of some rows (ascending) only, counted anew."""
        kept = [(self.xy[row], self.tracked_from[row]) for row in keep]
        xy, first = [xy for xy, _ in kept], [first for _, first in kept]
        frames = None if self.frames is None else self.frames[keep]
        return Correspondences(xy, first, of_rows(self.matches, keep), frames)


def of_rows(by_pair: Mapping[Pair, Value], keep: NDArray[np.int64]) -> dict[Pair, Value]:
    """What belongs to pairs of the rows that are kept (ascending), by their numbers among these."""
    number = {int(row): k for k, row in enumerate(keep)}
    return {(number[a], number[b]): v for (a, b), v in by_pair.items() if a in number and b in number}


@dataclass(frozen=True, eq=False)
class WindowMatches:
    """What was found in the rows of a window: keypoints, their matches, and tracked points; `frames` [N] says which
    frame each row is, None: every frame is a row."""

    keypoints: Sequence[Keypoints]
    matches: Mapping[Pair, Matches]
    tracked: Sequence[TrackedPoints]
    frames: NDArray[np.int64] | None = None

    def in_frames(self, tracked: Sequence[TrackedPoints]) -> WindowMatches:
        """The same with every frame of the window as a row: its tracked points, and keypoints where it had them."""
        if self.frames is None:
            return self
        keypoints = [NO_KEYPOINTS] * len(tracked)
        for of_row, frame in zip(self.keypoints, self.frames.tolist(), strict=True):
            keypoints[frame] = of_row
        matches = {(int(self.frames[a]), int(self.frames[b])): of_pair for (a, b), of_pair in self.matches.items()}
        return WindowMatches(keypoints, matches, tracked)

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
        return Correspondences(xy, first, both, self.frames)


def followed(tracked: Sequence[TrackedPoints], offsets: Sequence[int]) -> Correspondences:
    """What is tracked from frame to frame alone, between all frames of a window that are so far apart."""
    count = len(tracked)
    pairs = [(row, row + offset) for offset in offsets for row in range(count - offset)]
    matches = {(a, b): match_tracks(tracked[a], tracked[b]) for a, b in pairs}
    return Correspondences([points.xy for points in tracked], [0] * count, matches)


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
