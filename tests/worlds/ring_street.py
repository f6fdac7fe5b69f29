"""A ring street driven round twice: exact and cheap to draw, so that whole runs with loops cost seconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import intrinsics_matrix, pixel_centres
from da3_stream.types import Frame, UInt8, WindowGeometry

SIZE = (96, 72)  # width, height
STEP, RADIUS = 0.7, 10.0  # metres between frames, and of the circle that the camera drives
WALLS, HEIGHT = (6.0, 14.0), 1.5  # radii of the houses' fronts, and of the camera over the road
FRAMES = 138  # 7 windows, a lap and a half
TEXELS = 5.0  # a metre
DRIFT = 0.02  # by which the scale bends over a window


def world_from_camera(frame: int) -> NDArray[np.float64]:
    """True pose of a frame."""
    angle = frame * STEP / RADIUS
    cos, sin = np.cos(angle), np.sin(angle)
    pose = np.eye(4)
    pose[:3, :3] = [[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]
    pose[:3, 3] = [RADIUS * cos, 0, RADIUS * sin]
    return pose


def intrinsics() -> NDArray[np.float64]:
    return intrinsics_matrix(70.0, 70.0, SIZE[0] / 2, SIZE[1] / 2)


@cache
def shown(frame: int) -> tuple[UInt8, NDArray[np.float32]]:
    """Picture [H,W,3] and depth [H,W] of a frame."""
    pose = world_from_camera(frame)
    pixels = pixel_centres(SIZE[1], SIZE[0])
    rays = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], axis=-1) @ np.linalg.inv(intrinsics()).T
    rays = rays @ pose[:3, :3].T
    depths = np.stack([_to_wall(pose, rays, WALLS[0], -1), _to_wall(pose, rays, WALLS[1], 1), _to_ground(rays)])
    surface, depth = depths.argmin(axis=0), depths.min(axis=0)
    return _texture()[_texels(surface, pose[:3, 3] + depth[..., None] * rays)], depth.astype(np.float32)


def pictures(count: int = FRAMES) -> list[UInt8]:
    return [shown(frame)[0] for frame in range(count)]


class RingPredictor:
    """The truth, in another unit and a bent scale for every window; without the bend where it looks at two places."""

    name, window_size, window_overlap, image_side = "ring", 24, 6, SIZE[0]

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        bend = np.exp(DRIFT * np.arange(len(frames)) / (self.window_size - self.window_overlap))
        return self._bent(frames, bend)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        return self._bent([*first, *second], np.ones(len(first) + len(second)))

    def _bent(self, frames: Sequence[Frame], bend: NDArray[np.float64]) -> WindowGeometry:
        indices = np.array([frame.index for frame in frames])
        poses = np.stack([world_from_camera(frame) for frame in indices.tolist()])
        depth = np.stack([shown(frame)[1] for frame in indices.tolist()])
        poses[1:, :3, 3] = poses[0, :3, 3] + np.cumsum(np.diff(poses[:, :3, 3], axis=0) * bend[1:, None], axis=0)
        unit = 1.0 + 0.1 * (indices[0] % 7)
        window_from_camera = np.linalg.inv(poses[0]) @ poses
        window_from_camera[:, :3, 3] /= unit
        return WindowGeometry(
            frame_indices=indices,
            images=np.stack([frame.image for frame in frames]),
            depth=(depth * bend[:, None, None] / unit).astype(np.float32),
            confidence=np.ones(depth.shape, np.float32),
            intrinsics=np.tile(intrinsics(), (len(indices), 1, 1)),
            window_from_camera=window_from_camera,
            is_metric=False,
        )


def _to_wall(pose: NDArray[np.float64], rays: NDArray[np.float64], radius: float, side: int) -> NDArray[np.float64]:
    """Depth of a cylinder about the y axis, met from outside (side -1) or inside (1); infinite where it is missed."""
    (x, z), (dx, dz) = pose[[0, 2], 3], np.moveaxis(rays[..., [0, 2]], -1, 0)
    square, half, rest = dx * dx + dz * dz, x * dx + z * dz, x * x + z * z - radius * radius
    under = half * half - square * rest
    depth = (-half + side * np.sqrt(np.maximum(under, 0))) / square
    return np.where((under >= 0) & (depth > 0), depth, np.inf)


def _to_ground(rays: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(rays[..., 1] > 0, HEIGHT / np.maximum(rays[..., 1], 1e-9), np.inf)


def _texels(surface: NDArray[np.int64], points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x, y, z = np.moveaxis(points, -1, 0)
    along = np.arctan2(z, x) % (2 * np.pi) * np.array([*WALLS, 0])[surface]
    u, v = np.where(surface == 2, x, along), np.where(surface == 2, z, y)
    size = len(_texture())
    return (np.floor(v * TEXELS + 97 * surface) % size).astype(int), (np.floor(u * TEXELS) % size).astype(int)


@cache
def _texture() -> UInt8:
    """Noise of several grains [S,S,3]."""
    rng, size = np.random.default_rng(0), 512
    grains = [cv2.resize(rng.normal(size=(size >> k, size >> k, 3)), (size, size)) * 2.0 ** (k / 2) for k in range(5)]
    return np.clip(128 + 30 * np.sum(grains, axis=0), 0, 255).astype(np.uint8)
