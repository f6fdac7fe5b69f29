"""Feature tracks over many images by guided matching: keypoints are matched where depth and poses predict them.

A keypoint with depth begins a track. In every later image the tracks observed lately, and those last observed by a
camera near this one, are projected; a keypoint near the projection whose descriptor and depth agree is the same point.
So every observation is a keypoint of its image, and the projection only tells where to look. A track's position is kept
in information form (information matrix and vector): each observation constrains it across its ray, and the depth of the
first one along that ray.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float64, UInt8
from .guided_matching import Index, Rows, match_projections
from .keypoints import KeypointsWithDepth

RECENT_IMAGES = 24  # after so many without an observation, a track is only matched near the camera that saw it last
NEAR_CAMERAS = 24  # earlier cameras whose ended tracks are matched again, at most
NEAR_DISTANCE = 0.5  # to such a camera, at most, as a share of the median depth
SAME_HEADING_DEG = 45.0
MAX_TRACKS = 800  # of an image
MAX_RADIUS = 0.015  # of the search, as a share of the image's diagonal, while the poses' errors are unknown
MIN_RADIUS_PX = 2.5
MIN_RESIDUALS = 20  # matches that tell how large the poses' errors are
DEPTH_SIGMA = 0.1  # of a track's first depth, as a share of it
TRACK = np.dtype(
    [
        ("number", "i4"),
        ("last", "i4"),  # image that observed it
        ("count", "i4"),  # of observations
        ("descriptor", "u1", 128),  # of the last one
        ("info", "f8", (3, 3)),  # information matrix of the position
        ("sum", "f8", 3),  # information vector
    ]
)


@dataclass(frozen=True, eq=False)
class Observations:
    """M observations of T tracks, sorted by track and then by image."""

    track: NDArray[np.int32]  # [M] 0 .. T-1, ascending
    image: NDArray[np.int32]  # [M] image index, in the order in which images were added
    keypoint: NDArray[np.int32]  # [M] index into the image's `xy` and `rays`
    position: Float64  # [T,3] in the world, an estimate to begin from
    rgb: UInt8  # [T,3]


class Tracks:
    """The tracks of all images so far, which are added one after the other; no image is kept."""

    def __init__(self) -> None:
        self._live = np.zeros(0, TRACK)
        self._ended: dict[int, Rows] = {}  # by the image that observed them last
        self._poses: list[Float64] = []
        self._numbers: list[NDArray[np.int32]] = []
        self._rgb: list[UInt8] = []
        self._count = 0
        self._radius_px = np.inf
        self.xy: list[NDArray[np.float32]] = []  # of each image, the keypoints that are on tracks [n,2]
        self.rays: list[NDArray[np.float32]] = []  # the same as normalized coordinates [n,2]

    def add(self, keypoints: KeypointsWithDepth, world_from_camera: Float64, min_matches: int = 0) -> bool:
        """Match the tracks with the next image's keypoints, and begin new ones.

        Returns False, and adds nothing of this image, if fewer than `min_matches` tracks are observed again.
        """
        image, near = len(self._poses), self._nearby_images(keypoints, world_from_camera)
        candidates = np.concatenate([self._live, *(self._ended[k] for k in near)])
        track, keypoint = self._match(candidates, keypoints, world_from_camera, image)
        if len(track) < min_matches:
            return False
        for k in near:
            del self._ended[k]
        candidates = _add_observations(candidates, track, keypoint, keypoints, world_from_camera, image)
        new = self._choose_new(keypoints, keypoint)
        self._live = np.concatenate([candidates, _new_tracks(new, self._count, keypoints, world_from_camera, image)])
        self._record(keypoints, candidates["number"][track], keypoint, new)
        self._poses.append(world_from_camera)
        self._retire(image)
        return True

    def finish(self, min_images: int) -> Observations:
        """The observations of tracks that at least `min_images` images see; nothing can be added afterwards."""
        everything = np.concatenate([self._live, *self._ended.values()])
        long = everything[everything["count"] >= min_images]
        long = long[np.argsort(long["number"])]
        number = np.concatenate(self._numbers) if self._numbers else np.zeros(0, np.int32)
        sizes = [len(numbers) for numbers in self._numbers]
        image = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        keypoint = np.concatenate([np.arange(n, dtype=np.int32) for n in [0, *sizes]]).astype(np.int32)
        kept = np.isin(number, long["number"])
        number, image, keypoint = number[kept], image[kept], keypoint[kept]
        order = np.lexsort((image, number))
        rgb = np.concatenate([np.zeros((0, 3), np.uint8), *self._rgb])[long["number"]]
        track = np.searchsorted(long["number"], number[order]).astype(np.int32)
        self._live, self._ended, self._numbers, self._rgb = (
            self._live[:0],
            {},
            [],
            [],
        )  # free the memory: triangulation needs it
        return Observations(track, image[order], keypoint[order], _positions(long), rgb)

    def _nearby_images(self, keypoints: KeypointsWithDepth, pose: Float64) -> list[int]:
        """Images with ended tracks whose cameras were close to this one and had about its heading."""
        known = np.isfinite(keypoints.depth)
        ended = list(self._ended)
        if not ended or not known.any():
            return []
        poses = np.stack([self._poses[k] for k in ended])
        distance = np.linalg.norm(poses[:, :3, 3] - pose[:3, 3], axis=1)
        ahead = poses[:, :3, 2] @ pose[:3, 2] > np.cos(np.radians(SAME_HEADING_DEG))
        near = ahead & (distance < NEAR_DISTANCE * float(np.median(keypoints.depth[known])))
        order = np.argsort(distance, kind="stable")
        return [ended[k] for k in order[near[order]][:NEAR_CAMERAS]]

    def _match(self, tracks: Rows, keypoints: KeypointsWithDepth, pose: Float64, image: int) -> tuple[Index, Index]:
        """Pairs of a track and a keypoint that are the same point, as indices of both.

        The search radius is learnt from the last image, as three times the 80 % quantile of the distances between
        keypoints and projections: that is the error of the poses from image to image, a few pixels for most runs, and
        a wide search finds wrong matches where texture repeats. With too few distances to tell, it is as wide as it can
        be. Tracks from an earlier visit get twice the widest: there the poses have drifted in between.
        """
        max_radius = max(MAX_RADIUS * float(np.hypot(*keypoints.size)), 2 * MIN_RADIUS_PX)
        is_recent = image - tracks["last"] <= RECENT_IMAGES
        radius = np.where(is_recent, min(self._radius_px, max_radius), 2 * max_radius)
        track, keypoint, distance = match_projections(tracks, _positions(tracks), keypoints, pose, radius)
        recent = distance[is_recent[track]]
        if len(recent) >= MIN_RESIDUALS:
            self._radius_px = max(MIN_RADIUS_PX, 3 * float(np.quantile(recent, 0.8)))
        else:
            self._radius_px = np.inf
        return track, keypoint

    def _choose_new(self, keypoints: KeypointsWithDepth, matched: Index) -> Index:
        """Keypoints that begin a track: with depth, on no track, and first where tracks are sparse."""
        free = np.isfinite(keypoints.depth) & ~np.isin(keypoints.location, keypoints.location[matched])
        new = np.flatnonzero(free)
        new = new[np.unique(keypoints.location[new], return_index=True)[1]]
        cell = (keypoints.xy // (max(keypoints.size) / 16)).astype(np.int64) @ [1, 64]
        tracks_in_cell = np.bincount(cell[matched], minlength=int(cell.max(initial=0)) + 1)[cell[new]]
        return np.sort(new[np.argsort(tracks_in_cell, kind="stable")][: max(MAX_TRACKS - len(matched), 0)])

    def _record(self, keypoints: KeypointsWithDepth, numbers: NDArray[np.int32], matched: Index, new: Index) -> None:
        new_numbers = np.arange(self._count, self._count + len(new), dtype=np.int32)
        observed = np.concatenate([matched, new])
        self._numbers.append(np.concatenate([numbers, new_numbers]).astype(np.int32))
        self._rgb.append(keypoints.rgb[new])
        self.xy.append(keypoints.xy[observed])
        self.rays.append(keypoints.rays[observed].astype(np.float32))
        self._count += len(new)

    def _retire(self, image: int) -> None:
        """End the tracks that were not observed for long; those with more than two observations wait for a revisit."""
        old = image - self._live["last"] >= RECENT_IMAGES
        ended = self._live[old & (self._live["count"] > 2)]
        self._live = self._live[~old]
        for last in np.unique(ended["last"]).tolist():
            those = ended[ended["last"] == last]
            self._ended[last] = np.concatenate([self._ended[last], those]) if last in self._ended else those


def _positions(tracks: Rows) -> Float64:
    """[T,3] in the world."""
    return np.linalg.solve(tracks["info"], tracks["sum"][..., None])[..., 0]


def _new_tracks(new: Index, first: int, keypoints: KeypointsWithDepth, pose: Float64, image: int) -> Rows:
    """A track for each of these keypoints, which have depth; their numbers begin at `first`."""
    out = np.zeros(len(new), TRACK)
    out["number"], out["last"], out["count"] = first + np.arange(len(new)), image, 1
    out["descriptor"] = keypoints.descriptors[new]
    depth = keypoints.depth[new].astype(np.float64)
    info, ray = _information(keypoints.rays[new], depth, keypoints.focal, pose)
    info += ray[:, :, None] * ray[:, None, :] / (DEPTH_SIGMA * depth[:, None, None]) ** 2
    corner = np.concatenate([keypoints.rays[new], np.ones((len(new), 1))], axis=1)
    xyz = (corner * depth[:, None]) @ pose[:3, :3].T + pose[:3, 3]
    out["info"], out["sum"] = info, np.einsum("nij,nj->ni", info, xyz)
    return out


def _add_observations(
    tracks: Rows, track: Index, keypoint: Index, keypoints: KeypointsWithDepth, pose: Float64, image: int
) -> Rows:
    """The tracks, with one observation more of those that were matched; in place."""
    matched = tracks[track]
    depth = (_positions(matched) - pose[:3, 3]) @ pose[:3, 2]
    info, _ = _information(keypoints.rays[keypoint], depth, keypoints.focal, pose)
    matched["info"] += info
    matched["sum"] += info @ pose[:3, 3]
    matched["last"], matched["count"] = image, matched["count"] + 1
    matched["descriptor"] = keypoints.descriptors[keypoint]
    tracks[track] = matched
    return tracks


def _information(rays: Float64, depth: Float64, focal: float, pose: Float64) -> tuple[Float64, Float64]:
    """Information matrices [n,3,3] of positions across their rays, for a pixel's error at this depth, and the unit rays
    [n,3] in the world."""
    ray = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) @ pose[:3, :3].T
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
    return across * (focal / np.maximum(depth, 1e-12))[:, None, None] ** 2, ray
