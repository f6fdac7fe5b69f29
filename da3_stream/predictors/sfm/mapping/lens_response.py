"""How the poses of a window hang on its lens: what bundle adjustment would make of them with another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry.camera_alignment import angle_deg, fit_cameras

Array = NDArray[np.float64]

POSE = 6  # rotation, translation
REACH = 10  # rows on either side with which a pose is compared
POSITION_SHARE, DEPTH_SHARE, ROTATION_DEG = 0.05, 0.01, 1.0  # what a right pose may be off by; see docs/trust.md
FEWEST = 3


@dataclass(frozen=True, eq=False)
class LensResponse:
    """Adjusted cameras `camera_from_model` [n,4,4], and how their rotation vectors and translations [6n,L] change by
    the L parameters of the lens, if all else is adjusted anew."""

    cameras: Array
    by_lens: Array

    def cameras_after(self, change: Array) -> Array:
        """`model_from_camera` [n,4,4] with the lens changed by so much [L] from that of the adjustment."""
        return np.asarray(np.linalg.inv(turned_cameras(self.cameras, (self.by_lens @ change).reshape(-1, POSE))))


def turned_cameras(cameras: Array, steps: Array) -> Array:
    """`camera_from_model` [n,4,4] after steps [n,6] of rotation vector and translation, as seen from the cameras."""
    turn = np.tile(np.eye(4), (len(steps), 1, 1))
    turn[:, :3, :3], turn[:, :3, 3] = Rotation.from_rotvec(steps[:, :3]).as_matrix(), steps[:, 3:]
    return turn @ cameras


def eliminate_poses(matrix: Array, is_lens: NDArray[np.bool_]) -> tuple[Array, Array]:
    """From normal equations in poses and lens: the information on the lens [L,L] without the poses, and the poses'
    change [6n,L] by the lens."""
    pose, mixed = matrix[np.ix_(~is_lens, ~is_lens)], matrix[np.ix_(~is_lens, is_lens)]
    pose = pose + np.diag(1e-9 * np.diag(pose) + 1e-12 * np.trace(pose))
    by_lens = -np.asarray(np.linalg.solve(pose, mixed), np.float64)
    return matrix[np.ix_(is_lens, is_lens)] + mixed.T @ by_lens, by_lens


def pose_shifts(target: Array, source: Array, rows: NDArray[np.int64], depth: float) -> Array:
    """How far cameras [n,4,4] of these rows (ascending) are from their targets when those around each are laid on
    theirs; 1 is as much as a right pose may be off by, NaN where a pose has no others around it.

    `depth` is the median depth of the scene.
    """
    shifts = np.full(len(rows), np.nan)
    for at, row in enumerate(rows):
        near = slice(*np.searchsorted(rows, (row - REACH, row + REACH + 1)))
        if near.stop - near.start < FEWEST:
            continue
        fit = fit_cameras(target[near], source[near])
        off = np.linalg.norm(fit.apply(source[at : at + 1, :3, 3])[0] - target[at, :3, 3])
        path = np.linalg.norm(np.diff(target[near, :3, 3], axis=0), axis=1).sum()
        turn = angle_deg(target[at, :3, :3], fit.rotation @ source[at, :3, :3])
        shifts[at] = max(off / max(POSITION_SHARE * path, DEPTH_SHARE * depth, 1e-12), turn / ROTATION_DEG)
    return shifts
