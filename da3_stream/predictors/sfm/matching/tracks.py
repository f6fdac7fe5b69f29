"""KLT tracks across frames: corners that are followed from one frame to the next.

Shi and Tomasi, "Good features to track" (CVPR 1994). The first pixel centre is at 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ....geometry.masks import Mask, shrink_mask

TRACKS = 700  # 1000 place frames no better
TRACK_QUALITY = 0.005
TRACK_SPACING_PX = 8
TRACK_WINDOW_PX = 15
TRACK_LEVELS = 3
TRACK_STEPS, TRACK_STEP_PX = 20, 0.03  # on a level at most, and the last one; OpenCV's 30 and 0.01 take a fifth longer
TRACK_RETURN_PX = 0.5  # a track that, followed backwards, does not come back to within this is dropped

Gray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TrackedPoints:
    """Points of one frame that are followed through the window: positions [n,2] and the track that each is on [n]."""

    xy: NDArray[np.float32]
    track: NDArray[np.int64]


def track_points(grays: Sequence[Gray], masks: Sequence[Mask | None] = ()) -> list[TrackedPoints]:
    """KLT tracks through consecutive gray images [H,W]; lost tracks are replaced by new corners in empty places.

    There are none where half of their window reaches what is masked [H,W]; None, or no masks: all of an image counts.
    """
    cv2.setNumThreads(1)
    xy, track, born = np.zeros((0, 1, 2), np.float32), np.zeros(0, np.int64), 0
    out: list[TrackedPoints] = []
    for previous, gray, free in zip([None, *grays[:-1]], grays, _free_places(grays, masks), strict=True):
        if previous is not None and len(xy):
            xy, alive = _follow(previous, gray, free, xy)
            track = track[alive]
        corners = _new_corners(gray, free, xy)
        xy = np.concatenate([xy, corners])
        track = np.concatenate([track, born + np.arange(len(corners))])
        born += len(corners)
        out.append(TrackedPoints(xy[:, 0] + 0.5, track))
    return out


def _free_places(grays: Sequence[Gray], masks: Sequence[Mask | None]) -> Iterator[Mask | None]:
    """Where points may be, for each image; the same mask is shrunk once."""
    known: Mask | None = None
    free: Mask | None = None
    for mask in masks or [None] * len(grays):
        if mask is not known:
            known, free = mask, None if mask is None else shrink_mask(mask, TRACK_WINDOW_PX // 2)
        yield free


def _follow(
    previous: Gray, gray: Gray, free: Mask | None, xy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Positions [m,1,2] of the points that were found again in a free place, and which of [n] those are."""
    there, found = _lucas_kanade(previous, gray, xy)
    back, found_back = _lucas_kanade(gray, previous, there)
    returned = np.linalg.norm((back - xy)[:, 0], axis=1) < TRACK_RETURN_PX
    height, width = gray.shape
    x, y = there[:, 0, 0], there[:, 0, 1]
    inside = (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
    alive = (found[:, 0] == 1) & (found_back[:, 0] == 1) & returned & inside
    if free is not None:
        alive[alive] = free[np.rint(y[alive]).astype(np.int64), np.rint(x[alive]).astype(np.int64)]
    return there[alive], alive


def _lucas_kanade(first: Gray, second: Gray, xy: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Where points [n,1,2] of the first image are in the second, and whether they were found [n,1]."""
    window = (TRACK_WINDOW_PX, TRACK_WINDOW_PX)
    start: Any = None
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, TRACK_STEPS, TRACK_STEP_PX)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, xy, start, winSize=window, maxLevel=TRACK_LEVELS, criteria=until
    )
    return there, found


def _new_corners(gray: Gray, free: Mask | None, xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corners [n,1,2] in free places, at least the spacing away from the points that are followed already."""
    wanted = TRACKS - len(xy)
    if wanted <= 0:
        return np.zeros((0, 1, 2), np.float32)
    empty = np.full(gray.shape, 255, np.uint8) if free is None else free.astype(np.uint8) * np.uint8(255)
    for x, y in xy[:, 0]:
        cv2.circle(empty, (int(x), int(y)), TRACK_SPACING_PX, 0, -1)
    corners = cv2.goodFeaturesToTrack(gray, wanted, TRACK_QUALITY, TRACK_SPACING_PX, mask=empty)
    return np.zeros((0, 1, 2), np.float32) if corners is None else corners.astype(np.float32)
