"""Windows of the synthetic town with exact poses and depth."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from da3_stream.synthetic import Town
from da3_stream.types import WindowGeometry


def window_of(town: Town, rows: Iterable[int]) -> WindowGeometry:
    """These frames of the town as a metric window in the first one's axes."""
    frames = [town.frame(row) for row in rows]
    poses = np.stack([frame.world_from_camera for frame in frames])
    depth = np.stack([frame.depth for frame in frames])
    return WindowGeometry(
        frame_indices=np.arange(len(frames)),
        images=np.stack([frame.image for frame in frames]),
        depth=depth,
        confidence=(depth > 0).astype(np.float32),
        intrinsics=np.stack([frame.intrinsics for frame in frames]),
        window_from_camera=np.linalg.inv(poses[0]) @ poses,
        is_metric=True,
    )


def height_of(town: Town, rows: Iterable[int]) -> float:
    """The camera's true height over the road in metres, the mean over frames."""
    return float(np.mean([town.path.world_from_camera[row, 2, 3] for row in rows]))
