"""How two pictures hang together: how far the view moved between them, and whether they show one place at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8
from ..sources.resizing import resized_to_fit, size_of
from .image_quality import Look

LK_WINDOW, LK_LEVELS = (15, 15), 3
FEWEST_CORNERS = 12  # below, tracking tells nothing
BACK_PX = 0.5  # a corner tracked there and back must come home this close
TIED_SHARE = 0.25  # of the corners, tracked there and back: neighbouring frames have more, unrelated ones less
SAME_LEVELS = 1.5  # mean difference in gray levels up to which pictures without corners are the same
SURE_SHARE = 0.5  # beyond chance in any picture, small ones of noise too
FAR_SHARE, CALM = 0.8, 4.0  # see `motion_of`

COMPARED_PX = 640  # longest side at which key points are compared
MOST_KEY_POINTS, FEWEST_KEY_POINTS = 800, 100  # with fewer in one picture, a lack of matches proves nothing
RATIO = 0.75  # best to second best match (Lowe 2004, section 7.1)
RELATED_INLIERS = 15  # on one epipolar geometry: chance gives fewer
EPIPOLAR_PX = 2.0


@dataclass(frozen=True)
class Shift:
    """From one look to another: the share of corners that were tracked, and how far they moved.

    `motion` is a share of the thumbnail's longer side. Both are NaN where the pictures have too little to be tracked.
    """

    tied: float
    motion: float

    @property
    def is_known(self) -> bool:
        """Whether anything can be said."""
        return not math.isnan(self.tied)

    @property
    def is_tied(self) -> bool:
        """Whether both looks are of one view."""
        return self.tied >= TIED_SHARE

    @property
    def is_sure(self) -> bool:
        """Whether they are beyond doubt."""
        return self.tied >= SURE_SHARE


def shift(a: Look, b: Look) -> Shift:
    """From look a to look b, by sparse optical flow there and back (Lucas-Kanade in pyramids, Bouguet 2000)."""
    if len(a.corners) < FEWEST_CORNERS:
        same = np.abs(a.thumbnail.astype(np.int16) - b.thumbnail).mean() <= SAME_LEVELS
        return Shift(1.0, 0.0) if same else Shift(math.nan, math.nan)
    there, seen = _tracked(a.thumbnail, b.thumbnail, a.corners)
    back, found = _tracked(b.thumbnail, a.thumbnail, there)
    good = (np.linalg.norm(back - a.corners, axis=2)[:, 0] < BACK_PX) & seen & found
    lengths = np.linalg.norm(there - a.corners, axis=2)[good, 0] / max(a.thumbnail.shape)
    return Shift(float(good.mean()), motion_of(lengths))


def _tracked(a: UInt8, b: UInt8, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points [n,1,2] of a in b, and which of them [n] were found."""
    import cv2

    there, seen, _ = cv2.calcOpticalFlowPyrLK(a, b, points, None, winSize=LK_WINDOW, maxLevel=LK_LEVELS)  # type: ignore[call-overload]
    return there, seen[:, 0] > 0


def motion_of(lengths: NDArray[np.floating]) -> float:
    """How far near things moved, from how far n tracked points did; NaN for none.

    The 0.8-quantile: in a drive forward most points are far and move little. But at most 4 medians: where the camera
    stands, most points do, whatever passes by.
    """
    if not len(lengths):
        return math.nan
    return float(min(np.quantile(lengths, FAR_SHARE), CALM * np.median(lengths)))


def unrelated(a: UInt8, b: UInt8) -> bool:
    """Whether two pictures [H,W,3], rich in key points, show nothing in common: SIFT, and one epipolar geometry."""
    import cv2

    (points_a, words_a), (points_b, words_b) = _key_points(a), _key_points(b)
    if min(len(points_a), len(points_b)) < FEWEST_KEY_POINTS:
        return False
    pairs = cv2.BFMatcher().knnMatch(words_a, words_b, k=2)
    rows = [(first.queryIdx, first.trainIdx) for first, second in pairs if first.distance < RATIO * second.distance]
    if len(rows) < RELATED_INLIERS:
        return True
    in_a, in_b = np.array(rows).T
    _, inliers = cv2.findFundamentalMat(points_a[in_a], points_b[in_b], cv2.USAC_MAGSAC, EPIPOLAR_PX, 0.999, 2000)
    return inliers is None or int(inliers.sum()) < RELATED_INLIERS


def _key_points(image: UInt8) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Places [n,2] and descriptors [n,128]."""
    import cv2

    size = resized_to_fit(size_of(image), COMPARED_PX)
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    points, words = cv2.SIFT.create(MOST_KEY_POINTS).detectAndCompute(gray, None)
    empty = np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in points]).reshape(-1, 2), empty if words is None else words
