"""From the frames of submaps to the world, by the poses that the frames have now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..settings import CloudSettings
from ..store import RunGeometry
from ..types import Float32, Float64
from .points import Points


def world_voxel(geometry: RunGeometry, settings: CloudSettings) -> float:
    """Edge of a voxel in world units: `voxel_m` in a run in metres, else a share of the median depth."""
    if settings.voxel_m is not None and geometry.scene.units == "metres":
        return settings.voxel_m
    return settings.voxel * (geometry.median_depth() or geometry.scene.scale)


def points_in_world(points: Points, geometry: RunGeometry, submap: int) -> Points:
    """A page's points in the world, each by the pose of its own frame; points of frames without a pose are left out."""
    poses = geometry.frame_poses
    rows = np.flatnonzero((poses.submap == submap) & poses.has_pose)
    which, posed = find_sorted(poses.source_index[rows], points.frame)
    if not posed.all():
        points, which = points.take(posed), which[posed]
    matrices = submap_transforms(geometry, rows)
    normal = None if points.normal is None else _rotate_normals(points.normal, matrices, which)
    xyz = transform_points(points.xyz, matrices, which)
    return Points(xyz, points.rgb, points.frame, points.confidence, points.voxel, normal)


def camera_distances(points: Points, geometry: RunGeometry) -> Float32:
    """Distance [M] from each point in the world to the camera of its own frame."""
    poses = geometry.frame_poses
    rows = np.searchsorted(poses.source_index, points.frame)
    centres = poses.world_from_camera[:, :3, 3].astype(np.float32)[rows]
    return np.sqrt(np.sum((points.xyz - centres) ** 2, axis=1))


def find_sorted(ascending: NDArray[np.int64], wanted: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The position [M] of each wanted value [M] in an ascending array, and whether it is there at all."""
    if not len(ascending):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    position = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return position, ascending[position] == wanted


def submap_transforms(geometry: RunGeometry, rows: NDArray[np.int64]) -> Float64:
    """world_from_submap [K,3,4] by the poses of single frames, given as rows of `frame_poses`.

    Equal to the submap's own pose except where a frame's pose is blended with that of the neighbouring submap.
    """
    if not len(rows):
        return np.zeros((0, 3, 4))
    poses = geometry.frame_poses
    pose = np.empty((len(rows), 3, 4))
    for submap, members in poses.by_submap(rows):
        pose[members] = geometry.submaps[submap].window_from_camera[poses.row[rows[members]], :3]
    world = poses.world_from_camera[rows]
    scaled_rotation = poses.scale[rows, None, None] * np.einsum("kij,klj->kil", world[:, :3, :3], pose[:, :3, :3])
    translation = world[:, :3, 3] - np.einsum("kij,kj->ki", scaled_rotation, pose[:, :3, 3])
    return np.concatenate([scaled_rotation, translation[..., None]], axis=2)


def transform_points(xyz: Float32, matrices: Float64, which: NDArray[np.int64]) -> Float32:
    """Points [M,3], each transformed by its matrix: row `which` [M] of `matrices` [K,3,4]."""
    transformed = np.empty((len(xyz), 3), np.float32)
    for axis in range(3):
        a, b, c, shift = matrices[:, axis].T
        transformed[:, axis] = a[which] * xyz[:, 0] + b[which] * xyz[:, 1] + c[which] * xyz[:, 2] + shift[which]
    return transformed


def _rotate_normals(normal: Float32, matrices: Float64, which: NDArray[np.int64]) -> Float32:
    """Normals [M,3], each rotated by its matrix of a similarity."""
    rotations = matrices[:, :, :3] / np.linalg.norm(matrices[:, :1, :3], axis=2, keepdims=True)  # without the scale
    return transform_points(normal, np.concatenate([rotations, np.zeros((len(rotations), 3, 1))], axis=2), which)
