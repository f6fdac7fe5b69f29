"""A street whose every point and colour is known: the ground and two facades, tiled in random colours, with one tile
of a colour that nothing else has. Its world is that of camera 0: x right, y down, z ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import intrinsics_matrix, pixel_centres

Array = NDArray[np.float64]

SIZE, SEEN = (192, 128), (48, 32)  # (width, height) of the pictures, and of the depth maps
GROUND, LEFT, RIGHT, FAR = 1.5, -4.0, 4.0, 40.0
TILE = 0.4
LANDMARK = np.array([RIGHT, -0.2, 7.8])  # the middle of a tile
LANDMARK_RGB = np.array([250, 20, 190], np.uint8)


def pose(frame: int) -> Array:
    """world_from_camera [4,4]: a swaying drive along z."""
    found = np.eye(4)
    found[:3, :3] = Rotation.from_euler("y", 0.1 * np.sin(frame / 4)).as_matrix()
    found[:3, 3] = [0.4 * np.sin(frame / 5), 0.0, 0.3 * frame]
    return found


def camera() -> Array:
    """K [3,3] in pixels of the pictures, first centre at 0.5."""
    return intrinsics_matrix(160.0, 164.0, 98.0, 60.0)


def seen(rays: Array, world_from_camera: Array) -> tuple[Array, NDArray[np.uint8]]:
    """Depth [...], 0 where there is nothing, and colours [...,3] along rays [...,2] (x, y at z = 1) of a camera."""
    directions = np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], axis=-1) @ world_from_camera[:3, :3].T
    centre = world_from_camera[:3, 3]
    with np.errstate(divide="ignore"):
        planes = ((GROUND, 1), (RIGHT, 0), (LEFT, 0))
        candidates = np.stack([(at - centre[axis]) / directions[..., axis] for at, axis in planes])
    depth = np.where(candidates > 0, candidates, np.inf).min(axis=0)
    depth = np.where(depth < FAR, depth, 0.0)
    colours = colours_at(centre + directions * depth[..., None])
    return depth, np.where(depth[..., None] > 0, colours, np.uint8(128))


def rays_of_pixels(size: tuple[int, int]) -> Array:
    """Rays [H,W,2] of the pixels of a pinhole's picture of (width, height) `size`."""
    k, pixels = camera(), pixel_centres(size[1], size[0]) * (np.array(SIZE) / size)
    return (pixels - k[:2, 2]) / [k[0, 0], k[1, 1]]


def colours_at(world: Array) -> NDArray[np.uint8]:
    """Colours [...,3] of points [...,3] on the street."""
    wall = off_surface(world, axis=1) > off_surface(world, axis=0)
    side = np.where(wall, np.where(world[..., 0] > 0, 1, 2), 0)
    across = np.where(wall, world[..., 1], world[..., 0])
    tile = np.floor(np.stack([across, world[..., 2]], axis=-1) / TILE + 1e-9).astype(np.int64)
    numbers = side * 1_000_003 + tile[..., 0] * 7_919 + tile[..., 1] * 104_729
    colours = np.stack([_scrambled(numbers, salt) % 176 + 30 for salt in (1, 2, 3)], axis=-1).astype(np.uint8)
    at = np.floor(LANDMARK[1:] / TILE + 1e-9).astype(np.int64)
    return np.where(((side == 1) & (tile == at).all(axis=-1))[..., None], LANDMARK_RGB, colours)


def off_surface(world: Array, axis: int | None = None) -> Array:
    """How far points [...,3] lie from the ground and the facades; with an axis from those across x (0) or y (1)."""
    walls = np.minimum(np.abs(world[..., 0] - LEFT), np.abs(world[..., 0] - RIGHT))
    ground = np.abs(world[..., 1] - GROUND)
    return np.minimum(walls, ground) if axis is None else (walls, ground)[axis]


def off_edge(world: Array) -> Array:
    """How far points [...,3] on the street lie from the nearest edge of a tile, where colours change."""
    wall = off_surface(world, axis=1) > off_surface(world, axis=0)
    across = np.stack([np.where(wall, world[..., 1], world[..., 0]), world[..., 2]], axis=-1)
    return np.abs(across - TILE * np.rint(across / TILE)).min(axis=-1)


def _scrambled(numbers: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    mixed = (numbers + salt * 0x9E3779B9) & 0xFFFFFFFF
    for shift, factor in ((16, 0x45D9F3B), (16, 0x45D9F3B)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & 0xFFFFFFFF
    return mixed ^ (mixed >> 16)
