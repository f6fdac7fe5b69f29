"""Similarity transforms of space (Sim(3)): p -> s R p + t.

Sources: Eade, "Lie groups for 2D and 3D transformations" (2013); Strasdat, "Local accuracy and global consistency
for efficient visual SLAM" (2012), section 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from .sim3_closed_forms import adjoints, hat, phi1


@dataclass(frozen=True, eq=False, slots=True)
class Sim3:
    """A similarity `a_from_b`: scale, rotation [3,3] and translation [3], float64, acting as s R p + t."""

    scale: float
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def __post_init__(self) -> None:
        # contiguous, since sums over other layouts differ in their last bits, and a resumed run must not
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "rotation", np.ascontiguousarray(self.rotation, np.float64).reshape(3, 3))
        object.__setattr__(self, "translation", np.ascontiguousarray(self.translation, np.float64).reshape(3))

    @staticmethod
    def identity() -> Sim3:
        """The transform that changes nothing."""
        return Sim3(1.0, np.eye(3), np.zeros(3))

    @staticmethod
    def from_matrix(matrix: ArrayLike) -> Sim3:
        """Take a 4x4 (or 3x4) matrix [sR t; 0 1] apart; the scale is the cube root of the determinant."""
        m = np.asarray(matrix, np.float64)
        scale = float(np.cbrt(np.linalg.det(m[:3, :3])))
        return Sim3(scale, m[:3, :3] / scale, m[:3, 3])

    @staticmethod
    def exp(tangent: ArrayLike) -> Sim3:
        """Exponential of [rho, rotation vector, log-scale] (7 numbers): t = V rho (Eade, section 6.2)."""
        xi = np.asarray(tangent, np.float64)
        return Sim3(np.exp(xi[6]), Rotation.from_rotvec(xi[3:6]).as_matrix(), _v_matrix(xi[3:6], xi[6]) @ xi[:3])

    @staticmethod
    def from_numbers(numbers: ArrayLike) -> Sim3:
        """Inverse of `numbers`."""
        n = np.asarray(numbers, np.float64)
        return Sim3(n[0], n[1:10].reshape(3, 3), n[10:])

    def numbers(self) -> NDArray[np.float64]:
        """Scale, rotation row by row, translation [13]: for files, without loss."""
        return np.concatenate([[self.scale], self.rotation.ravel(), self.translation])

    def log(self) -> NDArray[np.float64]:
        """Inverse of `exp`: [rho, rotation vector, log-scale] with rho = V^-1 t; angles in [0, pi]."""
        rotvec = Rotation.from_matrix(self.rotation).as_rotvec()
        log_scale = np.log(self.scale)
        rho = np.linalg.solve(_v_matrix(rotvec, log_scale), self.translation)
        return np.concatenate([rho, rotvec, [log_scale]])

    def inverse(self) -> Sim3:
        """`b_from_a` of this `a_from_b`."""
        rotation = self.rotation.T
        return Sim3(1.0 / self.scale, rotation, -(rotation @ self.translation) / self.scale)

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Move points [..., 3]."""
        return self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + self.translation

    def matrix(self) -> NDArray[np.float64]:
        """The 4x4 matrix [sR t; 0 1]."""
        out = np.eye(4)
        out[:3, :3] = self.scale * self.rotation
        out[:3, 3] = self.translation
        return out

    def rigid(self) -> NDArray[np.float64]:
        """The 4x4 rigid matrix [R t; 0 1]: the pose of a camera, whose depth is scaled separately."""
        out = np.eye(4)
        out[:3, :3] = self.rotation
        out[:3, 3] = self.translation
        return out

    def adjoint(self) -> NDArray[np.float64]:
        """The 7x7 matrix Ad with T exp(xi) T^-1 = exp(Ad xi), in the order of `log`."""
        return adjoints(np.array([self.scale]), self.rotation[None], self.translation[None])[0]

    def __matmul__(self, other: Sim3) -> Sim3:
        """Compose: a_from_b @ b_from_c = a_from_c."""
        return Sim3(self.scale * other.scale, self.rotation @ other.rotation, self.apply(other.translation))


def _v_matrix(rotvec: NDArray[np.float64], log_scale: float) -> NDArray[np.float64]:
    """V = integral over [0,1] of exp(u (log_scale I + W)) du, from its value on W's eigenvalues 0 and +-i theta.

    The coefficients of W and W^2 lose precision as theta -> 0 exactly as fast as W and W^2 vanish, so no series is
    needed. For many transforms: `sim3_closed_forms.v_matrices`, the same sum over projectors, equal up to rounding.
    """
    theta = float(np.linalg.norm(rotvec))
    on_axis, in_plane = phi1(log_scale + 1j * np.array([0.0, theta]))
    axis_value = on_axis.real
    if theta == 0.0:
        return axis_value * np.eye(3)
    w = hat(rotvec) / theta
    return axis_value * np.eye(3) + in_plane.imag * w + (axis_value - in_plane.real) * (w @ w)
