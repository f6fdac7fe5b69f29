"""Ray casting of a scene: exact depth and the shape that every ray meets.

A point of a face is origin + a right + b down. With the camera at c and a ray r(x, y) that is 1 along z, meeting the
face at depth t means [right, down, origin - c] (a, b, 1)^T = t R r, so (a/t, b/t, 1/t) = M r with M = [right, down,
origin - c]^-1 R: linear in the pixel. Rays are cast on a grid of half pixels; odd rows and columns are the centres.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scenes.shapes import Shapes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_NEAR_M = 0.05
_SLACK = np.float32(2e-6)  # relative; closes the cracks between faces that share an edge


class PinholeCamera(NamedTuple):
    """A posed camera: K [3,3] with pixel centres at +0.5, world_from_camera [4,4], the image's (width, height)."""

    intrinsics: Float64
    world_from_camera: Float64
    size: tuple[int, int]

    @property
    def ray_grid(self) -> tuple[Float32, Float32]:
        """The rays (x, y, 1) of the half-pixel grid: x of its 2 w + 1 columns, y of its 2 h + 1 rows."""
        (fx, _, cx), (_, fy, cy), _ = self.intrinsics
        x = (np.arange(2 * self.size[0] + 1) / 2.0 - cx) / fx
        y = (np.arange(2 * self.size[1] + 1) / 2.0 - cy) / fy
        return x.astype(np.float32), y.astype(np.float32)


class Hits(NamedTuple):
    """What the rays of the grid meet: 1 / depth [h,w] (0 = sky) and the shape's number [h,w] (-1 = sky)."""

    inverse_depth: Float32
    shape: NDArray[np.int32]


def ray_maps(shapes: Shapes, camera: PinholeCamera) -> Float64:
    """M [F,3,3] of every face; NaN for those that turn their back."""
    rotation, eye = camera.world_from_camera[:3, :3], camera.world_from_camera[:3, 3]
    basis = np.concatenate([shapes.edges, (shapes.origin - eye)[:, None]], axis=1).transpose(0, 2, 1)
    front = np.linalg.det(basis) > 1e-9
    basis[~front] = np.nan
    m = np.full_like(basis, np.nan)
    m[front] = np.linalg.inv(basis[front]) @ rotation
    return m


def cast(shapes: Shapes, m: Float64, camera: PinholeCamera) -> Hits:
    """The nearest shape on every ray of the grid; `m` is what `ray_maps` gives."""
    x, y = camera.ray_grid
    hits = Hits(np.zeros((len(y), len(x)), np.float32), np.full((len(y), len(x)), -1, np.int32))
    faces, boxes = _visible_faces(shapes, m, camera)
    maps = m.astype(np.float32)
    taper = shapes.taper.astype(np.float32)
    closest = _closest_inverse(maps[faces, 2], boxes, x, y)
    for i, (left, top, right, bottom), inverse in zip(faces.tolist(), boxes.tolist(), closest, strict=True):
        window = slice(top, bottom), slice(left, right)
        if hits.inverse_depth[window].min() <= inverse:  # or all of it is behind what is there already
            _cast_face(hits, window, x[left:right], y[top:bottom], maps[i], taper[i], i)
    _cast_balls(hits, shapes, camera)
    return hits


def _closest_inverse(rows: Float32, boxes: NDArray[np.int64], x: Float32, y: Float32) -> list[float]:
    """What 1 / depth of faces cannot exceed in their grid rectangles [K,4]: it is linear, by the rows [K,3] of their
    maps, and so largest in a corner; with room for rounding."""
    left, top, right, bottom = boxes.T
    across = np.maximum(rows[:, 0] * x[left], rows[:, 0] * x[right - 1])
    downward = np.maximum(rows[:, 1] * y[top], rows[:, 1] * y[bottom - 1])
    return ((across + downward + rows[:, 2]) + 1e-5 * np.abs(rows).sum(axis=1)).tolist()


def _cast_face(
    hits: Hits, window: tuple[slice, slice], x: Float32, y: Float32, m: Float32, taper: np.float32, number: int
) -> None:
    """Enter one face into the hits where it is the nearest so far."""
    across, downward, inverse = ((row[0] * x + row[2]) + (row[1] * y)[:, None] for row in m)
    nearest = hits.inverse_depth[window]
    slack = _SLACK * np.abs(inverse)
    limit = inverse + slack
    seen = inverse > nearest
    seen &= downward >= -slack
    seen &= downward <= limit
    if taper:
        half = np.float32(0.5)
        seen &= np.abs(across - half * inverse) <= half * (limit - taper * (inverse - downward))
    else:
        seen &= across >= -slack
        seen &= across <= limit
    np.copyto(nearest, inverse, where=seen)
    np.copyto(hits.shape[window], np.int32(number), where=seen)


def _visible_faces(shapes: Shapes, m: Float64, camera: PinholeCamera) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Faces that may be seen, nearest first, and the grid rectangles [K,4] (left, top, right, bottom) they lie in."""
    right, down = shapes.edges[:, 0], shapes.edges[:, 1]
    corners = shapes.origin[:, None] + np.stack([0 * right, right, right + down, down], axis=1)
    eye, rotation = camera.world_from_camera[:3, 3], camera.world_from_camera[:3, :3]
    points = _clip_near((corners - eye) @ rotation)
    box = _grid_box(points, camera)
    seen = np.isfinite(m[:, 0, 0]) & (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])
    order = np.argsort(np.nanmin(points[seen][..., 2], axis=1), kind="stable")
    return np.flatnonzero(seen)[order], box[seen][order]


def _clip_near(corners: Float64) -> Float64:
    """Corners [F,4,3] and where their edges pierce the near plane, as [F,8,3]; NaN for what is not there."""
    following = np.roll(corners, -1, axis=1)
    z, z_next = corners[..., 2:], following[..., 2:]
    crossing = (z < _NEAR_M) != (z_next < _NEAR_M)
    share = (_NEAR_M - z) / np.where(crossing, z_next - z, 1.0)
    pierced = np.where(crossing, corners + share * (following - corners), np.nan)
    return np.concatenate([np.where(z < _NEAR_M, np.nan, corners), pierced], axis=1)


def _grid_box(points: Float64, camera: PinholeCamera) -> NDArray[np.int64]:
    """The grid rectangle around camera points [F,P,3] (NaN ignored), empty where there is none."""
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    limit = 2 * np.array(camera.size) + 1
    pixel = 2.0 * (points[..., :2] / np.maximum(points[..., 2:], _NEAR_M) * (fx, fy) + (cx, cy))
    low = np.where(np.isnan(pixel), np.inf, pixel).min(axis=1)
    high = np.where(np.isnan(pixel), -np.inf, pixel).max(axis=1)
    low, high = np.clip(np.ceil(low - 0.01), 0, limit), np.clip(np.floor(high + 0.01) + 1, 0, limit)
    return np.concatenate([low, high], axis=1).astype(np.int64)


def _cast_balls(hits: Hits, shapes: Shapes, camera: PinholeCamera) -> None:
    """Enter all balls into the hits where they are the nearest so far."""
    x, y = camera.ray_grid
    centres = (shapes.centre - camera.world_from_camera[:3, 3]) @ camera.world_from_camera[:3, :3]
    reach = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    boxes = _grid_box(_clamp_to_near(centres[:, None] + shapes.radius[:, None, None] * reach), camera)
    for i in np.flatnonzero((boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])).tolist():
        left, top, right, bottom = boxes[i].tolist()
        window = (slice(top, bottom), slice(left, right))
        _cast_ball(hits, window, x[left:right], y[top:bottom], centres[i], shapes.radius[i], len(shapes.origin) + i)


def _clamp_to_near(points: Float64) -> Float64:
    """Points [S,P,3] clamped to the near plane, all NaN where none is in front of the camera."""
    ahead = np.any(points[..., 2] >= _NEAR_M, axis=1, keepdims=True)
    return np.where(ahead[..., None], np.maximum(points, (-np.inf, -np.inf, _NEAR_M)), np.nan)


def _cast_ball(
    hits: Hits, window: tuple[slice, slice], x: Float32, y: Float32, centre: Float64, radius: float, number: int
) -> None:
    """Enter one ball: |t r - c| = radius, so 1/t is the larger root of (|c|^2 - radius^2) w^2 - 2 r.c w + |r|^2."""
    cx, cy, cz = centre.astype(np.float32)
    gap = np.float32(centre @ centre - radius * radius)
    if gap <= 0:  # the camera is inside
        return
    along = (x * cx + cz) + (y * cy)[:, None]
    disc = along * along - gap * ((x * x + np.float32(1.0)) + (y * y)[:, None])
    inverse = (along + np.sqrt(np.maximum(disc, 0))) / gap
    nearest = hits.inverse_depth[window]
    seen = (disc > 0) & (inverse > nearest)
    np.copyto(nearest, inverse, where=seen)
    np.copyto(hits.shape[window], np.int32(number), where=seen)
