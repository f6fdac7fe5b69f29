"""Pairs of frames: which are matched, their matches, and which of these one epipolar geometry explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import Keypoints
from ....geometry.lens import Lens
from .tracks import TrackedPoints

OFFSETS = (1, 2, 4, 8, 16, 32, 64, 128)  # quadratic sequential pairs: near ones for detail, far ones for scale
KEYFRAME_OFFSETS = tuple(sorted({*OFFSETS, *(3 * offset for offset in OFFSETS)}))  # denser: fewer frames tell as much
MAX_ANGLE = 0.7  # between descriptors, radians
MAX_ANGLE_RATIO = 0.8  # best to second best (Lowe 2004, section 7.1)
MIN_INLIERS = 15
EPIPOLAR_PX = 1.0
HOMOGRAPHY_PX = 1.5
PANORAMIC_SHARE = 0.8  # a homography that explains this share of the inliers makes the translation unreliable,
OFF_PLANE = 30  # unless it is off by more than twice its threshold at so many: they tell the two solutions apart
ESSENTIAL_TRIES = 400  # samples, at most: where 2 in 5 matches are right they are found in 98 of 100 pairs
HOMOGRAPHY_TRIES = 50  # the same: of what a homography explains by PANORAMIC_SHARE, 4 in 10 samples have no outlier
SMALL = 12  # frames of which all pairs are matched

Points = NDArray[np.float64]
Matches = NDArray[np.uint32]  # [m,2], indices into the keypoints of the two frames


@dataclass(frozen=True, eq=False)
class TwoView:
    """A verified pair: inlier matches [m,2], essential matrix and homography [3,3], and whether it is (nearly) planar
    or a pure rotation."""

    matches: Matches
    essential: NDArray[np.float64]
    homography: NDArray[np.float64]
    planar: bool


def window_pairs(count: int, split_row: int | None = None, offsets: Sequence[int] = OFFSETS) -> list[tuple[int, int]]:
    """Pairs of rows to be matched among `count` frames: sequential ones so far apart, all if they are few, and where a
    loop check shows two places, the second from `split_row` on, all pairs across."""
    if split_row is None:
        return list(sequential_pairs(count, offsets) if count > SMALL else combinations(range(count), 2))
    earlier, later = range(split_row), range(split_row, count)
    within = [*sequential_pairs(split_row), *((split_row + a, split_row + b) for a, b in sequential_pairs(len(later)))]
    return [*within, *((a, b) for a in earlier for b in later)]


def sequential_pairs(count: int, offsets: Sequence[int] = OFFSETS) -> Iterator[tuple[int, int]]:
    """Pairs (earlier row, later row) among `count` consecutive frames at these distances."""
    for offset in offsets:
        for row in range(count - offset):
            yield row, row + offset


def _match(first: NDArray[np.float32], second: NDArray[np.float32]) -> Matches:
    """Mutually nearest descriptors [n,128] of length 1 that pass the distance and the ratio test."""
    if min(len(first), len(second)) < 2:
        return np.zeros((0, 2), np.uint32)
    similarity = first @ second.T
    row = np.arange(len(similarity))
    best = similarity.argmax(axis=1)
    nearest = similarity[row, best]
    mutual = nearest == similarity.max(axis=0)[best]  # a tenth of the time that argmax takes along columns
    angle = np.arccos(nearest.clip(-1, 1))
    similarity[row, best] = -1.0
    second_angle = np.arccos(similarity.max(axis=1).clip(-1, 1))
    keep = mutual & (angle < MAX_ANGLE) & (angle < MAX_ANGLE_RATIO * second_angle)
    return np.stack([row[keep], best[keep]], axis=1).astype(np.uint32)


def _unit(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = descriptors.astype(np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def match_tracks(first: TrackedPoints, second: TrackedPoints) -> Matches:
    """Points of the same track."""
    _, a, b = np.intersect1d(first.track, second.track, assume_unique=True, return_indices=True)
    return np.stack([a, b], axis=1).astype(np.uint32)


def verify_pair(xy1: Points, xy2: Points, matches: Matches, k: NDArray[np.float64]) -> TwoView | None:
    """The matches that one essential matrix explains; None with too few inliers.

    `xy1`, `xy2` [n,2] are free of distortion, K is [3,3].
    """
    found = find_essential(xy1, xy2, matches, k)
    if found is None:
        return None
    essential, kept = found
    a, b = xy1[kept[:, 0]], xy2[kept[:, 1]]
    homography, explained = cv2.findHomography(a, b, cv2.USAC_MAGSAC, HOMOGRAPHY_PX, maxIters=HOMOGRAPHY_TRIES)
    if homography is None:
        return TwoView(kept, essential, np.eye(3), planar=False)
    planar = explained.sum() > PANORAMIC_SHARE * len(kept) and _off_plane(homography, a, b) < OFF_PLANE
    return TwoView(kept, essential, homography, bool(planar))


def find_essential(
    xy1: Points, xy2: Points, matches: Matches, k: NDArray[np.float64], tries: int = ESSENTIAL_TRIES
) -> tuple[NDArray[np.float64], Matches] | None:
    """The essential matrix [3,3] that explains most of the matches, and these (MAGSAC++, Barath et al. CVPR 2020);
    None with too few."""
    if len(matches) < MIN_INLIERS:
        return None
    a, b = xy1[matches[:, 0]], xy2[matches[:, 1]]
    essential, inlier_mask = cv2.findEssentialMat(a, b, k, cv2.USAC_MAGSAC, 0.999, EPIPOLAR_PX, tries)
    if essential is None or essential.shape != (3, 3) or inlier_mask.sum() < MIN_INLIERS:
        return None
    return essential, matches[inlier_mask[:, 0] > 0]


def _off_plane(homography: NDArray[np.float64], a: Points, b: Points) -> int:
    """How many points [n,2] are certainly not where the homography takes them."""
    moved = np.column_stack([a, np.ones(len(a))]) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.linalg.norm(moved[:, :2] / moved[:, 2:] - b, axis=1)
    return int((off > 2 * HOMOGRAPHY_PX).sum())


def match_chunk(keypoints: Mapping[int, Keypoints], pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Matches]:
    """Matches of many pairs, keyed as the pairs are."""
    units = {index: _unit(of_frame.descriptors) for index, of_frame in keypoints.items()}
    return {pair: _match(units[pair[0]], units[pair[1]]) for pair in pairs}


def verify_chunk(
    xy: Mapping[int, NDArray[np.float32]], matches: Mapping[tuple[int, int], Matches], lens: Lens
) -> dict[tuple[int, int], TwoView]:
    """Verified pairs among many; those that fail are left out."""
    cv2.setNumThreads(1)
    straight = {row: lens.undistort(points) for row, points in xy.items()}
    k = lens.matrix()
    verified = {pair: verify_pair(straight[pair[0]], straight[pair[1]], chosen, k) for pair, chosen in matches.items()}
    return {pair: view for pair, view in verified.items() if view is not None}


def restrict_to_kind(
    views: Mapping[tuple[int, int], TwoView], first: Sequence[int], tracked: bool
) -> dict[tuple[int, int], TwoView]:
    """Verified pairs with one kind of correspondence only: tracked points (whose indices begin at `first` of each
    row) or matched keypoints (all below)."""
    kept = {}
    for (a, b), view in views.items():
        of_kind = (view.matches[:, 0] >= first[a]) == tracked
        if of_kind.sum() >= MIN_INLIERS:
            kept[a, b] = replace(view, matches=view.matches[of_kind])
    return kept
