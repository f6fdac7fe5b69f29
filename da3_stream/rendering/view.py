"""The camera that a picture is drawn for, and the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import RenderingError
from ..types import Float32, Float64

NEAR = 0.01  # along z, in the scene's unit: what is nearer is not drawn
MOST_PIXELS = 1 << 28


@dataclass(frozen=True, eq=False)
class Rendering:
    """A picture of a scene."""

    colour: Float32  # [H,W,3] red, green, blue over the background; 0 to 1, above where harmonics say so
    depth: Float32  # [H,W] along z in the scene's unit, the mean of what is seen; 0 where nothing is
    alpha: Float32  # [H,W] the share of the background that is covered, 0 to 1


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera: where it is, its K in pixels with centres at +0.5, and the picture's (width, height)."""

    camera_from_world: Float64  # [4,4], rigid
    intrinsics: Float64  # [3,3]
    size: tuple[int, int]

    @staticmethod
    def of(camera_from_world: ArrayLike, intrinsics: ArrayLike, size: tuple[int, int]) -> View:
        """A view, checked; the pose may be [3,4], too. Raises RenderingError where it is none."""
        pose, k = np.asarray(camera_from_world, np.float64), np.asarray(intrinsics, np.float64)
        if pose.shape not in ((3, 4), (4, 4)) or not _is_rotation(pose[:3, :3]) or not np.isfinite(pose).all():
            raise RenderingError("camera_from_world must be [4,4] or [3,4] with a rotation and finite numbers")
        if k.shape != (3, 3) or not np.isfinite(k).all() or min(k[0, 0], k[1, 1]) <= 0:
            raise RenderingError("intrinsics must be K [3,3] in pixels with positive focal lengths")
        width, height = (int(side) for side in size)
        if min(width, height) < 1 or width * height > MOST_PIXELS:
            raise RenderingError(f"a picture has 1 to {MOST_PIXELS} pixels, not {width}x{height}")
        return View(np.vstack([pose[:3], [0, 0, 0, 1]]), k, (width, height))

    @property
    def rotation(self) -> Float64:
        """[3,3] from the world's axes to the camera's."""
        return self.camera_from_world[:3, :3]

    @property
    def centre(self) -> Float64:
        """[3] where the camera is in the world."""
        return -self.rotation.T @ self.camera_from_world[:3, 3]


def _is_rotation(matrix: Float64) -> bool:
    return bool(np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-4) and np.linalg.det(matrix) > 0)
