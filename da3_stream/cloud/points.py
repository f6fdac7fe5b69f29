"""The points of a submap: which pixels of a window's depth become points, in the window's own frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..settings import CloudSettings
from ..types import Float32, UInt8, WindowGeometry
from .normals import depth_normals
from .voxels import best_per_key, voxel_keys

_CANDIDATES = 8  # pixels a point that a page may hold: with more, only every second one of each row and column is seen
_CORNERS = ((0, 0), (1, 1), (0, 1), (1, 0))  # of the squares of 2 x 2 pixels, in turn from frame to frame
_COARSER = 2**0.125  # the least factor by which a voxel grows while a page has too many points


Lattice = tuple[slice, slice]  # rows and columns of an image


@dataclass(frozen=True, eq=False)
class Points:
    """M coloured points, each with its frame, and the voxel edge within which no two of them lie together."""

    xyz: Float32  # [M,3]
    rgb: UInt8  # [M,3]
    frame: NDArray[np.int32]  # [M] source index
    confidence: Float32  # [M]
    voxel: float  # in the units of xyz
    normal: Float32 | None = None  # [M,3] unit length, towards the camera; (0, 0, 0) where unknown

    def __len__(self) -> int:
        return len(self.xyz)

    def take(self, keep: NDArray[np.int64] | NDArray[np.bool_]) -> Points:
        """The points of the given rows, or of a mask [M]."""
        normal = None if self.normal is None else self.normal[keep]
        return Points(self.xyz[keep], self.rgb[keep], self.frame[keep], self.confidence[keep], self.voxel, normal)

    @staticmethod
    def empty(voxel: float, *, normals: bool = False) -> Points:
        """No points: those of a window without depth."""
        xyz, empty = np.zeros((0, 3), np.float32), np.zeros(0, np.float32)
        return Points(xyz, np.zeros((0, 3), np.uint8), np.zeros(0, np.int32), empty, voxel, xyz if normals else None)

    @staticmethod
    def concatenate(parts: Sequence[Points]) -> Points:
        """All points, one set after the other; all have the voxel of the first, and either all or none have normals."""
        normals = [part.normal for part in parts if part.normal is not None]
        return Points(
            np.concatenate([part.xyz for part in parts]),
            np.concatenate([part.rgb for part in parts]),
            np.concatenate([part.frame for part in parts]),
            np.concatenate([part.confidence for part in parts]),
            parts[0].voxel,
            np.concatenate(normals) if normals else None,
        )


def window_points(
    geometry: WindowGeometry,
    owned: NDArray[np.bool_],
    settings: CloudSettings,
    metres_per_unit: float | None = None,
) -> Points:
    """The points of the owned frames [N], in the window's frame, ordered by frame and pixel.

    Left out: pixels without depth or confidence, sky, the least confident share, depth edges, and all but the
    best-seen point of each voxel: the one of most confidence per distance from its camera. The voxel's edge is a share
    of the window's median depth, or `settings.voxel_m` where metres_per_unit is known. Where a page may hold few points
    beside its pixels, a quarter of the pixels stand for all, in every frame others: what is one pixel wide in one frame
    is met in the next.
    """
    rows = np.flatnonzero(owned & geometry.has_camera).tolist()
    limit = _max_points(len(rows) * math.prod(geometry.depth.shape[1:]), settings, metres_per_unit)
    lattices = _lattices(geometry, rows, limit)
    valid = [_valid_pixels(geometry, row, lattice) for row, lattice in zip(rows, lattices, strict=True)]
    depth, confidence = (_of_pixels(values, rows, lattices, valid) for values in (geometry.depth, geometry.confidence))
    voxel = _voxel_edge(depth, settings, metres_per_unit)
    threshold = _confidence_threshold(confidence, settings.min_confidence)
    frames, scores = [Points.empty(voxel, normals=settings.normals)], [np.zeros(0, np.float32)]
    for row, lattice, usable in zip(rows, lattices, valid, strict=True):
        sure = usable & (geometry.confidence[row][lattice] >= threshold)
        keep = sure & ~depth_edges(geometry.depth[row], settings.max_depth_step)[lattice]
        points, score = _frame_points(geometry, row, lattice, keep, voxel, settings.normals)
        best = _best_per_voxel(points, score)
        frames.append(points.take(best))
        scores.append(score[best])
    points, score = Points.concatenate(frames), np.concatenate(scores)
    best = _best_per_voxel(points, score)
    while len(best) > limit:
        coarser = max(_COARSER, 0.9 * math.sqrt(len(best) / limit))  # surfaces: half the edge, four times the points
        points, score = replace(points.take(best), voxel=points.voxel * coarser), score[best]
        best = _best_per_voxel(points, score)
    return points.take(best)


def depth_edges(depth: Float32, max_step: float) -> NDArray[np.bool_]:
    """Pixels [H,W] whose depth differs from a valid 4-neighbour's by more than max_step times the smaller one.

    Between a near and a far surface lie pixels that belong to neither and would fly in the cloud.
    """
    edges = np.zeros(depth.shape, np.bool_)
    for d, e in ((depth, edges), (depth.T, edges.T)):
        near, far = np.minimum(d[:-1], d[1:]), np.maximum(d[:-1], d[1:])
        step = (near > 0) & (far - near > max_step * near)
        e[:-1] |= step
        e[1:] |= step
    return edges


def _lattices(geometry: WindowGeometry, rows: Sequence[int], limit: float) -> list[Lattice]:
    """Which pixels of each row are seen: all of them, or where that is plenty for `limit` points one of 2 x 2."""
    pixels = len(rows) * math.prod(geometry.depth.shape[1:])
    if pixels < 4 * _CANDIDATES * limit:
        return [(slice(None), slice(None))] * len(rows)
    corners = (_CORNERS[int(geometry.frame_indices[row]) % len(_CORNERS)] for row in rows)
    return [(slice(y, None, 2), slice(x, None, 2)) for y, x in corners]


def _valid_pixels(geometry: WindowGeometry, row: int, lattice: Lattice) -> NDArray[np.bool_]:
    """Pixels of a frame's lattice [h,w] that have depth and confidence and are not sky."""
    depth, confidence = geometry.depth[row][lattice], geometry.confidence[row][lattice]
    valid = np.isfinite(depth) & (depth > 0) & np.isfinite(confidence) & (confidence > 0)
    return valid if geometry.sky is None else valid & ~geometry.sky[row][lattice]


def _of_pixels(
    values: Float32, rows: Sequence[int], lattices: Sequence[Lattice], valid: Sequence[NDArray[np.bool_]]
) -> Float32:
    """The values [P] of the valid pixels of all rows."""
    parts = [values[row][lattice][of] for row, lattice, of in zip(rows, lattices, valid, strict=True)]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _max_points(pixels: int, settings: CloudSettings, metres_per_unit: float | None) -> float:
    """How many points a page may hold; a voxel in metres is kept to the letter."""
    if settings.per_pixel is None or (settings.voxel_m is not None and metres_per_unit is not None):
        return math.inf
    return max(1.0, settings.per_pixel * pixels)


def _voxel_edge(depth: Float32, settings: CloudSettings, metres_per_unit: float | None) -> float:
    """Edge of a voxel in the window's units, by the depths [P] of its valid pixels."""
    if settings.voxel_m is not None and metres_per_unit is not None:
        return settings.voxel_m / metres_per_unit
    return settings.voxel * (float(np.median(depth)) if depth.size else 1.0)


def _confidence_threshold(confidence: Float32, share: float) -> float:
    """The confidence below which `share` of the pixels lie."""
    return float(np.quantile(confidence, share, method="lower")) if confidence.size else 0.0


def _frame_points(
    geometry: WindowGeometry, row: int, lattice: Lattice, keep: NDArray[np.bool_], voxel: float, normals: bool
) -> tuple[Points, Float32]:
    """The points of a frame's kept pixels [h,w] of its lattice, in row-major order, and how well each is seen [M]:
    confidence per depth."""
    height, width = geometry.depth.shape[1:]
    line, column = np.nonzero(keep)
    v, u = np.arange(height)[lattice[0]][line] + 0.5, np.arange(width)[lattice[1]][column] + 0.5
    depth, confidence = (values[row][lattice][keep] for values in (geometry.depth, geometry.confidence))
    pose, k_inv = geometry.window_from_camera[row], np.linalg.inv(geometry.intrinsics[row])
    xyz = np.empty((len(u), 3), np.float32)
    for axis, (by_u, by_v, constant) in enumerate(pose[:3, :3] @ k_inv):
        xyz[:, axis] = (by_u * u + by_v * v + constant) * depth + pose[axis, 3]
    frame = np.full(len(xyz), geometry.frame_indices[row], np.int32)
    normal = None
    if normals:
        of_pixels = depth_normals(geometry.depth[row], k_inv)[lattice][keep]
        normal = np.einsum("ij,mj->mi", pose[:3, :3], of_pixels).astype(np.float32)  # not @, as bits depend on BLAS
    return Points(xyz, geometry.images[row][lattice][keep], frame, confidence, voxel, normal), confidence / depth


def _best_per_voxel(points: Points, score: Float32) -> NDArray[np.int64]:
    """The best-seen point of each voxel, in the order of the points."""
    return np.sort(best_per_key(voxel_keys(points.xyz, points.voxel), score))
