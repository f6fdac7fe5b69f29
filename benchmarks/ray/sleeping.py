"""A predictor that takes its time for a camera that drives along a wall, wherever it is sent to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from da3_stream.geometry import intrinsics_matrix
from da3_stream.types import Frame, WindowGeometry


@dataclass
class Sleeping:
    """Sleeps for so long over a window, and gives maps of (width, height) `size`."""

    seconds: float
    size: tuple[int, int] = (32, 24)
    name: str = "sleeping"

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """The same depth for every frame, a little further on."""
        time.sleep(self.seconds)
        count, (width, height) = len(frames), self.size
        poses = np.tile(np.eye(4), (count, 1, 1))
        poses[:, 0, 3] = 0.1 * np.arange(count)
        return WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames]),
            images=np.stack([cv2.resize(frame.image, self.size, interpolation=cv2.INTER_AREA) for frame in frames]),
            depth=np.tile(np.linspace(4, 5, width, dtype=np.float32), (count, height, 1)),
            confidence=np.ones((count, height, width), np.float32),
            intrinsics=np.tile(intrinsics_matrix(30.0, 30.0, width / 2, height / 2), (count, 1, 1)),
            window_from_camera=poses,
            is_metric=False,
        )
