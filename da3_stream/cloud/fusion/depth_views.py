"""Depth maps as views of the cloud: which frames see a piece of it from nearby, and how far they see there.

A view's depth is kept coarse, as inverse depth, which is linear over a plane in the image: each block of pixels has
its mean and its slopes. Where a block and its neighbours are no plane, at an edge or around a thin object, the nearest
depth in any of them stands for the block: a thin object is widened by as much as a view's pose may be wrong. A block
with a pixel of unknown depth is unknown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from ...store import RunGeometry
from ...types import Float32, Float64

_COARSE_WIDTH = 96  # blocks have at most 4x4 pixels, and fewer where the coarse map would be narrower than this
_CELL = 0.1  # edge of the cells in which cameras are thinned, in median depths
_PER_CELL = 4  # cameras kept for each cell and direction
_CANDIDATES = 128  # nearest cameras among which views are chosen
_MAX_MAPS = 256  # maps held in memory, of some 150 kB
_PLANE = 0.02  # relative deviation of inverse depth from a plane that still counts as one


@dataclass(frozen=True, eq=False)
class DepthView:
    """The depth that a frame sees, in world units, over blocks of pixels."""

    blocks_from_world: Float32  # [3,3]: intrinsics in blocks times the rotation
    centre: Float32  # [3] in the world
    inverse_depth: Float32  # [h,w,3] inverse depth at a block's middle, and its slopes along x and y; NaN where unknown


class FrameDepths(Protocol):
    """Where depth maps are read: the submaps of a run (`store.OpenSubmaps`), or one in memory."""

    def frame(self, submap: int, source_index: int) -> tuple[Float32, Float32]:
        """(depth, confidence) [H,W] of a frame that the submap owns."""
        ...


class DepthViews:
    """The depth views of a run's frames; memory is bounded, whatever the length of the run."""

    def __init__(self, submaps: FrameDepths, geometry: RunGeometry) -> None:
        self._submaps, self._geometry = submaps, geometry
        poses = geometry.frame_poses
        self._posed_rows = np.flatnonzero(poses.has_pose)
        self._centres = poses.world_from_camera[self._posed_rows, :3, 3]
        self._thinned = self._thinned_cameras()
        self._projections, self._sizes = self._project_thinned()
        self._tree = cKDTree(self._centres[self._thinned]) if len(self._thinned) else None
        self._maps: OrderedDict[int, DepthView] = OrderedDict()

    def choose(self, xyz: Float32, count: int) -> list[int]:
        """Rows of `frame_poses` of the at most `count` views that together see best the points [S,3] of a small piece.

        Greedy: each time the view that is nearest to most points inside its image is added; a point counts the less
        the more chosen views see it, and a view the less the more views of its submap are chosen.
        """
        if self._tree is None or not len(xyz):
            return []
        candidates = min(_CANDIDATES, len(self._thinned))
        near = np.sort(np.atleast_1d(self._tree.query(np.median(xyz, axis=0), k=candidates)[1]))
        rows = self._posed_rows[self._thinned[near]]
        proximity, submaps = self._proximity(near, xyz), self._geometry.frame_poses.submap[rows]
        chosen: list[int] = []
        seen = np.zeros(len(xyz))
        for _ in range(min(count, len(rows))):
            gain = proximity @ (1 / (1 + seen))
            best = int(np.argmax(gain))
            if gain[best] <= 0:
                break
            chosen.append(int(rows[best]))
            seen += proximity[best] > 0
            proximity[submaps == submaps[best]] /= 2
            proximity[best] = 0
        return sorted(chosen)

    def view(self, row: int) -> DepthView:
        """The depth view of a row of `frame_poses`. Raises StoreError if its submap's file is absent or damaged."""
        if row not in self._maps:
            self._maps[row] = self._load(row)
            if len(self._maps) > _MAX_MAPS:
                self._maps.popitem(last=False)
        self._maps.move_to_end(row)
        return self._maps[row]

    def _thinned_cameras(self) -> NDArray[np.int64]:
        """Indices of cameras, few of which look in the same direction from the same cell, spread over time."""
        depth = self._geometry.median_depth()
        if not len(self._centres) or depth <= 0:
            return np.zeros(0, np.int64)
        cells = np.floor(self._centres / (_CELL * depth))
        axes = self._geometry.frame_poses.world_from_camera[self._posed_rows, :3, 2]
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

    def _proximity(self, near: NDArray[np.int64], xyz: Float32) -> Float64:
        """[C,S] 1 / distance from thinned cameras to each point inside their images; 0 for points outside."""
        points = np.column_stack([xyz, np.ones(len(xyz))])
        x, y, depth = np.moveaxis((self._projections[near].reshape(-1, 4) @ points.T).reshape(len(near), 3, -1), 1, 0)
        width, height = self._sizes[near].T[:, :, None]
        inside = (depth > 0) & (x >= 0) & (x < width * depth) & (y >= 0) & (y < height * depth)
        offset = xyz - self._centres[self._thinned[near]][:, None]
        distance = np.sqrt(np.einsum("csi,csi->cs", offset, offset))
        return np.where(inside, 1 / np.maximum(distance, 1e-12), 0.0)

    def _project_thinned(self) -> tuple[Float64, Float64]:
        """Of the thinned cameras: projections [T,3,4] from the world into pixels, and (width, height) [T,2]."""
        poses, rows = self._geometry.frame_poses, self._posed_rows[self._thinned]
        submaps = [self._geometry.submaps[submap] for submap in poses.submap[rows].tolist()]
        pairs = zip(submaps, poses.row[rows].tolist(), strict=True)
        k = np.array([submap.intrinsics[row] for submap, row in pairs]).reshape(-1, 3, 3)
        rotated = k @ np.swapaxes(poses.world_from_camera[rows, :3, :3], 1, 2)
        shift = -rotated @ self._centres[self._thinned][:, :, None]
        return np.concatenate([rotated, shift], axis=2), np.array([s.depth_size for s in submaps]).reshape(-1, 2)

    def _block_size(self, row: int) -> int:
        """Pixels on a side of a block, for a row of `frame_poses`."""
        width = self._geometry.submaps[int(self._geometry.frame_poses.submap[row])].depth_size[0]
        return int(np.clip(width // _COARSE_WIDTH, 1, 4))

    def _load(self, row: int) -> DepthView:
        poses, step = self._geometry.frame_poses, self._block_size(row)
        submap = int(poses.submap[row])
        depth, confidence = self._submaps.frame(submap, int(poses.source_index[row]))
        known = (confidence > 0) & np.isfinite(depth)
        inverse = inverse_depth_blocks(np.where(known, depth * np.float32(poses.scale[row]), np.float32(0)), step)
        k = self._geometry.submaps[submap].intrinsics[poses.row[row]] / [[step], [step], [1]]
        pose = poses.world_from_camera[row]
        return DepthView((k @ pose[:3, :3].T).astype(np.float32), pose[:3, 3].astype(np.float32), inverse)


def inverse_depth_blocks(depth: Float32, step: int) -> Float32:
    """`DepthView.inverse_depth` [H // step, W // step, 3] of a depth map [H,W] (0 = unknown)."""
    height, width = (size // step for size in depth.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.float32(1) / depth[: height * step, : width * step]
        lines = inverse.reshape(height, step, -1)  # whole lines first: those lie together in memory
        mean = lines.sum(axis=1).reshape(height, width, step).sum(axis=2) / np.float32(step * step)
        nearest = lines.max(axis=1).reshape(height, width, step).max(axis=2)
        (down, bend_down), (across, bend_across) = (_slope(mean, axis) for axis in (0, 1))
        within = (np.abs(down) + np.abs(across)) / 2 + _PLANE * mean
        plane = (bend_down < _PLANE * mean) & (bend_across < _PLANE * mean) & (nearest - mean < within)
    known = np.isfinite(mean)
    around = maximum_filter(np.where(known, nearest, np.float32(0)), 3, mode="nearest")
    planes = np.stack([mean, across, down], axis=-1)
    planes[~plane] = 0
    planes[~plane, 0] = around[~plane]
    planes[~known] = np.nan
    return planes.astype(np.float32)


def _slope(values: NDArray[np.floating], axis: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Half the difference of the two neighbours on an axis, and how far their mean lies from the value itself."""
    padded = np.pad(values, [(1, 1) if k == axis else (0, 0) for k in range(2)], mode="edge")
    size = values.shape[axis]
    before, after = (np.take(padded, range(first, first + size), axis) for first in (0, 2))
    return (after - before) / 2, np.abs((after + before) / 2 - values)


def project_to_view(view: DepthView, xyz: Float32) -> Sequence[Float32]:
    """(x, y in blocks, depth, distance), each [M], of points of the world [M,3]; x and y mean nothing at depth <= 0."""
    offset = xyz - view.centre
    x, y, depth = view.blocks_from_world @ offset.T
    inverse = 1 / np.where(depth > 0, depth, np.float32(1))
    return x * inverse, y * inverse, depth, np.sqrt(np.einsum("mi,mi->m", offset, offset))
