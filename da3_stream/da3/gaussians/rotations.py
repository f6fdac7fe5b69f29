"""From the quaternions that the head gives to those of Gaussians in the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...geometry.quaternions import W_FIRST, quaternion_product

Float64 = NDArray[np.float64]


def world_from_raw(world_from_camera: Float64, exact: bool) -> Float64:
    """The matrix [4,4] that takes a raw quaternion of the head, (x, y, z, w) in the camera's axes, to (w, x, y, z) in
    the world's.

    Not `exact`: as the original composes them. It takes (w, x, y, z) for (x, y, z, w) on the way in and on the way out,
    which cancels where the camera is not turned, and only there.
    """
    turn = quaternion_product(world_from_camera)
    return turn[W_FIRST] if exact else turn[:, np.argsort(W_FIRST)]
