"""Which frames look at a piece of the cloud from nearby, and how far they see there.

A view's depth is kept coarse, as inverse depth, which is linear over a plane in the picture: each block of pixels has
its mean and its slope. Where a block and its neighbours are no plane, at an edge or around a thin thing, the nearest
that any of them sees stands for it, so that a thin thing counts for as wide as the place of a view may be wrong.
Blocks with a pixel of unknown depth say nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from ...store import Run, RunGeometry, read_frame
from ...types import Float32, Float64

_COARSE_WIDTH = 96  # blocks of at most 4x4 pixels, so that the coarse map is about as wide as this or wider
_CELL = 0.1  # edge of the cells in which cameras count as one, in median depths
_PER_CELL = 4  # cameras kept for each cell and direction
_CANDIDATES = 128  # cameras that are looked at for one choice
_KEPT = 256  # maps held in memory, of some 150 kB
_PLANE = 0.02  # relative deviation of inverse depth from a plane that still counts as one


@dataclass(frozen=True, eq=False)
class View:
    """A frame as a witness, in world units; maps over blocks of pixels."""

    camera_from_world: Float32  # [3,3] rotation
    centre: Float32  # [3] in the world
    intrinsics: Float32  # [3,3] in blocks
    inverse: Float32  # [h,w,3] inverse depth at a block's middle, and its slopes along x and y; NaN where unknown


class Views:
    """The frames of a run as witnesses of its cloud; memory is bounded, whatever the length of the run."""

    def __init__(self, run: Run, geometry: RunGeometry) -> None:
        self._run, self._geometry = run, geometry
        places = geometry.frame_poses
        self._placed = np.flatnonzero(places.has_pose)
        self._centres = places.world_from_camera[self._placed, :3, 3]
        self._apart = self._thinned()
        self._tree = cKDTree(self._centres[self._apart]) if len(self._apart) else None
        self._maps: OrderedDict[int, View] = OrderedDict()

    def choose(self, xyz: Float32, count: int) -> list[int]:
        """Rows of `places` of the views that together see best the points [S,3], a sample of a small piece.

        Greedy: each time the view that is nearest to most points inside its picture; a point counts the less the more
        views have it, and a view the less the more of its submap are in.
        """
        if self._tree is None or not len(xyz):
            return []
        most = min(_CANDIDATES, len(self._apart))
        near = np.sort(np.atleast_1d(self._tree.query(np.median(xyz, axis=0), k=most)[1]))
        rows = self._placed[self._apart[near]]
        worth, submaps = self._worth(rows, xyz), self._geometry.frame_poses.submap[rows]
        chosen: list[int] = []
        seen = np.zeros(len(xyz))
        for _ in range(min(count, len(rows))):
            gain = worth @ (1 / (1 + seen))
            best = int(np.argmax(gain))
            if gain[best] <= 0:
                break
            chosen.append(int(rows[best]))
            seen += worth[best] > 0
            worth[submaps == submaps[best]] /= 2
            worth[best] = 0
        return sorted(chosen)

    def view(self, row: int) -> View:
        """The witness of a row of `places`. Raises StoreError if its window is absent or damaged."""
        if row not in self._maps:
            self._maps[row] = self._load(row)
            if len(self._maps) > _KEPT:
                self._maps.popitem(last=False)
        self._maps.move_to_end(row)
        return self._maps[row]

    def _thinned(self) -> NDArray[np.int64]:
        """Numbers of cameras such that few of them look the same way from the same place, spread over time."""
        depth = self._geometry.median_depth()
        if not len(self._centres) or depth <= 0:
            return np.zeros(0, np.int64)
        cells = np.floor(self._centres / (_CELL * depth))
        axes = self._geometry.frame_poses.world_from_camera[self._placed, :3, 2]
        keys = np.column_stack([cells, np.rint(axes)])
        _, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.ravel()
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group)
        starts = np.cumsum(sizes) - sizes
        rank = np.arange(len(order)) - starts[group[order]]
        share = rank * _PER_CELL // sizes[group[order]]  # 0.._PER_CELL-1 along time; the first of each stays
        first = np.ones(len(order), np.bool_)
        first[1:] = (share[1:] != share[:-1]) | (group[order][1:] != group[order][:-1])
        return np.sort(order[first])

    def _worth(self, rows: NDArray[np.int64], xyz: Float32) -> Float64:
        """[C,S] how near each camera is to each point inside its picture: 1 / distance; 0 for others."""
        places = self._geometry.frame_poses
        world_from_camera = places.world_from_camera[rows]
        moved = xyz - world_from_camera[:, None, :3, 3]
        seen = np.einsum("csj,cji->csi", moved, world_from_camera[:, :3, :3])
        depth, away = seen[..., 2], np.linalg.norm(moved, axis=-1)
        submaps = [self._geometry.submaps[submap] for submap in places.submap[rows].tolist()]
        k = np.stack([submap.intrinsics[row] for submap, row in zip(submaps, places.row[rows].tolist(), strict=True)])
        size = np.array([submap.depth_size for submap in submaps], np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            pixel = np.einsum("csj,cij->csi", seen / depth[..., None], k[:, :2])
        inside = (depth > 0) & ((pixel >= 0) & (pixel < size[:, None])).all(axis=-1)
        return np.where(inside, 1 / np.maximum(away, 1e-12), 0.0)

    def _step(self, row: int) -> int:
        width = self._geometry.submaps[int(self._geometry.frame_poses.submap[row])].depth_size[0]
        return int(np.clip(width // _COARSE_WIDTH, 1, 4))

    def _load(self, row: int) -> View:
        places, step = self._geometry.frame_poses, self._step(row)
        submap = int(places.submap[row])
        depth, confidence = read_frame(self._run, submap, int(places.source_index[row]))
        known = (confidence > 0) & np.isfinite(depth)
        inverse = inverse_depth(np.where(known, depth * np.float32(places.scale[row]), np.float32(0)), step)
        k = self._geometry.submaps[submap].intrinsics[places.row[row]] / [[step], [step], [1]]
        pose = places.world_from_camera[row].astype(np.float32)
        return View(pose[:3, :3].T, pose[:3, 3], k.astype(np.float32), inverse)


def inverse_depth(depth: Float32, step: int) -> Float32:
    """[H // step, W // step, 3] of a depth map [H,W] (0 = unknown): see `View.inverse`."""
    height, width = (size // step for size in depth.shape)
    blocks: NDArray[np.float32] = depth[: height * step, : width * step].reshape(height, step, width, step)
    with np.errstate(divide="ignore", invalid="ignore"):
        blocks = np.float32(1) / blocks
        mean, nearest = blocks.mean(axis=(1, 3)), blocks.max(axis=(1, 3))
        (down, bend_down), (across, bend_across) = (_slope(mean, axis) for axis in (0, 1))
        within = (np.abs(down) + np.abs(across)) / 2 + _PLANE * mean
        plane = (bend_down < _PLANE * mean) & (bend_across < _PLANE * mean) & (nearest - mean < within)
    known = np.isfinite(mean)
    around = maximum_filter(np.where(known, nearest, np.float32(0)), 3, mode="nearest")
    found = np.stack([mean, across, down], axis=-1)
    found[~plane] = 0
    found[~plane, 0] = around[~plane]
    found[~known] = np.nan
    return found.astype(np.float32)


def _slope(values: NDArray[np.floating], axis: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Half the difference of the two neighbours on an axis, and how far their mean lies from the value itself."""
    padded = np.pad(values, [(1, 1) if k == axis else (0, 0) for k in range(2)], mode="edge")
    size = values.shape[axis]
    before, after = (np.take(padded, range(first, first + size), axis) for first in (0, 2))
    return (after - before) / 2, np.abs((after + before) / 2 - values)


def seen_from(view: View, xyz: Float32) -> Sequence[Float32]:
    """(x, y in blocks, depth, distance), each [M], of points of the world [M,3]; x and y mean nothing at depth <= 0."""
    moved = xyz - view.centre
    k = view.intrinsics
    across, down, depth = (moved[:, 0] * r[0] + moved[:, 1] * r[1] + moved[:, 2] * r[2] for r in view.camera_from_world)
    inverse = 1 / np.where(depth > 0, depth, np.float32(1))
    distance = np.sqrt(moved[:, 0] ** 2 + moved[:, 1] ** 2 + moved[:, 2] ** 2)
    return k[0, 0] * across * inverse + k[0, 2], k[1, 1] * down * inverse + k[1, 2], depth, distance
