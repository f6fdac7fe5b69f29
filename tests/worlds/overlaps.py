"""Pairs of windows with a known similarity between them: random smooth depth seen along a curved drive."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.types import WindowGeometry

Array = NDArray[np.float64]
SIZE = (48, 96)  # rows, columns


@dataclass(frozen=True, eq=False)
class Pair:
    previous: WindowGeometry
    current: WindowGeometry
    truth: Sim3  # previous_from_current


def make_pair(
    seed: int = 0,
    frames: int = 12,
    scale: float = 0.7,
    depth_noise: float = 0.0,
    pose_noise: float = 0.0,
    size: tuple[int, int] = SIZE,
    speed: float = 1.0,
) -> Pair:
    """Two windows of `frames` + 4 frames that share `frames`; depth near 15, noise relative, per pixel."""
    rng = np.random.default_rng(seed)
    truth = Sim3(scale, Rotation.from_rotvec(rng.normal(0, 1, 3)).as_matrix(), rng.normal(0, 60, 3))
    count = frames + 8
    depth = np.stack([smooth_depth(rng, size) for _ in range(count)])
    poses = drive(count, speed)
    previous = window(np.arange(frames + 4), depth[: frames + 4], poses[: frames + 4], size)
    moved = [move(truth.inverse(), pose) for pose in poses[4 : frames + 8]]
    current = window(np.arange(4, frames + 8), depth[4 : frames + 8] / scale, np.stack(moved), size)
    return Pair(disturb(previous, rng, depth_noise, pose_noise), disturb(current, rng, depth_noise, pose_noise), truth)


def smooth_depth(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Depth [H,W] from about 4 to 60, smooth."""
    field = gaussian_filter(rng.normal(size=size), (size[0] / 6, size[1] / 10), mode="wrap")
    return 15 * np.exp(0.7 * field / field.std())


def drive(count: int, speed: float) -> Array:
    """world_from_camera [N,4,4] of a camera that drives forward in a bend."""
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("y", 0.02 * np.arange(count)[:, None]).as_matrix()
    poses[1:, :3, 3] = speed * np.cumsum(poses[:-1, :3, 2], axis=0)
    return poses


def move(b_from_a: Sim3, a_from_camera: Array) -> Array:
    """The rigid pose [4,4] in b of a camera in a."""
    pose = np.eye(4)
    pose[:3, :3] = b_from_a.rotation @ a_from_camera[:3, :3]
    pose[:3, 3] = b_from_a.apply(a_from_camera[:3, 3])
    return pose


def window(indices: NDArray[np.int64], depth: Array, poses: Array, size: tuple[int, int]) -> WindowGeometry:
    n, (h, w) = len(indices), size
    k = np.array([[0.6 * w, 0, w / 2], [0, 0.6 * w, h / 2], [0, 0, 1.0]])
    images = np.zeros((n, h, w, 3), np.uint8)
    return WindowGeometry(indices, images, depth, np.ones_like(depth), np.tile(k, (n, 1, 1)), poses, False)


def disturb(w: WindowGeometry, rng: np.random.Generator, depth_noise: float, pose_noise: float) -> WindowGeometry:
    """Log-normal noise on depth, and on poses an angle (rad) with ten times as many lengths on the centre."""
    poses = w.window_from_camera.copy()
    turns = Rotation.from_rotvec(rng.normal(0, pose_noise, (len(poses), 3))).as_matrix()
    poses[:, :3, :3] = turns @ poses[:, :3, :3]
    poses[:, :3, 3] += rng.normal(0, 10 * pose_noise, (len(poses), 3)) * np.median(w.depth) / 15
    return replace(w, depth=w.depth * np.exp(rng.normal(0, depth_noise, w.depth.shape)), window_from_camera=poses)


def in_units(w: WindowGeometry, factor: float) -> WindowGeometry:
    """The same window with its unit of length made `factor` times smaller."""
    poses = w.window_from_camera.copy()
    poses[:, :3, 3] *= factor
    return replace(w, depth=w.depth * factor, window_from_camera=poses)


def error(found: Sim3, truth: Sim3) -> Array:
    """Log of the error: rho, rotation vector, log-scale."""
    return (truth.inverse() @ found).log()
