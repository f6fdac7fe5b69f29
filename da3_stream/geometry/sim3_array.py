"""Batches of similarity transforms as plain arrays; `Sim3` is a single one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .sim3 import Sim3
from .sim3_closed_forms import adjoints, inverse_v_matrices, v_matrices

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sim3Array:
    """Scales [N], rotations [N,3,3] and translations [N,3], each acting as s R p + t; NaN where unknown."""

    scale: Array
    rotation: Array
    translation: Array

    def __len__(self) -> int:
        return len(self.scale)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Sim3Array:
        return Sim3Array(self.scale[rows], self.rotation[rows], self.translation[rows])

    def __matmul__(self, other: Sim3Array) -> Sim3Array:
        """Compose row by row; a batch of one composes with every row of the other."""
        rotated = np.einsum("nij,nj->ni", np.broadcast_to(self.rotation, other.rotation.shape), other.translation)
        return Sim3Array(
            self.scale * other.scale,
            self.rotation @ other.rotation,
            self.scale[:, None] * rotated + self.translation,
        )

    @staticmethod
    def of(transform: Sim3) -> Sim3Array:
        """A batch of one."""
        return Sim3Array(np.array([transform.scale]), transform.rotation[None], transform.translation[None])

    @staticmethod
    def stack(transforms: Sequence[Sim3]) -> Sim3Array:
        """The transforms as a batch, their rotations made exact: files and long products leave them a little off."""
        if not transforms:
            return Sim3Array(np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3)))
        rotation = Rotation.from_matrix(np.stack([t.rotation for t in transforms])).as_matrix()
        scale = np.array([t.scale for t in transforms])
        return Sim3Array(scale, rotation, np.stack([t.translation for t in transforms]))

    @staticmethod
    def from_rigid(matrices: Array) -> Sim3Array:
        """Rigid matrices [N,4,4], or without their last row [N,3,4], with scale 1."""
        return Sim3Array(np.ones(len(matrices)), matrices[:, :3, :3], matrices[:, :3, 3])

    @staticmethod
    def concatenate(parts: Sequence[Sim3Array]) -> Sim3Array:
        """The batches' transforms one after the other."""
        scale, rotation, translation = zip(*((p.scale, p.rotation, p.translation) for p in parts), strict=True)
        return Sim3Array(np.concatenate(scale), np.concatenate(rotation), np.concatenate(translation))

    @staticmethod
    def exp(tangents: Array) -> Sim3Array:
        """Exponentials of tangents [N,7] in the order of `Sim3.log`."""
        rotvecs, log_scales = tangents[:, 3:6], tangents[:, 6]
        translation = np.einsum("nij,nj->ni", v_matrices(rotvecs, log_scales), tangents[:, :3])
        return Sim3Array(np.exp(log_scales), Rotation.from_rotvec(rotvecs).as_matrix(), translation)

    def log(self) -> Array:
        """Tangents [N,7] in the order of `Sim3.log`; angles in [0, pi]."""
        rotvecs, log_scales = Rotation.from_matrix(self.rotation).as_rotvec(), np.log(self.scale)
        rho = np.einsum("nij,nj->ni", inverse_v_matrices(rotvecs, log_scales), self.translation)
        return np.concatenate([rho, rotvecs, log_scales[:, None]], axis=1)

    def adjoints(self) -> Array:
        """Adjoint matrices [N,7,7], as `Sim3.adjoint`."""
        return adjoints(self.scale, self.rotation, self.translation)

    def transforms(self) -> list[Sim3]:
        """The transforms one by one."""
        return [Sim3(*row) for row in zip(self.scale, self.rotation, self.translation, strict=True)]

    def inverse(self) -> Sim3Array:
        """`b_from_a` of each `a_from_b`."""
        rotation = np.swapaxes(self.rotation, 1, 2)
        rotated = np.einsum("nij,nj->ni", rotation, self.translation)
        return Sim3Array(1 / self.scale, rotation, -rotated / self.scale[:, None])

    def is_finite(self) -> NDArray[np.bool_]:
        """Mask [N] of the transforms without a NaN or an infinity in rotation and translation."""
        numbers = np.concatenate([self.rotation.reshape(-1, 9), self.translation], axis=1)
        return np.all(np.isfinite(numbers), axis=1)

    def with_rows(self, rows: NDArray[np.int64], others: Sim3Array) -> Sim3Array:
        """A copy with the transforms `others` in rows [K]."""
        scale, rotation, translation = self.scale.copy(), self.rotation.copy(), self.translation.copy()
        scale[rows], rotation[rows], translation[rows] = others.scale, others.rotation, others.translation
        return Sim3Array(scale, rotation, translation)
