"""Ground that rises to the east: ramps along the blocks, level where streets cross."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from ..paths import CameraPath
from .shapes import Shapes
from .streets import PITCH_M, ROAD_M, SLAB_M

AXLES_M = 2.6  # between the axles of the car that carries the camera


@dataclass(frozen=True)
class Terrain:
    """Ramps that rise by `grade` metres per metre eastwards; 0 is a plain."""

    grade: float = 0.0

    def height(self, east: ArrayLike) -> NDArray[np.float64]:
        """Height of the ground in metres at `east`, metres along x; 0 amid the first block."""
        blocks, rest = np.divmod(np.asarray(east, np.float64) + PITCH_M[0] / 2, PITCH_M[0])
        ramps = blocks * SLAB_M[0] + np.clip(rest - ROAD_M / 2, 0.0, SLAB_M[0])
        return self.grade * (ramps - SLAB_M[0] / 2)

    @property
    def sag(self) -> float:
        """How far a plane through all crossings must be lowered to be nowhere above the ground, in metres."""
        return abs(self.grade) * ROAD_M

    def lift(self, shapes: Shapes) -> Shapes:
        """Shapes built on a plain, lifted to the ground corner by corner; a face on a single ramp stays flat."""
        corner = self.height(shapes.origin[:, 0])
        ends = self.height(shapes.origin[:, None, 0] + shapes.edges[:, :, 0])
        lifted = replace(shapes, origin=shapes.origin.copy(), edges=shapes.edges.copy(), centre=shapes.centre.copy())
        lifted.origin[:, 2] += corner
        lifted.edges[:, :, 2] += ends - corner[:, None]
        lifted.centre[:, 2] += self.height(shapes.centre[:, 0])
        return lifted

    def drive_over(self, path: CameraPath) -> CameraPath:
        """The path of a camera on a car that drives over the ground: lifted by the mean of its axles, and tilted."""
        poses = path.world_from_camera.copy()
        forward = poses[:, :2, 2] / np.linalg.norm(poses[:, :2, 2], axis=1, keepdims=True)
        front, back = (self.height(poses[:, 0, 3] + side * AXLES_M / 2 * forward[:, 0]) for side in (1, -1))
        tilt = np.arctan2(front - back, AXLES_M)
        poses[:, 2, 3] += (front + back) / 2
        poses[:, :3, :3] = poses[:, :3, :3] @ Rotation.from_rotvec(tilt[:, None] * (1.0, 0.0, 0.0)).as_matrix()
        return replace(path, world_from_camera=poses)


FLAT = Terrain()
