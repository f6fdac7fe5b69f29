"""Points of pages in the world, by where the frames lie now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..settings import CloudSettings
from ..store import RunGeometry
from ..types import Float32, Float64
from .points import Points


def world_voxel(geometry: RunGeometry, settings: CloudSettings) -> float:
    """Edge of a voxel in world units: `voxel_m` in a run in metres, else a share of the nodes' median depth."""
    if settings.voxel_m is not None and geometry.scene.units == "metres":
        return settings.voxel_m
    return settings.voxel * (geometry.median_depth() or geometry.scene.scale)


def points_in_world(points: Points, geometry: RunGeometry, submap: int) -> Points:
    """A page's points moved by their frames' places; points of frames without a place are left out."""
    places = geometry.frame_poses
    rows = np.flatnonzero((places.submap == submap) & places.has_pose)
    which, found = positions(places.source_index[rows], points.frame)
    if not found.all():
        points, which = points.take(found), which[found]
    matrices = moves(geometry, rows)
    normal = None if points.normal is None else _turned(points.normal, matrices, which)
    xyz = moved(points.xyz, matrices, which)
    return Points(xyz, points.rgb, points.frame, points.confidence, points.voxel, normal)


def distances(points: Points, geometry: RunGeometry) -> Float32:
    """[M] from each placed point in the world to its own frame's camera."""
    places = geometry.frame_poses
    rows = np.searchsorted(places.source_index, points.frame)
    centres = places.world_from_camera[:, :3, 3].astype(np.float32)[rows]
    return np.sqrt(np.sum((points.xyz - centres) ** 2, axis=1))


def positions(ascending: NDArray[np.int64], wanted: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where in an ascending array each of the wanted [M] stands, and whether it is there at all."""
    if not len(ascending):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return place, ascending[place] == wanted


def moves(geometry: RunGeometry, rows: NDArray[np.int64]) -> Float64:
    """[K,3,4] for rows of `places`: the owner's frame in the world as that frame sees it, equal to the node's place
    but where it slides."""
    if not len(rows):
        return np.zeros((0, 3, 4))
    places = geometry.frame_poses
    pose = np.empty((len(rows), 3, 4))
    for submap, mine in places.by_submap(rows):
        pose[mine] = geometry.submaps[submap].window_from_camera[places.row[rows[mine]], :3]
    world = places.world_from_camera[rows]
    turn = places.scale[rows, None, None] * np.einsum("kij,klj->kil", world[:, :3, :3], pose[:, :3, :3])
    shift = world[:, :3, 3] - np.einsum("kij,kj->ki", turn, pose[:, :3, 3])
    return np.concatenate([turn, shift[..., None]], axis=2)


def moved(xyz: Float32, matrices: Float64, which: NDArray[np.int64]) -> Float32:
    """Points [M,3], each by its matrix of [K,3,4]."""
    found = np.empty((len(xyz), 3), np.float32)
    for axis in range(3):
        a, b, c, shift = matrices[:, axis].T
        found[:, axis] = a[which] * xyz[:, 0] + b[which] * xyz[:, 1] + c[which] * xyz[:, 2] + shift[which]
    return found


def _turned(normal: Float32, matrices: Float64, which: NDArray[np.int64]) -> Float32:
    turns = matrices[:, :, :3] / np.linalg.norm(matrices[:, :1, :3], axis=2, keepdims=True)  # without the scale
    return moved(normal, np.concatenate([turns, np.zeros((len(turns), 3, 1))], axis=2), which)
