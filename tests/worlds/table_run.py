"""A short run round a ball on a table, of exact geometry: its world is the first camera, which looks down at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from da3_stream import pipeline
from da3_stream.geometry import intrinsics_matrix, pixel_centres
from da3_stream.settings import Settings
from da3_stream.types import Frame, WindowGeometry
from tests.worlds.table_top import orbit

FRAMES, DISTANCE, DOWN_DEG = 18, 2.0, 30.0
SIZE = (64, 48)
K = intrinsics_matrix(60.0, 60.0, 32.0, 24.0)
BALL, TABLE_Z = 0.3, -0.3  # its radius, about (0, 0, 0); the height of the table
CAMERAS = orbit(FRAMES, down_deg=DOWN_DEG, distance=DISTANCE)  # [N,4,4] from the table's axes, z up
WORLD_FROM_TABLE = np.linalg.inv(CAMERAS[0])


def depth_of(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth [H,W] of the ball and of the table to 1.5 from its middle, 0 beyond."""
    pixels = pixel_centres(SIZE[1], SIZE[0])
    rays = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], axis=-1) @ np.linalg.inv(K).T @ pose[:3, :3].T
    start = pose[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        table = (TABLE_Z - start[2]) / rays[..., 2]
        a, b = np.sum(rays**2, axis=-1), rays @ start
        ball = (-b - np.sqrt(b**2 - a * (start @ start - BALL**2))) / a
    hit = start + table[..., None] * rays
    table = np.where((table > 0) & (np.hypot(hit[..., 0], hit[..., 1]) < 1.5), table, np.inf)
    depth = np.minimum(table, np.where(np.isfinite(ball), ball, np.inf))
    return np.where(np.isfinite(depth), depth, 0.0)


class TableTruth:
    """Predicts the exact geometry."""

    name = "truth"
    image_side = SIZE[0]

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        poses = CAMERAS[[given.index for given in frames]]
        depth = np.stack([depth_of(pose) for pose in poses]).astype(np.float32)
        return WindowGeometry(
            frame_indices=np.array([given.index for given in frames]),
            images=np.stack([given.image for given in frames]),
            depth=depth,
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(K, (len(frames), 1, 1)),
            window_from_camera=np.linalg.inv(poses[0]) @ poses,
            is_metric=True,
        )


def run_round_the_table(out: Path) -> Path:
    """The run directory."""
    images = np.random.default_rng(0).integers(0, 256, (FRAMES, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    stages = {
        "windows": {"size": 12, "overlap": 6},
        "frames": {"gate": "off"},
        "loops": {"descriptor": "off"},
        "cloud": {"per_pixel": None, "voxel": 0.005, "fusion": "off"},
    }
    return pipeline.run(list(images), out, Settings.build(stages), TableTruth())
