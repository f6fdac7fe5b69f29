"""Points followed over many pictures: key points found again where depth and cameras say that they should be.

A key point with depth begins a track. In every later picture the tracks seen lately, and those seen by earlier cameras
close to this one, are projected; a key point near the projection whose descriptor and depth agree is the same point. So
every observation is one that the picture made, and the reprojection only says where to look. A track's position is kept
in information form: each observation holds it on its ray, the first one's depth along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float64, UInt8
from .keypoints import Sight

RECENT = 24  # pictures after which a track that was not seen again is looked for near its own camera only
NEAR_CAMERAS = 24  # earlier cameras whose tracks are looked for once more
NEAR = 0.5  # how far they may be away, as a share of the median depth
SAME_HEADING_DEG = 45.0
AT_MOST = 800  # tracks in a picture
REACH = 0.015  # search radius as a share of the picture's diagonal while nothing is known of the poses' errors
LEAST_REACH_PX = 2.5
NEIGHBOURS = 8
DESCRIPTOR = 0.55 * 512  # root descriptors have length 512
RATIO = 0.85  # to the second-best key point nearby
DEPTH = 0.2  # logarithm by which the depth under a key point may differ from the track's
DEPTH_SIGMA = 0.1  # of a first depth
LIVE = np.dtype(
    [
        ("number", "i4"),
        ("last", "i4"),
        ("count", "i4"),
        ("descriptor", "u1", 128),
        ("info", "f8", (3, 3)),
        ("sum", "f8", 3),
    ]
)
Rows = NDArray[np.void]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Observations:
    """M observations, by track and within it by picture, and the T tracks that they are of."""

    track: NDArray[np.int32]  # [M] 0 .. T-1, ascending
    picture: NDArray[np.int32]  # [M] the how-manieth picture
    key_point: NDArray[np.int32]  # [M] which of the picture's observations
    position: Float64  # [T,3] about, in the world
    rgb: UInt8  # [T,3]


class Tracks:
    """All tracks of the pictures so far, which come one after the other; their pixels are not kept."""

    def __init__(self) -> None:
        self._live = np.zeros(0, LIVE)
        self._ended: dict[int, Rows] = {}  # by the picture that saw them last
        self._poses: list[Float64] = []
        self._found: list[NDArray[np.int32]] = []
        self._rgb: list[UInt8] = []
        self._born = 0
        self._reach_px = np.inf
        self.xy: list[NDArray[np.float32]] = []  # of each picture, the points that are on tracks [n,2]
        self.rays: list[NDArray[np.float32]] = []

    def add(self, sight: Sight, world_from_camera: Float64, least: int = 0) -> bool:
        """Look at the next picture. It counts, and True is returned, if it sees at least so many tracks again."""
        picture, near = len(self._poses), self._near(sight, world_from_camera)
        candidates = np.concatenate([self._live, *(self._ended[k] for k in near)])
        which, point = self._matches(candidates, sight, world_from_camera, picture)
        if len(which) < least:
            return False
        for k in near:
            del self._ended[k]
        candidates = _updated(candidates, which, point, sight, world_from_camera, picture)
        fresh = self._births(sight, point)
        self._live = np.concatenate([candidates, _begun(fresh, self._born, sight, world_from_camera, picture)])
        self._remember(sight, candidates["number"][which], point, fresh)
        self._poses.append(world_from_camera)
        self._retire(picture)
        return True

    def finished(self, least: int) -> Observations:
        """Those of tracks that at least so many pictures see; nothing can be added afterwards."""
        everything = np.concatenate([self._live, *self._ended.values()])
        long = everything[everything["count"] >= least]
        long = long[np.argsort(long["number"])]
        number = np.concatenate(self._found) if self._found else np.zeros(0, np.int32)
        sizes = [len(found) for found in self._found]
        picture = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        point = np.concatenate([np.arange(n, dtype=np.int32) for n in [0, *sizes]]).astype(np.int32)
        kept = np.isin(number, long["number"])
        number, picture, point = number[kept], picture[kept], point[kept]
        order = np.lexsort((picture, number))
        rgb = np.concatenate([np.zeros((0, 3), np.uint8), *self._rgb])[long["number"]]
        track = np.searchsorted(long["number"], number[order]).astype(np.int32)
        self._live, self._ended, self._found, self._rgb = self._live[:0], {}, [], []  # memory that is needed now
        return Observations(track, picture[order], point[order], _positions(long), rgb)

    def _near(self, sight: Sight, pose: Float64) -> list[int]:
        """Pictures with ended tracks whose cameras were close to this one and looked the same way."""
        known = np.isfinite(sight.depth)
        ended = [k for k in self._ended]
        if not ended or not known.any():
            return []
        poses = np.stack([self._poses[k] for k in ended])
        distance = np.linalg.norm(poses[:, :3, 3] - pose[:3, 3], axis=1)
        ahead = poses[:, :3, 2] @ pose[:3, 2] > np.cos(np.radians(SAME_HEADING_DEG))
        near = ahead & (distance < NEAR * float(np.median(sight.depth[known])))
        order = np.argsort(distance, kind="stable")
        return [ended[k] for k in order[near[order]][:NEAR_CAMERAS]]

    def _matches(self, tracks: Rows, sight: Sight, pose: Float64, picture: int) -> tuple[Index, Index]:
        """Tracks and key points that are the same point, in pairs."""
        widest = max(REACH * float(np.hypot(*sight.size)), 2 * LEAST_REACH_PX)
        seen_lately = picture - tracks["last"] <= RECENT
        reach = np.where(seen_lately, min(self._reach_px, widest), 2 * widest)
        which, point, off = _paired(tracks, sight, pose, reach)
        lately = off[seen_lately[which]]
        if len(lately) >= 20:
            self._reach_px = max(LEAST_REACH_PX, 3 * float(np.quantile(lately, 0.8)))
        else:
            self._reach_px = np.inf
        return which, point

    def _births(self, sight: Sight, taken: Index) -> Index:
        """Key points that begin a track: with depth, on no track, and rather where there are few."""
        free = np.isfinite(sight.depth) & ~np.isin(sight.place, sight.place[taken])
        fresh = np.flatnonzero(free)
        fresh = fresh[np.unique(sight.place[fresh], return_index=True)[1]]
        cell = (sight.xy // (max(sight.size) / 16)).astype(np.int64) @ [1, 64]
        crowd = np.bincount(cell[taken], minlength=int(cell.max(initial=0)) + 1)[cell[fresh]]
        return np.sort(fresh[np.argsort(crowd, kind="stable")][: max(AT_MOST - len(taken), 0)])

    def _remember(self, sight: Sight, numbers: NDArray[np.int32], point: Index, fresh: Index) -> None:
        born = np.arange(self._born, self._born + len(fresh), dtype=np.int32)
        seen = np.concatenate([point, fresh])
        self._found.append(np.concatenate([numbers, born]).astype(np.int32))
        self._rgb.append(sight.rgb[fresh])
        self.xy.append(sight.xy[seen])
        self.rays.append(sight.rays[seen].astype(np.float32))
        self._born += len(fresh)

    def _retire(self, picture: int) -> None:
        """Tracks not seen for long wait for another visit, if they were seen often enough to be believed."""
        old = picture - self._live["last"] >= RECENT
        ended = self._live[old & (self._live["count"] > 2)]
        self._live = self._live[~old]
        for last in np.unique(ended["last"]).tolist():
            those = ended[ended["last"] == last]
            self._ended[last] = np.concatenate([self._ended[last], those]) if last in self._ended else those


def _positions(tracks: Rows) -> Float64:
    """[T,3]"""
    return np.linalg.solve(tracks["info"], tracks["sum"][..., None])[..., 0]


def _paired(tracks: Rows, sight: Sight, pose: Float64, reach: Float64) -> tuple[Index, Index, Float64]:
    """Tracks, their key points, and how far these are from where they were expected, in pixels."""
    from scipy.spatial import cKDTree

    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    if not len(tracks) or not len(sight):
        return nothing
    there = (_positions(tracks) - pose[:3, 3]) @ pose[:3, :3]
    ahead = np.flatnonzero(there[:, 2] > 0)
    place = there[ahead, :2] / there[ahead, 2:] * sight.focal
    k = min(NEIGHBOURS, len(sight))
    tree = cKDTree(sight.rays * sight.focal)
    off, near = map(np.asarray, tree.query(place, k=[*range(1, k + 1)], distance_upper_bound=float(reach.max())))
    valid = off <= reach[ahead, None]
    some = valid[:, 0]
    ahead, off, near, valid = ahead[some], off[some], near[some], valid[some]
    unlike = _unlike(tracks["descriptor"][ahead], sight.descriptors, np.where(valid, near, 0))
    unlike[~valid] = np.inf
    rows, best = np.arange(len(ahead)), np.argmin(unlike, axis=1)
    smallest, point = unlike[rows, best], near[rows, best]
    elsewhere = sight.place[np.where(valid, near, 0)] != sight.place[point][:, None]
    second = np.min(np.where(elsewhere, unlike, np.inf), axis=1)
    agrees = _depth_agrees(there[ahead, 2], sight.depth[point])
    good = np.flatnonzero((smallest < DESCRIPTOR) & (smallest < RATIO * second) & agrees)
    good = good[np.lexsort((smallest[good], -tracks["count"][ahead[good]]))]
    _, first = np.unique(sight.place[point[good]], return_index=True)  # a point goes to the track that has most already
    good = good[np.sort(first)]
    return ahead[good], point[good], off[good, best[good]]


def _unlike(descriptors: UInt8, others: UInt8, which: Index) -> Float64:
    """Distances [n,k] of descriptors [n,128] to k others each, by their numbers [n,k]."""
    out = np.empty(which.shape)
    mine = descriptors.astype(np.float32)
    for k in range(which.shape[1]):
        out[:, k] = np.linalg.norm(mine - others[which[:, k]], axis=1)
    return out


def _depth_agrees(expected: Float64, found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Also where none was found."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(np.log(found / expected)) > DEPTH)


def _begun(fresh: Index, first: int, sight: Sight, pose: Float64, picture: int) -> Rows:
    """New tracks of key points with depth."""
    out = np.zeros(len(fresh), LIVE)
    out["number"], out["last"], out["count"] = first + np.arange(len(fresh)), picture, 1
    out["descriptor"] = sight.descriptors[fresh]
    depth = sight.depth[fresh].astype(np.float64)
    info, ray = _information(sight.rays[fresh], depth, sight.focal, pose)
    info += ray[:, :, None] * ray[:, None, :] / (DEPTH_SIGMA * depth[:, None, None]) ** 2
    corner = np.concatenate([sight.rays[fresh], np.ones((len(fresh), 1))], axis=1)
    xyz = (corner * depth[:, None]) @ pose[:3, :3].T + pose[:3, 3]
    out["info"], out["sum"] = info, np.einsum("nij,nj->ni", info, xyz)
    return out


def _updated(tracks: Rows, which: Index, point: Index, sight: Sight, pose: Float64, picture: int) -> Rows:
    """The tracks, some of them with one observation more."""
    seen = tracks[which]
    depth = (_positions(seen) - pose[:3, 3]) @ pose[:3, 2]
    info, _ = _information(sight.rays[point], depth, sight.focal, pose)
    seen["info"] += info
    seen["sum"] += info @ pose[:3, 3]
    seen["last"], seen["count"] = picture, seen["count"] + 1
    seen["descriptor"] = sight.descriptors[point]
    tracks[which] = seen
    return tracks


def _information(rays: Float64, depth: Float64, focal: float, pose: Float64) -> tuple[Float64, Float64]:
    """What a pixel's precision at this depth says of the position across the ray [n,3,3], and the unit rays [n,3]."""
    ray = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) @ pose[:3, :3].T
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
    return across * (focal / np.maximum(depth, 1e-12))[:, None, None] ** 2, ray
