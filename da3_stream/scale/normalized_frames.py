"""A window's frames prepared for photometric alignment: locally normalised images, poses, neighbours by baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Float32, Float64, UInt8, WindowGeometry

LEVEL_SHARE = 0.007  # of the image's width: sigma of the Gaussian blur that gives the local mean
CONTRAST_FLOOR = 2.0  # grey levels: contrast below it is noise and is not amplified
NEAR = 2.0  # factor by which a neighbour's distance may differ from the requested one


@dataclass(frozen=True, eq=False)
class NormalizedFrames:
    """The M frames of a window that have a pose; images are of one size."""

    images: Sequence[UInt8]  # [M] of [H,W,3] RGB
    intrinsics: Float64  # [M,3,3]
    window_from_camera: Float64  # [M,4,4]
    _normalized: dict[int, Float32] = field(default_factory=dict)

    @staticmethod
    def of(window: WindowGeometry) -> NormalizedFrames:
        """The frames of a window that have a finite pose and intrinsics with positive focal lengths."""
        k = window.intrinsics
        rows = np.flatnonzero(window.has_camera & (k[:, 0, 0] > 0) & (k[:, 1, 1] > 0))
        return NormalizedFrames([window.images[row] for row in rows], k[rows], window.window_from_camera[rows])

    def __len__(self) -> int:
        return len(self.images)

    def image(self, frame: int) -> Float32:
        """The grey image [H,W] of a frame, of zero mean and unit contrast locally; made when it is first asked for."""
        if frame not in self._normalized:
            self._normalized[frame] = _locally_normalized(self.images[frame])
        return self._normalized[frame]

    @cached_property
    def centres(self) -> Float64:
        """Camera centres [M,3] in the window's frame."""
        return self.window_from_camera[:, :3, 3]

    def steps(self) -> Float64:
        """Distances [M-1] from each camera to the next."""
        return np.linalg.norm(np.diff(self.centres, axis=0), axis=1)

    def motions(self, reach: int) -> Float64:
        """Displacements [M,3] from `reach` frames before to `reach` after each frame, in that camera's own axes."""
        at = np.arange(len(self))
        before, after = np.maximum(at - reach, 0), np.minimum(at + reach, len(at) - 1)
        way = self.centres[after] - self.centres[before]
        return np.einsum("nji,nj->ni", self.window_from_camera[:, :3, :3], way)

    def target_from_reference(self, reference: int, target: int) -> tuple[Float64, Float64]:
        """Rotation [3,3] and translation [3] from the axes of frame `reference` to those of frame `target`."""
        a, b = self.window_from_camera[reference], self.window_from_camera[target]
        return b[:3, :3].T @ a[:3, :3], b[:3, :3].T @ (a[:3, 3] - b[:3, 3])

    def neighbours(self, frame: int, distance: float) -> list[int]:
        """The frame before and the frame after at about this distance of cameras; fewer where there is none."""
        apart = np.linalg.norm(self.centres - self.centres[frame], axis=1)
        sides = (np.arange(frame - 1, -1, -1), np.arange(frame + 1, len(apart)))
        found = [_first_at(apart, side, distance) for side in sides]
        return [k for k in found if k is not None]


def _first_at(apart: Float64, side: NDArray[np.int64], distance: float) -> int | None:
    """The frame of one side, up to the first beyond `distance`, nearest to it in log distance; None beyond NEAR."""
    beyond = np.flatnonzero(apart[side] >= distance)
    near = side[: beyond[0] + 1] if len(beyond) else side
    if not len(near):
        return None
    factor = np.abs(np.log(np.maximum(apart[near], 1e-300) / distance))
    best = int(np.argmin(factor))
    return int(near[best]) if factor[best] < np.log(NEAR) else None


def _locally_normalized(image: UInt8) -> Float32:
    """Grey image [H,W] less its local mean, over its local contrast, which cancels shadows and exposure."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sigma = LEVEL_SHARE * grey.shape[1]
    detail = grey - cv2.GaussianBlur(grey, (0, 0), sigma)
    energy = cv2.GaussianBlur(detail * detail, (0, 0), 2 * sigma)
    return (detail / np.sqrt(energy + np.float32(CONTRAST_FLOOR**2))).astype(np.float32)
