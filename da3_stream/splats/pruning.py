"""Which Gaussians of a frame are kept, by what its own maps say of the place where each is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cloud.points import depth_edges
from ..settings import Settings
from ..types import Float64, Gaussians, WindowGeometry


@dataclass(frozen=True, eq=False)
class FramePruning:
    """The pixels [H,W] of a frame in which Gaussians are kept, its K [3,3], and the least opacity."""

    usable: NDArray[np.bool_]
    k: Float64
    least_opacity: float

    @staticmethod
    def of(geometry: WindowGeometry, row: int, settings: Settings, least_confidence: float) -> FramePruning:
        """A row of a window: without its border, edges of depth, sky, what has no depth, and what is too unsure."""
        depth, confidence, splats = geometry.depth[row], geometry.confidence[row], settings.splats
        usable = (depth > 0) & np.isfinite(depth) & (confidence > 0) & (confidence >= least_confidence)
        usable &= ~depth_edges(depth, settings.cloud.max_depth_step)
        if geometry.sky is not None:
            usable &= ~geometry.sky[row]
        inside = np.zeros_like(usable)
        top, left = (int(splats.border * size) for size in usable.shape)
        inside[top : len(usable) - top, left : usable.shape[1] - left] = True
        return FramePruning(usable & inside, geometry.intrinsics[row], splats.min_opacity)

    def keep(self, gaussians: Gaussians[NDArray[Any]], in_camera: Float64) -> NDArray[np.bool_]:
        """Which of the Gaussians [G] are seen in a usable pixel, and are of use at all; `in_camera` [G,3] is where they
        lie in the frame of the camera."""
        numbers = (gaussians.means, gaussians.scales, gaussians.rotations, gaussians.opacities[:, None])
        kept = np.all([np.isfinite(values).all(axis=1) for values in numbers], axis=0)
        kept &= np.isfinite(gaussians.harmonics).all(axis=(1, 2)) & (gaussians.scales > 0).all(axis=1)
        kept &= (gaussians.opacities >= self.least_opacity) & (in_camera[:, 2] > 0)
        where = np.flatnonzero(kept)
        kept[where] = self._is_usable(in_camera[where])
        return kept

    def _is_usable(self, points: Float64) -> NDArray[np.bool_]:
        """Of points [M,3] before the camera: the pixel that holds each."""
        u, v, z = self.k @ points.T
        height, width = self.usable.shape
        with np.errstate(over="ignore", invalid="ignore"):
            x, y = np.floor(u / z), np.floor(v / z)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        inside[inside] = self.usable[y[inside].astype(np.int64), x[inside].astype(np.int64)]
        return inside


def least_confidence(geometry: WindowGeometry, rows: NDArray[np.int64], share: float) -> float:
    """The confidence below which a share of the pixels with depth lies, over some rows of a window."""
    values = [geometry.confidence[row][(geometry.depth[row] > 0) & (geometry.confidence[row] > 0)] for row in rows]
    confidence = np.concatenate([np.zeros(0, np.float32), *values])
    return float(np.quantile(confidence, share, method="lower")) if len(confidence) else 0.0
