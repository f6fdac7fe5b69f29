"""What a path is: a camera for every picture of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import CameraPathError
from ..geometry import nearest_rotations
from ..types import Float64


@dataclass(frozen=True, eq=False)
class CameraPath:
    """N cameras in the order of their pictures, which are all of one size."""

    world_from_camera: Float64  # [N,4,4] rigid
    intrinsics: Float64  # [N,3,3] pixels of a picture of that size, first centre at 0.5
    size: tuple[int, int]  # width, height

    def __len__(self) -> int:
        return len(self.world_from_camera)

    @property
    def camera_from_world(self) -> Float64:
        """[N,4,4], rigid."""
        turn = self.world_from_camera[:, :3, :3].transpose(0, 2, 1)
        return _poses(turn, -(turn @ self.world_from_camera[:, :3, 3:])[..., 0])

    @property
    def centres(self) -> Float64:
        """[N,3]."""
        return self.world_from_camera[:, :3, 3]

    @property
    def rotations(self) -> Float64:
        """[N,3,3], world from camera."""
        return self.world_from_camera[:, :3, :3]

    def known(self) -> CameraPath:
        """Those cameras whose pose and intrinsics are known, their rotations made exactly orthonormal.

        Raises CameraPathError where there are none.
        """
        numbers = self.world_from_camera.sum(axis=(1, 2)) + self.intrinsics.sum(axis=(1, 2))
        rows = np.flatnonzero(np.isfinite(numbers))
        if not len(rows):
            raise CameraPathError("no camera has a pose: there is nothing to fly along")
        there = self.rows(rows)
        return there.moved(nearest_rotations(there.rotations), there.centres)

    def rows(self, rows: NDArray[np.int64] | slice) -> CameraPath:
        """The cameras of these rows."""
        return CameraPath(self.world_from_camera[rows], self.intrinsics[rows], self.size)

    def moved(self, rotations: Float64, centres: Float64) -> CameraPath:
        """The same intrinsics at other rotations [N,3,3] and centres [N,3]."""
        return CameraPath(_poses(rotations, centres), self.intrinsics, self.size)


def joined(parts: list[CameraPath]) -> CameraPath:
    """One path behind the other; all have one size."""
    poses = np.concatenate([part.world_from_camera for part in parts])
    return CameraPath(poses, np.concatenate([part.intrinsics for part in parts]), parts[0].size)


def _poses(rotations: Float64, centres: Float64) -> Float64:
    poses = np.tile(np.eye(4), (len(rotations), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = rotations, centres
    return poses
