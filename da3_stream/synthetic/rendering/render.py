"""What a camera sees of a scene: exact depth, and the colours of all rays filtered to pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..materials.atlas import Atlas
from ..materials.sky import sky_colours
from ..scenes.shapes import Shapes
from .cast import Hits, PinholeCamera, cast, ray_maps

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_STRIP = 48  # grid rows that are coloured at a time, so that what is worked on stays in the cache


def render(
    shapes: Shapes, atlas: Atlas, clouds: Float32, camera: PinholeCamera, sun: Float64
) -> tuple[Float32, Float32]:
    """The image [H,W,3] (0 to 255) and depth [H,W] in metres along z (0 = sky) that a camera sees of shapes.

    `clouds` [T,T] is the cloud cover of the sky, `sun` [3] the unit vector towards the light.
    """
    m = ray_maps(shapes, camera)
    hits = cast(shapes, m, camera)
    colours = _colours(shapes, atlas, clouds, camera, sun, m, hits)
    inverse = hits.inverse_depth[1::2, 1::2]
    depth = np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse > 0)
    return _tent_filter(colours), depth


def _colours(
    shapes: Shapes, atlas: Atlas, clouds: Float32, camera: PinholeCamera, sun: Float64, m: Float64, hits: Hits
) -> Float32:
    """Colour [h,w,3] of every ray of the grid."""
    x, y = camera.ray_grid
    texels = atlas.size[shapes.texture[: len(m)]] * shapes.repeat
    scaled = (m * np.concatenate([texels, np.ones((len(m), 1))], axis=1)[:, :, None]).astype(np.float32)
    light = _face_light(shapes, sun).astype(np.float32)
    out = np.empty((*hits.shape.shape, 3), np.float32)
    for top in range(0, len(y), _STRIP):
        rows = slice(top, top + _STRIP)
        strip = Hits(hits.inverse_depth[rows], hits.shape[rows])
        out[rows] = _face_colours(strip, x, y[rows], scaled, light, shapes.texture, atlas)
        _paint_balls(out[rows], strip, x, y[rows], shapes, atlas, camera, sun)
        _paint_sky(out[rows], strip, x, y[rows], clouds, camera)
    return out


def _face_colours(
    hits: Hits, x: Float32, y: Float32, m: Float32, light: Float32, texture: NDArray[np.int64], atlas: Atlas
) -> Float32:
    """Colour of the rays as if all met faces (those that do not get face 0's, and are painted over)."""
    number = np.where(hits.shape < len(m), np.maximum(hits.shape, 0), 0)
    maps = m.reshape(-1, 9).take(number, axis=0)  # [h,w,9]
    depth = np.reciprocal(np.maximum(hits.inverse_depth, np.float32(1e-6)))
    y = y[:, None]
    u, v = [(maps[..., k] * x + maps[..., k + 1] * y + maps[..., k + 2]) * depth for k in (0, 3)]
    spread = [maps[..., k + axis] - w * maps[..., 6 + axis] for axis in (0, 1) for k, w in ((0, u), (3, v))]
    footprint = (x[1] - x[0]) * depth * _footprint(*spread)
    number_of_texture = texture.take(number)
    width, height = atlas.size[:, 0].take(number_of_texture), atlas.size[:, 1].take(number_of_texture)
    u, v = _wrap(u, width), _wrap(v, height)
    return atlas.sample(number_of_texture, u, v, footprint) * light.take(number, axis=0)


def _footprint(u_x: Float32, v_x: Float32, u_y: Float32, v_y: Float32) -> Float32:
    """The size of a sample on a surface by its derivatives: the root of its area, at least half its longer side.

    The longer side alone would be free of aliasing and would wash out roads; the pixels' tent filter bears the rest.
    """
    longer = np.maximum(u_x * u_x + v_x * v_x, u_y * u_y + v_y * v_y)
    return np.sqrt(np.maximum(np.abs(u_x * v_y - v_x * u_y), np.float32(0.25) * longer))


def _wrap(u: Float32, width: Float32) -> Float32:
    return u - width * np.floor(u / width)


def _face_light(shapes: Shapes, sun: Float64) -> Float64:
    """Tint of the faces [F,3] times their light: the sun's share by the angle of their normal, the sky's by its z."""
    normal = -np.cross(shapes.edges[:, 0], shapes.edges[:, 1])
    return (
        shapes.tint[: len(normal)] * _brightness(normal / np.linalg.norm(normal, axis=1, keepdims=True), sun)[:, None]
    )


def _brightness(normal: Float64, sun: Float64) -> Float64:
    """Brightness of surfaces by their unit normals [..., 3]; a warm sun would cost three numbers and show little."""
    return 0.62 + 0.13 * normal[..., 2] + 0.38 * np.maximum(normal @ sun, 0.0)


def _paint_balls(
    out: Float32, hits: Hits, x: Float32, y: Float32, shapes: Shapes, atlas: Atlas, camera: PinholeCamera, sun: Float64
) -> None:
    """Paint the rays that meet balls: their texture by longitude and latitude, twice around."""
    faces = len(shapes.origin)
    row, column = np.nonzero(hits.shape >= faces)
    if len(row) == 0:
        return
    number = hits.shape[row, column].astype(np.int64)
    depth = 1.0 / hits.inverse_depth[row, column]
    rotation, eye = camera.world_from_camera[:3, :3], camera.world_from_camera[:3, 3]
    ray = np.stack([x[column], y[row], np.ones_like(depth)], axis=1)
    radius = shapes.radius[number - faces]
    normal = (ray * depth[:, None] @ rotation.T + eye - shapes.centre[number - faces]) / radius[:, None]
    width, height = atlas.size[shapes.texture[number]].T
    u = (np.arctan2(normal[:, 1], normal[:, 0]) / (2 * np.pi) + 0.5) * width
    v = np.arccos(np.clip(normal[:, 2], -1, 1)) / np.pi * height
    step = (x[1] - x[0]) * depth * width / (2 * np.pi * radius)
    facing = np.abs(np.einsum("ni,ni->n", normal, ray @ rotation.T)) / np.linalg.norm(ray, axis=1)
    footprint = step / np.maximum(facing, 0.25)
    colour = atlas.sample(shapes.texture[number], *(a.astype(np.float32) for a in (u, v, footprint)))
    out[row, column] = colour * shapes.tint[number] * _brightness(normal, sun)[:, None]


def _paint_sky(out: Float32, hits: Hits, x: Float32, y: Float32, clouds: Float32, camera: PinholeCamera) -> None:
    row, column = np.nonzero(hits.shape < 0)
    ray = np.stack([x[column], y[row], np.ones(len(row), np.float32)], axis=1)
    out[row, column] = sky_colours(clouds, ray @ camera.world_from_camera[:3, :3].T.astype(np.float32))


def _tent_filter(grid: Float32) -> Float32:
    """Pixels from the half-pixel grid by the weights 1 2 1 in both directions, which keeps edges from crawling."""
    rows = grid[0:-2:2] + 2 * grid[1::2] + grid[2::2]
    return (rows[:, 0:-2:2] + 2 * rows[:, 1::2] + rows[:, 2::2]) / 16
