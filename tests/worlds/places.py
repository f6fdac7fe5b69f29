"""Drives past places whose likeness is known, without pictures: poses, one depth, and made-up descriptors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from da3_stream.types import Status, WindowGeometry

DEPTH_M = 8.0
SIZE = (12, 16)  # height, width
Array = NDArray[np.float64]


def ring(length_m: float, step_m: float, laps: float) -> Array:
    """Poses [N,4,4] around a circle of that length, facing ahead."""
    angle = np.arange(0, laps * length_m, step_m) / length_m * 2 * np.pi
    radius = length_m / (2 * np.pi)
    poses = np.tile(np.eye(4), (len(angle), 1, 1))
    poses[:, 0, 3], poses[:, 2, 3] = radius * np.cos(angle), radius * np.sin(angle)
    forward = np.stack([-np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    down = np.tile([0.0, 1.0, 0.0], (len(angle), 1))
    poses[:, :3, :3] = np.stack([np.cross(down, forward), down, forward], axis=2)
    return poses


def looks(
    poses: Array, usual: float = 0.2, noise: float = 0.2, reach_m: float = 6.0, seed: int = 0
) -> NDArray[np.float32]:
    """Descriptors [N,512]: `usual` alike anywhere, and the more alike the nearer (a Gaussian of sigma `reach_m`; random
    features of Rahimi and Recht, NIPS 2007), with noise of its own for every frame."""
    rng = np.random.default_rng(seed)
    waves, phase = rng.normal(0, 1 / reach_m, (2, 510)), rng.uniform(0, 2 * np.pi, 510)
    there = np.cos(poses[:, :3, 3][:, [0, 2]] @ waves + phase) * np.sqrt(2 / 510)
    grain = rng.normal(0, noise / np.sqrt(510), there.shape)
    out = np.concatenate([np.full((len(poses), 2), np.sqrt(usual / 2)), np.sqrt(1 - usual) * (there + grain)], axis=1)
    return (out / np.linalg.norm(out, axis=1, keepdims=True)).astype(np.float32)


def windows_of(
    poses: Array, descriptors: NDArray[np.float32] | None = None, size: int = 60, overlap: int = 12
) -> list[WindowGeometry]:
    """The drive as windows of frames, each in a unit and a frame of its own."""
    starts = range(0, max(len(poses) - overlap, 1), size - overlap)
    return [_window(poses, descriptors, np.arange(start, min(start + size, len(poses)))) for start in starts]


def _window(poses: Array, descriptors: NDArray[np.float32] | None, frames: NDArray[np.int64]) -> WindowGeometry:
    unit = 1.0 + 0.1 * (frames[0] % 7)
    local = np.linalg.inv(poses[frames[0]]) @ poses[frames]
    local[:, :3, 3] /= unit
    rng = np.random.default_rng(int(frames[0]))
    return WindowGeometry(
        frame_indices=frames,
        images=rng.integers(0, 256, (len(frames), *SIZE, 3), dtype=np.uint8),
        depth=np.full((len(frames), *SIZE), DEPTH_M / unit, np.float32),
        confidence=np.ones((len(frames), *SIZE), np.float32),
        intrinsics=np.tile(np.diag([10.0, 10.0, 1.0]), (len(frames), 1, 1)),
        window_from_camera=local,
        is_metric=False,
        descriptors=None if descriptors is None else descriptors[frames],
        status=Status.OK,
    )


def stopped(poses: Array, at: int, frames: int) -> Array:
    """The same drive with a stop."""
    order: Sequence[int] = [*range(at), *[at] * frames, *range(at, len(poses))]
    return poses[list(order)]
