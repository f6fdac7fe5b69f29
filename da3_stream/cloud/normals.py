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
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    rays = k_inv[:, 0] * x[None, :, None] + k_inv[:, 1] * y[:, None, None] + k_inv[:, 2]
    known = np.isfinite(depth) & (depth > 0)
    points = np.where(known, depth, np.nan)[..., None] * rays
    normal = np.cross(_tangent(points, 1), _tangent(points, 0))
    backfacing = np.sum(normal * rays, axis=-1) > 0
    normal[backfacing] *= -1
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normal / np.where(good, length, 1.0), 0.0).astype(np.float32)


def _tangent(points: Float64, axis: int) -> Float64:
    """From each point [H,W,3] to the nearer in depth of its two neighbours along an axis; NaN where there is none."""
    none = np.full_like(np.take(points, [0], axis), np.nan)
    step = np.diff(points, axis=axis)
    ahead, behind = np.concatenate([step, none], axis), np.concatenate([none, step], axis)
    jump_ahead, jump_behind = (np.nan_to_num(np.abs(side[..., 2:]), nan=np.inf) for side in (ahead, behind))
    return np.where(jump_ahead <= jump_behind, ahead, behind)
