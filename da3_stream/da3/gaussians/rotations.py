"""Quaternions as matrices that act on other quaternions, so that a composition is one product of matrices."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..heads.camera import quaternion_from_matrix

Float64 = NDArray[np.float64]

W_FIRST = [3, 0, 1, 2]  # (x, y, z, w) as (w, x, y, z)


def quaternion_of(rotation: Float64) -> Float64:
    """(x, y, z, w) of a rotation [3,3]."""
    found: Float64 = quaternion_from_matrix(torch.from_numpy(np.ascontiguousarray(rotation, np.float64))).numpy()
    return found


def left_product(quaternion: Float64) -> Float64:
    """The matrix [4,4] that takes q to `quaternion` times q, both (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array([[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]])


def turned_by(rotation: Float64) -> Float64:
    """The matrix [4,4] that takes (w, x, y, z) of a Gaussian to the same in a world turned by a rotation [3,3]."""
    return left_product(quaternion_of(rotation))[W_FIRST][:, W_FIRST]


def world_from_raw(world_from_camera: Float64, exact: bool) -> Float64:
    """The matrix [4,4] that takes a raw quaternion of the head, (x, y, z, w) in the camera's axes, to (w, x, y, z) in
    the world's.

    Not `exact`: as the original composes them. It takes (w, x, y, z) for (x, y, z, w) on the way in and on the way out,
    which cancels where the camera is not turned, and only there.
    """
    turn = left_product(quaternion_of(world_from_camera))
    return turn[W_FIRST] if exact else turn[:, np.argsort(W_FIRST)]
