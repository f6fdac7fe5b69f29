"""Many similarities at once, in plain arrays: what `Sim3` is for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .sim3 import Sim3
from .sim3_closed_forms import inverse_v_matrices, v_matrices

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Similarities:
    """Scales [N], rotations [N,3,3] and translations [N,3], each acting as s R p + t; NaN where unknown."""

    scale: Array
    rotation: Array
    translation: Array

    def __len__(self) -> int:
        return len(self.scale)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Similarities:
        return Similarities(self.scale[rows], self.rotation[rows], self.translation[rows])

    def __matmul__(self, other: Similarities) -> Similarities:
        """Row by row; a single one goes with every row of the other."""
        moved = np.einsum("nij,nj->ni", np.broadcast_to(self.rotation, other.rotation.shape), other.translation)
        return Similarities(
            self.scale * other.scale,
            self.rotation @ other.rotation,
            self.scale[:, None] * moved + self.translation,
        )

    @staticmethod
    def of(transform: Sim3) -> Similarities:
        """A single one."""
        return Similarities(np.array([transform.scale]), transform.rotation[None], transform.translation[None])

    @staticmethod
    def rigid(matrices: Array) -> Similarities:
        """Of rigid matrices [N,4,4], or without their last row [N,3,4]."""
        return Similarities(np.ones(len(matrices)), matrices[:, :3, :3], matrices[:, :3, 3])

    @staticmethod
    def joined(parts: Sequence[Similarities]) -> Similarities:
        """One after the other."""
        scale, rotation, translation = zip(*((p.scale, p.rotation, p.translation) for p in parts), strict=True)
        return Similarities(np.concatenate(scale), np.concatenate(rotation), np.concatenate(translation))

    @staticmethod
    def exp(tangents: Array) -> Similarities:
        """Of tangents [N,7] in the order of `Sim3.log`."""
        rotvecs, log_scales = tangents[:, 3:6], tangents[:, 6]
        translation = np.einsum("nij,nj->ni", v_matrices(rotvecs, log_scales), tangents[:, :3])
        return Similarities(np.exp(log_scales), Rotation.from_rotvec(rotvecs).as_matrix(), translation)

    def log(self) -> Array:
        """Tangents [N,7] in the order of `Sim3.log`; angles in [0, pi]."""
        rotvecs, log_scales = Rotation.from_matrix(self.rotation).as_rotvec(), np.log(self.scale)
        rho = np.einsum("nij,nj->ni", inverse_v_matrices(rotvecs, log_scales), self.translation)
        return np.concatenate([rho, rotvecs, log_scales[:, None]], axis=1)

    def inverse(self) -> Similarities:
        """Row by row."""
        rotation = np.swapaxes(self.rotation, 1, 2)
        moved = np.einsum("nij,nj->ni", rotation, self.translation)
        return Similarities(1 / self.scale, rotation, -moved / self.scale[:, None])

    def known(self) -> NDArray[np.bool_]:
        """Which [N] are finite."""
        numbers = np.concatenate([self.rotation.reshape(-1, 9), self.translation], axis=1)
        return np.all(np.isfinite(numbers), axis=1)

    def replaced(self, rows: NDArray[np.int64], others: Similarities) -> Similarities:
        """With others in these rows."""
        scale, rotation, translation = self.scale.copy(), self.rotation.copy(), self.translation.copy()
        scale[rows], rotation[rows], translation[rows] = others.scale, others.rotation, others.translation
        return Similarities(scale, rotation, translation)
