"""The made-up street with a small Gaussian at every pixel of its true depth, and what a floater is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import pixel_centres, unproject
from da3_stream.types import Frame, Gaussians, WindowGeometry
from tests.worlds.street_predictor import StandIn

FLOATER = 0.4  # of the depth of its pixel
OPACITY = 0.8


class SplatStandIn(StandIn):
    """The truth with Gaussians. Every hundredth of one frame in seven floats before the surface."""

    gives_gaussians = True

    def __init__(self, stop_before: int | None = None, floats: bool = False) -> None:
        super().__init__()
        self._stop_before, self._floats, self.windows = stop_before, floats, 0

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `StandIn`."""
        if self.windows == self._stop_before:
            raise KeyboardInterrupt
        self.windows += 1
        geometry = super().predict(frames)
        each = tuple(self.of_row(geometry, row) for row in range(len(frames)))
        return replace(geometry, gaussians=each)

    def of_row(self, geometry: WindowGeometry, row: int) -> Gaussians[NDArray[Any]]:
        """One of every pixel, in the window's frame; of pixels without depth on the camera."""
        index = int(geometry.frame_indices[row])
        depth = geometry.depth[row].astype(np.float64)
        if self._floats and index % 7 == 3:
            depth.ravel()[::100] *= FLOATER
        k, pose = geometry.intrinsics[row], geometry.window_from_camera[row]
        points = unproject(pixel_centres(*depth.shape), depth, k).reshape(-1, 3) @ pose[:3, :3].T + pose[:3, 3]
        rng, count = np.random.default_rng(index), depth.size
        quaternions = rng.normal(size=(count, 4))
        return Gaussians(
            means=points.astype(np.float32),
            scales=np.repeat(depth.reshape(-1, 1) / k[0, 0], 3, 1).astype(np.float32),
            rotations=(quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).astype(np.float32),
            harmonics=rng.normal(scale=0.3, size=(count, 3, 9)).astype(np.float16),
            opacities=np.full(count, OPACITY, np.float32),
        )
