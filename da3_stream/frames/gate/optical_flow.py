"""The motion between two images by optical flow, and by keypoint matches whether they show one scene at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8
from ..image_size import fit_size, size_of
from ..static_mask.scene_motion import TILE_COUNT, CornerTracks, tile_numbers, track_corners
from .image_quality import ImageQuality

LK_WINDOW, LK_LEVELS = (15, 15), 3
MIN_CORNERS = 12  # with fewer, tracking tells nothing
ROUND_TRIP_PX = 0.5  # largest error of a corner that was tracked forward and backward
MIN_TRACKED = 0.25  # share of corners tracked forward and backward: neighbouring frames have more, unrelated ones less
SAME_LEVELS = 1.5  # mean difference in gray levels up to which images without corners are the same
CERTAIN_TRACKED = 0.5  # share of corners that chance does not reach in any image, not even in small ones of noise
NEAR_QUANTILE, MAX_MEDIANS = 0.8, 4.0  # see `near_motion`
TILE_QUANTILE, TILE_CORNERS = 0.78, 3  # see `tile_motion`
WELL_TRACKED = 0.8  # share of the corners found again in the middle one of the tiles
LOST_MOTION = 0.05  # share of the image's longer side that a corner which is not found again has moved

MATCHING_PX = 640  # longest side at which keypoints are matched
MAX_KEYPOINTS, MIN_KEYPOINTS = 800, 100  # with fewer in one image, a lack of matches proves nothing
RATIO = 0.75  # best to second best match (Lowe 2004, section 7.1)
MIN_INLIERS = 15  # of one epipolar geometry; chance gives fewer
EPIPOLAR_PX = 2.0


@dataclass(frozen=True)
class ImageMotion:
    """The share of one image's corners that were tracked into another, and how far they moved.

    `motion` is a share of the thumbnail's longer side. Both are NaN where the images have too few corners to track.
    """

    tracked: float
    motion: float

    @property
    def is_known(self) -> bool:
        """Whether there were corners enough to measure the motion."""
        return not math.isnan(self.tracked)

    @property
    def is_tracked(self) -> bool:
        """Whether both images show one view."""
        return self.tracked >= MIN_TRACKED

    @property
    def is_certain(self) -> bool:
        """Whether both images show one view beyond doubt."""
        return self.tracked >= CERTAIN_TRACKED


def measure_motion(a: ImageQuality, b: ImageQuality) -> ImageMotion:
    """The motion from image a to image b, by sparse optical flow forward and backward (pyramidal Lucas-Kanade, Bouguet
    2000), where both count: a mask that begins between them hides in both what goes with the camera."""
    a = a.where_both_count(b)
    if len(a.corners) < MIN_CORNERS:
        differences = np.abs(a.thumbnail.astype(np.int16) - b.thumbnail)
        same = differences[a.mask > 0 if a.mask is not None else ...].mean() <= SAME_LEVELS
        return ImageMotion(1.0, 0.0) if same else ImageMotion(math.nan, math.nan)
    forward, forward_ok = _track(a.thumbnail, b.thumbnail, a.corners)
    backward, backward_ok = _track(b.thumbnail, a.thumbnail, forward)
    good = (np.linalg.norm(backward - a.corners, axis=2)[:, 0] < ROUND_TRIP_PX) & forward_ok & backward_ok
    lengths = np.linalg.norm(forward - a.corners, axis=2)[good, 0] / max(a.thumbnail.shape)
    return ImageMotion(float(good.mean()), near_motion(lengths))


def _track(a: UInt8, b: UInt8, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Track points [n,1,2] from image a to image b; return their positions and which of them [n] were found."""
    import cv2

    there, seen, _ = cv2.calcOpticalFlowPyrLK(a, b, points, None, winSize=LK_WINDOW, maxLevel=LK_LEVELS)  # type: ignore[call-overload]
    return there, seen[:, 0] > 0


def near_motion(lengths: NDArray[np.floating]) -> float:
    """How far near objects moved, from the lengths [n] of the tracked points' motions; NaN for none.

    This is the 0.8-quantile, as in a drive forward most points are far and move little, but at most 4 medians: where
    the camera stands still, so do most points, whatever passes by.
    """
    if not len(lengths):
        return math.nan
    return float(min(np.quantile(lengths, NEAR_QUANTILE), MAX_MEDIANS * np.median(lengths)))


def measure_tile_motion(a: ImageQuality, b: ImageQuality) -> float:
    """How far from image a to image b those parts of the picture moved that moved most; see `tile_motion`."""
    a = a.where_both_count(b)
    return tile_motion(a.tile_corners, track_corners(a.thumbnail, b.thumbnail, a.tile_corners))


def tile_motion(corners: NDArray[np.float32], tracks: CornerTracks) -> float:
    """How far more than a fifth of the picture's tiles moved at least, each by the median of its corners [n,2]; 0
    without tiles that tell. Corners that are not found again have gone far, unless noise hides them everywhere.

    Where the camera's own car fills half of the picture, and has most of the strongest corners, the scene is what moves
    in the other tiles. A large thing that passes a camera that stands looks the same: it takes more than two images to
    tell them apart.
    """
    lengths = np.linalg.norm(tracks.displacement, axis=1) / max(tracks.size)
    count, found = (np.bincount(tile_numbers(at, tracks.size), minlength=TILE_COUNT) for at in (corners, tracks.at))
    telling = count >= TILE_CORNERS
    if not telling.any():
        return 0.0
    hidden = float(np.median((found / np.maximum(count, 1))[telling])) < WELL_TRACKED
    lost = np.zeros_like(count) if hidden else count - found
    motions = [
        np.append(lengths[tracks.tiles == tile], [LOST_MOTION] * lost[tile])
        for tile in np.flatnonzero(telling & (found + lost >= TILE_CORNERS))
    ]
    return float(np.quantile([np.median(of_tile) for of_tile in motions], TILE_QUANTILE)) if motions else 0.0


def are_unrelated(a: UInt8, b: UInt8) -> bool:
    """Whether two images [H,W,3] show nothing in common: see `compare_views`."""
    return compare_views(a, b) == "unrelated"


def compare_views(a: UInt8, b: UInt8) -> Literal["related", "unrelated", "unknown"]:
    """Whether SIFT matches between two images [H,W,3] agree with one epipolar geometry; unknown where one of them has
    few keypoints."""
    import cv2

    (points_a, descriptors_a), (points_b, descriptors_b) = _detect_keypoints(a), _detect_keypoints(b)
    if min(len(points_a), len(points_b)) < MIN_KEYPOINTS:
        return "unknown"
    pairs = cv2.BFMatcher().knnMatch(descriptors_a, descriptors_b, k=2)
    matches = [(first.queryIdx, first.trainIdx) for first, second in pairs if first.distance < RATIO * second.distance]
    if len(matches) < MIN_INLIERS:
        return "unrelated"
    in_a, in_b = np.array(matches).T
    _, inliers = cv2.findFundamentalMat(points_a[in_a], points_b[in_b], cv2.USAC_MAGSAC, EPIPOLAR_PX, 0.999, 2000)
    return "unrelated" if inliers is None or int(inliers.sum()) < MIN_INLIERS else "related"


def _detect_keypoints(image: UInt8) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Detect SIFT keypoints; return their positions [n,2] and descriptors [n,128]."""
    import cv2

    size = fit_size(size_of(image), MATCHING_PX)
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    points, descriptors = cv2.SIFT.create(MAX_KEYPOINTS).detectAndCompute(gray, None)
    empty = np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in points]).reshape(-1, 2), empty if descriptors is None else descriptors
