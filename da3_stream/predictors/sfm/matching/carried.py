"""What the camera carries along (its car, a display) where no mask tells: it stays at its pixels for a whole window,
even in pairs of frames far apart, while all the rest of the picture moves as one scene.

A camera that stands while something passes looks much the same. There each part of the picture is still at one time and
covered at another, and what moves by itself is not all over the rest of the picture with one epipolar geometry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import Keypoints
from .correspondences import Pair, WindowMatches
from .pairs import Matches
from .stillness import CLEAR_PX, MIN_STILL, STILL_PX, cell_numbers, is_apart, moved_px, still_and_slow
from .tracks import TrackedPoints

NEAR, FAR = 4, 8  # frames between those of near pairs at most, and of far ones at least
MIN_FAR_PAIRS = 8
LASTING = 0.9  # share of the pairs that must show what stands, and what moves
CELLS = (16, 12)  # columns and rows of the picture's cells
MIN_SEEN = 8  # matches of a cell that tells
PURE = 0.85  # share of a cell's matches that all stand, or all move
MOST_MIXED = 0.2  # share of the cells that are neither
LEAST_FREE = 0.12  # share of the cells that move
AGAIN, AROUND_PX = 0.15, 4  # share of the far pairs that match the same pixels, and how far around nothing is believed
SAMPLED = 12  # pairs whose epipolar geometry is asked for
EPIPOLAR_PX, ONE_SCENE = 1.5, 0.7  # and the share of what moves that it must explain, in the middle one
SHIFTED_PX, SHIFTED = 0.75, 0.05  # by which motions differ, in pixels or as a share, of what is shifted as a whole

Part = NDArray[np.bool_]


def without_carried(found: WindowMatches, size: tuple[int, int]) -> WindowMatches:
    """The matches and tracks of a window of images of (width, height) without what is carried along."""
    carried = carried_part(found.keypoints, found.matches, size)
    if not carried.any():
        return found
    on = [_on(points.xy, carried) for points in found.keypoints]
    moved = _moved_px(found.keypoints, found.matches)
    matches = {}
    for (a, b), of_pair in found.matches.items():
        both = on[a][of_pair[:, 0]] & on[b][of_pair[:, 1]] & (moved[a, b] < CLEAR_PX)
        matches[a, b] = of_pair[~(both | ((b - a >= FAR) & (moved[a, b] < STILL_PX)))]
    return replace(found, matches=matches, tracked=[_free(points, carried) for points in found.tracked])


def carried_part(keypoints: Sequence[Keypoints], matches: Mapping[Pair, Matches], size: tuple[int, int]) -> Part:
    """The part [H,W] of the picture that shows what is carried along; none where that is not sure."""
    moved = _moved_px(keypoints, matches)
    nothing = np.zeros(size[::-1], np.bool_)
    if not _lasts(moved):
        return nothing
    still, clear = _counts(keypoints, matches, moved, size, range(1, NEAR + 1))
    told = still + clear >= MIN_SEEN
    share = still[told] / np.maximum((still + clear)[told], 1)
    mixed, free = float(np.mean((share > 1 - PURE) & (share < PURE))), float(np.mean(share <= 1 - PURE))
    if mixed > MOST_MIXED or free < LEAST_FREE or not _is_one_scene(keypoints, matches, moved):
        return nothing
    lasting, gone = _counts(keypoints, matches, moved, size, range(FAR, len(keypoints)))
    cells = ((still > clear) & (lasting > gone)).astype(np.uint8)
    return (cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST) > 0) | _marks(keypoints, matches, moved, size)


def _marks(
    keypoints: Sequence[Keypoints],
    matches: Mapping[Pair, Matches],
    moved: Mapping[Pair, NDArray[np.float32]],
    size: tuple[int, int],
) -> Part:
    """Where [H,W] far pairs match the same pixels again and again, and a little around that: what lies at a border is
    in the cells of neither."""
    marks = np.zeros(size[::-1], np.float32)
    far = [pair for pair in matches if pair[1] - pair[0] >= FAR]
    for a, b in far:
        x, y = _pixels(keypoints[a].xy[matches[a, b][moved[a, b] < STILL_PX, 0]], marks.shape)
        np.add.at(marks, (y, x), 1.0)
    again = cv2.boxFilter(marks, -1, (3, 3), normalize=False) >= AGAIN * len(far)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * AROUND_PX + 1, 2 * AROUND_PX + 1))
    return cv2.dilate((again & (marks > 0)).astype(np.uint8), around) > 0


def stands_throughout(keypoints: Sequence[Keypoints], matches: Mapping[Pair, Matches]) -> bool:
    """Whether a part of the picture stays at its pixels for a whole window while what moves beside it is no scene: the
    camera stands while something passes without an end."""
    moved = _moved_px(keypoints, matches)
    return _lasts(moved) and not _is_one_scene(keypoints, matches, moved)


def _moved_px(keypoints: Sequence[Keypoints], matches: Mapping[Pair, Matches]) -> dict[Pair, NDArray[np.float32]]:
    """How far the matches of every pair move."""
    return {(a, b): moved_px(keypoints[a].xy, keypoints[b].xy, of_pair) for (a, b), of_pair in matches.items()}


def _lasts(moved: Mapping[Pair, NDArray[np.float32]]) -> bool:
    """Whether nearly all far pairs show what stands, and nearly all near ones what moves."""
    far = [is_apart(*still_and_slow(of_pair)) for (a, b), of_pair in moved.items() if b - a >= FAR]
    near = [int((of_pair > CLEAR_PX).sum()) >= MIN_STILL for (a, b), of_pair in moved.items() if 1 < b - a <= NEAR]
    return len(far) >= MIN_FAR_PAIRS and float(np.mean(far)) >= LASTING and float(np.mean(near)) >= LASTING


def _counts(
    keypoints: Sequence[Keypoints],
    matches: Mapping[Pair, Matches],
    moved: Mapping[Pair, NDArray[np.float32]],
    size: tuple[int, int],
    offsets: range,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Matches of pairs so far apart that stand, and that move, by the cells [rows,columns] that they begin in."""
    counts = np.zeros((2, CELLS[0] * CELLS[1]), np.int64)
    for (a, b), of_pair in matches.items():
        if b - a in offsets:
            cells = cell_numbers(keypoints[a].xy[of_pair[:, 0]], size, CELLS)
            for kind, chosen in enumerate((moved[a, b] < STILL_PX, moved[a, b] > CLEAR_PX)):
                counts[kind] += np.bincount(cells[chosen], minlength=counts.shape[1])
    still, clear = counts.reshape(2, *CELLS[::-1])
    return still, clear


def _is_one_scene(
    keypoints: Sequence[Keypoints], matches: Mapping[Pair, Matches], moved: Mapping[Pair, NDArray[np.float32]]
) -> bool:
    """Whether one epipolar geometry explains most of what moves between near frames, and it is not shifted as a whole,
    as the side of a lorry is."""
    pairs = [pair for pair in matches if pair[1] - pair[0] == 2]
    shares, shifts = [], []
    for a, b in pairs[:: max(1, len(pairs) // SAMPLED)]:
        moving = matches[a, b][moved[a, b] > CLEAR_PX]
        if len(moving) >= MIN_STILL:
            first, second = keypoints[a].xy[moving[:, 0]], keypoints[b].xy[moving[:, 1]]
            _, inlier = cv2.findFundamentalMat(first, second, cv2.FM_RANSAC, EPIPOLAR_PX, 0.99, 1000)
            shares.append(0.0 if inlier is None else float(np.mean(inlier)))
            shifts.append(_is_shifted(second - first))
    return bool(shares) and float(np.median(shares)) >= ONE_SCENE and float(np.mean(shifts)) < 0.5


def _is_shifted(motions: NDArray[np.float32]) -> bool:
    """Whether most motions [n,2] are the same."""
    usual = np.median(motions, axis=0)
    spread = float(np.median(np.linalg.norm(motions - usual, axis=1)))
    return spread < max(SHIFTED_PX, SHIFTED * float(np.linalg.norm(usual)))


def _pixels(xy: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The pixels x, y [2,n] of images [H,W] in which points [n,2] lie."""
    return xy.astype(np.int64).clip(0, (shape[1] - 1, shape[0] - 1)).T


def _on(xy: NDArray[np.float32], carried: Part) -> NDArray[np.bool_]:
    """Which points [n,2] lie in a part [H,W] of the picture."""
    x, y = _pixels(xy, carried.shape)
    return carried[y, x]


def _free(points: TrackedPoints, carried: Part) -> TrackedPoints:
    kept = ~_on(points.xy, carried)
    return TrackedPoints(points.xy[kept], points.track[kept])
