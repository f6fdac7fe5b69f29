"""Quaternions as matrices that act on other quaternions, so that a composition is one product of matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Float64 = NDArray[np.float64]

W_FIRST = [3, 0, 1, 2]  # (x, y, z, w) as (w, x, y, z)


def quaternion_product(rotation: Float64) -> Float64:
    """The matrix [4,4] that takes q to the quaternion of a rotation [3,3] times q, both (x, y, z, w)."""
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    return np.array([[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]])


def quaternion_turn(rotation: Float64) -> Float64:
    """The matrix [4,4] that takes (w, x, y, z) of what is turned to the same in a world turned by a rotation [3,3]."""
    return quaternion_product(rotation)[W_FIRST][:, W_FIRST]
