"""Surface normals from the depth around a pixel."""

from __future__ import annotations

import numpy as np

from ..types import Float32, Float64


def depth_normals(depth: Float32, k_inv: Float64) -> Float32:
    """Unit normals [H,W,3] in the camera's frame, towards the camera, of a depth map [H,W] under K^-1 [3,3].

    The cross product of the surface's tangents along the row and down the column. A tangent goes to the neighbour
    whose depth differs less, so that at the edge of a surface it stays on it. (0, 0, 0) where the pixel or both
    neighbours on an axis have no depth.
    """
    height, width = depth.shape
    x = k_inv[0, 0] * (np.arange(width) + 0.5) + k_inv[0, 2]
    y = k_inv[1, 1] * (np.arange(height)[:, None] + 0.5) + k_inv[1, 2]
    z = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan).astype(np.float64)
    (across, z_beside), (down, z_below) = _step(z, 1), _step(z, 0)
    # of a ray r the tangents are across r + wide (1, 0, 0) and down r + high (0, 1, 0): their product is
    wide, high = k_inv[0, 0] * z_beside, k_inv[1, 1] * z_below
    normal = np.stack([across * high, down * wide, -wide * high], axis=-1)
    normal[..., 2] -= normal[..., 0] * x + normal[..., 1] * y
    length = np.sqrt(np.sum(normal**2, axis=-1, keepdims=True))
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normal / np.where(good, length, 1.0), 0.0).astype(np.float32)


def _step(z: Float64, axis: int) -> tuple[Float64, Float64]:
    """The change [H,W] of depth along an axis, from the nearer in depth of a pixel's two neighbours, and that
    neighbour's depth; NaN where there is none."""
    none = np.full_like(np.take(z, [0], axis), np.nan)
    step = np.diff(z, axis=axis)
    ahead, behind = np.concatenate([step, none], axis), np.concatenate([none, step], axis)
    jump_ahead, jump_behind = (np.nan_to_num(np.abs(side), nan=np.inf) for side in (ahead, behind))
    is_ahead = jump_ahead <= jump_behind
    return np.where(is_ahead, ahead, behind), np.where(is_ahead, z + ahead, z - behind)
