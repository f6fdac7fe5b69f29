"""Points of made-up submaps."""

from __future__ import annotations

import numpy as np

from da3_stream.cloud import Points


def street_points(count: int, extent: float = 100.0, seed: int = 0, frames: int = 40) -> Points:
    """A hilly ground with two facades, so many metres long, in the order of its frames."""
    rng = np.random.default_rng(seed)
    x, y = extent * rng.random(count), extent * (rng.random(count) - 0.5)
    facade = rng.random(count) < 0.3
    height = np.where(facade, 0.1 * extent * rng.random(count), 0.01 * extent * np.sin(x / 7))
    y[facade] = 0.1 * extent * np.sign(y[facade])
    frame = np.sort(rng.integers(0, frames, count)) * 2 + 7
    return Points(
        np.stack([x, y, height], axis=-1).astype(np.float32),
        rng.integers(0, 256, (count, 3), dtype=np.uint8),
        frame.astype(np.int32),
        np.exp(rng.uniform(0, 6, count)).astype(np.float32),
        extent / 1000,
    )


def points_at(xyz: np.ndarray) -> Points:
    """Points of one frame at places [M,3], numbered by their colours."""
    number = np.arange(len(xyz))
    rgb = np.stack([number >> 16, number >> 8, number], axis=-1).astype(np.uint8)
    return Points(xyz.astype(np.float32), rgb, np.zeros(len(xyz), np.int32), np.ones(len(xyz), np.float32), 0.01)
