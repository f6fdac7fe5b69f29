"""What is looked for in single frames: SIFT key points with root descriptors, and KLT tracks across frames.

Lowe, "Distinctive image features from scale-invariant keypoints" (IJCV 2004); Arandjelovic and Zisserman, "Three
things everyone should know to improve object retrieval" (CVPR 2012) for the root descriptors; Shi and Tomasi, "Good
features to track" (CVPR 1994). All key points have their first pixel centre at 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_KEYPOINTS = 1800  # strongest first; more change nothing but the time that matching takes
# Smaller images are enlarged: with 400 key points a frame, windows of kitti00 drift by up to 9 % of scale to one side,
# with 1800 from the doubled image by under 1 %; at 640 x 193 and above nothing is gained.
FEW_PIXELS = 100_000
CONTRAST = 0.02  # below OpenCV's 0.04: dim facades and indoor walls need the weak ones too
TRACKS = 1000
TRACK_QUALITY = 0.005
TRACK_SPACING_PX = 8
TRACK_WINDOW_PX = 15
TRACK_LEVELS = 3
TRACK_RETURN_PX = 0.5  # a track that does not come back to within this when followed backwards is dropped

Gray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Key points of one frame: positions [n,2] float32 in pixels and root-SIFT descriptors [n,128] uint8."""

    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TrackedPoints:
    """Points of one frame that are followed through the window: positions [n,2] and the track that each is on [n]."""

    xy: NDArray[np.float32]
    track: NDArray[np.int64]


def extract_keypoints(grays: Sequence[NDArray[np.uint8]]) -> list[Keypoints]:
    """SIFT key points of each gray image [H,W]."""
    cv2.setNumThreads(1)
    sift = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=CONTRAST, enable_precise_upscale=True)
    return [_keypoints(sift, gray) for gray in grays]


def _keypoints(sift: cv2.SIFT, gray: NDArray[np.uint8]) -> Keypoints:
    factor = 2 if gray.size < FEW_PIXELS else 1
    enlarged = gray if factor == 1 else cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found, descriptors = sift.detectAndCompute(enlarged, None)
    if descriptors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    xy = ((np.array([point.pt for point in found]) + 0.5) / factor).astype(np.float32)
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    return Keypoints(xy, np.round(root * 512.0).clip(0, 255).astype(np.uint8))


def track_points(grays: Sequence[NDArray[np.uint8]]) -> list[TrackedPoints]:
    """KLT tracks through consecutive gray images [H,W]; lost tracks are replaced by new corners in empty places."""
    cv2.setNumThreads(1)
    xy, track, born = np.zeros((0, 1, 2), np.float32), np.zeros(0, np.int64), 0
    out: list[TrackedPoints] = []
    for previous, gray in zip([None, *grays[:-1]], grays, strict=True):
        if previous is not None and len(xy):
            xy, alive = _follow(previous, gray, xy)
            track = track[alive]
        corners = _new_corners(gray, xy)
        xy = np.concatenate([xy, corners])
        track = np.concatenate([track, born + np.arange(len(corners))])
        born += len(corners)
        out.append(TrackedPoints(xy[:, 0] + 0.5, track))
    return out


def _follow(
    previous: NDArray[np.uint8], gray: NDArray[np.uint8], xy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Positions of the points that were found again, and which those are."""
    there, found = _lucas_kanade(previous, gray, xy)
    back, found_back = _lucas_kanade(gray, previous, there)
    returned = np.linalg.norm((back - xy)[:, 0], axis=1) < TRACK_RETURN_PX
    height, width = gray.shape
    x, y = there[:, 0, 0], there[:, 0, 1]
    inside = (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
    alive = (found[:, 0] == 1) & (found_back[:, 0] == 1) & returned & inside
    return there[alive], alive


def _lucas_kanade(first: Gray, second: Gray, xy: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Where points [n,1,2] of the first image are in the second, and whether they were found [n,1]."""
    window = (TRACK_WINDOW_PX, TRACK_WINDOW_PX)
    start: Any = None
    there, found, _ = cv2.calcOpticalFlowPyrLK(first, second, xy, start, winSize=window, maxLevel=TRACK_LEVELS)
    return there, found


def _new_corners(gray: NDArray[np.uint8], xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corners [n,1,2] at least the spacing away from the points that are followed already."""
    wanted = TRACKS - len(xy)
    if wanted <= 0:
        return np.zeros((0, 1, 2), np.float32)
    free = np.full(gray.shape, 255, np.uint8)
    for x, y in xy[:, 0]:
        cv2.circle(free, (int(x), int(y)), TRACK_SPACING_PX, 0, -1)
    corners = cv2.goodFeaturesToTrack(gray, wanted, TRACK_QUALITY, TRACK_SPACING_PX, mask=free)
    return np.zeros((0, 1, 2), np.float32) if corners is None else corners.astype(np.float32)
