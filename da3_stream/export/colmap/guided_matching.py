"""Guided matching: which keypoint is a track's, among those near the track's projection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import Float64, UInt8
from .keypoints import KeypointsWithDepth

CANDIDATES = 8  # keypoints that are compared with a projected track
MAX_DESCRIPTOR_DISTANCE = 0.55 * 512  # root descriptors have length 512
MAX_RATIO = 0.85  # of the best to the second-best descriptor distance
MAX_LOG_DEPTH_RATIO = 0.2  # between the depth under a keypoint and the track's

Rows = NDArray[np.void]  # of `tracks.TRACK`
Index = NDArray[np.int64]


def match_projections(
    tracks: Rows, positions: Float64, keypoints: KeypointsWithDepth, pose: Float64, radius: Float64
) -> tuple[Index, Index, Float64]:
    """Matching tracks and keypoints, as indices of both, and each keypoint's distance from the projection in pixels.

    `positions` [T,3] are the tracks' in the world, `radius` [T] that of each search in pixels.
    """
    if not len(tracks) or not len(keypoints):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    local = (positions - pose[:3, 3]) @ pose[:3, :3]
    ahead = np.flatnonzero(local[:, 2] > 0)
    expected = local[ahead, :2] / local[ahead, 2:] * keypoints.focal
    distance, near = _nearest(expected, keypoints, float(radius.max()))
    valid = distance <= radius[ahead, None]
    some = valid[:, 0]  # tracks with a candidate
    ahead, distance, near, valid = ahead[some], distance[some], near[some], valid[some]
    best, difference, is_distinct = _best_candidates(tracks["descriptor"][ahead], keypoints, near, valid)
    keypoint = near[np.arange(len(ahead)), best]
    good = np.flatnonzero(is_distinct & _depth_agrees(local[ahead, 2], keypoints.depth[keypoint]))
    good = good[np.lexsort((difference[good], -tracks["count"][ahead[good]]))]
    # a location goes to the track with most observations
    _, first = np.unique(keypoints.location[keypoint[good]], return_index=True)
    good = good[np.sort(first)]
    return ahead[good], keypoint[good], distance[good, best[good]]


def _nearest(expected: Float64, keypoints: KeypointsWithDepth, max_distance: float) -> tuple[Float64, Index]:
    """Distances [n,k] from expected positions [n,2] to the nearest keypoints, ascending, and their indices [n,k].

    Positions are pinhole pixels from the principal point; distances beyond `max_distance` are infinite.
    """
    from scipy.spatial import cKDTree

    k = min(CANDIDATES, len(keypoints))
    tree = cKDTree(keypoints.rays * keypoints.focal)
    distance, near = tree.query(expected, k=[*range(1, k + 1)], distance_upper_bound=max_distance)
    return np.asarray(distance), np.asarray(near)


def _best_candidates(
    descriptors: UInt8, keypoints: KeypointsWithDepth, near: Index, valid: NDArray[np.bool_]
) -> tuple[Index, Float64, NDArray[np.bool_]]:
    """The most similar of the valid candidates `near` [n,k] of each descriptor [n,128]: its column [n], its descriptor
    distance [n], and whether that is small, and clearly smaller than at all other locations (Lowe's ratio test) [n]."""
    candidates = np.where(valid, near, 0)
    difference = _descriptor_distances(descriptors, keypoints.descriptors, candidates)
    difference[~valid] = np.inf
    rows, best = np.arange(len(near)), np.argmin(difference, axis=1)
    smallest = difference[rows, best]
    elsewhere = keypoints.location[candidates] != keypoints.location[near[rows, best]][:, None]
    second = np.min(np.where(elsewhere, difference, np.inf), axis=1)
    return best, smallest, (smallest < MAX_DESCRIPTOR_DISTANCE) & (smallest < MAX_RATIO * second)


def _descriptor_distances(descriptors: UInt8, others: UInt8, which: Index) -> Float64:
    """Distances [n,k] of descriptors [n,128] to those of k others each, by their indices `which` [n,k]."""
    out = np.empty(which.shape)
    own = descriptors.astype(np.float32)
    for k in range(which.shape[1]):
        out[:, k] = np.linalg.norm(own - others[which[:, k]], axis=1)
    return out


def _depth_agrees(expected: Float64, depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether a keypoint's depth is about the expected one; True, too, where it has none (NaN)."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(np.log(depth / expected)) > MAX_LOG_DEPTH_RATIO)
