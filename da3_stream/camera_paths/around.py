"""Paths that begin and end at one camera: a small loop, a dolly zoom, a circle around what it looks at."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..types import Float64
from .path import CameraPath

WANDER_SHIFT = 24 / 504  # of the picture's width: how far a point at the median depth goes to either side
DOLLY_WAY = 0.3  # of the median depth: how far the camera goes back
_SAMPLES = 4096  # of a loop, to measure it


def wander(camera: CameraPath, count: int, median_depth: float, shift: float = WANDER_SHIFT) -> CameraPath:
    """A loop at constant speed that looks the same way: to the sides, a third as far down and ahead.

    `shift` is how far points at the median depth move in the picture, in widths of it.
    """
    radius = shift * camera.size[0] * median_depth / camera.intrinsics[0, 0, 0]
    return _beside(camera, radius * _loop(count))


def dolly_zoom(camera: CameraPath, count: int, median_depth: float, way: float = DOLLY_WAY) -> CameraPath:
    """Back by `way` median depths and there again, zooming such that what is at the median depth keeps its size.

    The focal length grows as the distance; the principal point stays. It starts and stops gently.
    """
    back = way * median_depth * (1 - np.cos(np.linspace(0, 2 * np.pi, count))) / 2
    moved = _beside(camera, np.stack([0 * back, 0 * back, -back], axis=1))
    zoomed = moved.intrinsics.copy()
    zoomed[:, :2, :2] *= (1 + back / median_depth)[:, None, None]
    return CameraPath(moved.world_from_camera, zoomed, camera.size)


def orbit(camera: CameraPath, count: int, median_depth: float, up: Float64, degrees: float) -> CameraPath:
    """Around the point at the median depth in the middle of the view, about the axis `up` [3] of the world.

    A full circle (360) at constant speed, or of less a swing from side to side that stops gently.
    """
    rounds = np.linspace(0, 2 * np.pi, count)
    angles = rounds if degrees >= 360 else np.radians(degrees) / 2 * np.sin(rounds)
    pose = camera.world_from_camera[0]
    pivot = pose[:3, 3] + median_depth * pose[:3, 2]
    turns = Rotation.from_rotvec(angles[:, None] * (up / np.linalg.norm(up))).as_matrix()
    many = camera.rows(np.zeros(count, np.int64))
    return many.moved(turns @ pose[:3, :3], pivot + turns @ (pose[:3, 3] - pivot))


def _loop(count: int) -> Float64:
    """Offsets [count,3] from (0,0,0) to (0,0,0) of a loop of radius 1, in equal steps."""
    dense = np.linspace(0, 2 * np.pi, _SAMPLES)
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(_on_loop(dense), axis=0), axis=1))])
    return _on_loop(np.interp(np.linspace(0, way[-1], count), way, dense))


def _on_loop(angle: Float64) -> Float64:
    rise = (1 - np.cos(angle)) / 3
    return np.stack([-np.sin(angle), rise, rise], axis=-1)


def _beside(camera: CameraPath, offsets: Float64) -> CameraPath:
    """The camera moved by offsets [count,3] along its own axes."""
    many = camera.rows(np.zeros(len(offsets), np.int64))
    return many.moved(many.rotations, many.centres + offsets @ camera.rotations[0].T)
