"""A straight road between houses with exact truth, of any length: its surfaces, colours, cameras and what they see.

The road runs along z of the world, y points down, as in a run whose world is its first camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import intrinsics_matrix
from da3_stream.types import Float64

GROUND, SIDE, FAR = 1.5, 8.0, 60.0  # m: below the camera, to the fronts of the houses, and as far as depth goes
BLOCK = 20.0  # m: a house
FPS = 10.0
SKY = (140, 180, 220)


@dataclass(frozen=True)
class Road:
    """So many frames, evenly along a road so many metres long, with images of so many pixels (width, height)."""

    frames: int
    length: float
    size: tuple[int, int]

    @property
    def intrinsics(self) -> Float64:
        """[3,3]"""
        width, height = self.size
        return intrinsics_matrix(0.8 * width, 0.8 * width, width / 2, height / 2)

    def centres(self, frames: NDArray[np.int64]) -> Float64:
        """Camera centres [K,3] in the world: the camera sways, and always looks ahead."""
        z = frames * (self.length / self.frames)
        return np.stack([1.5 * np.sin(z / 40), 0.2 * np.sin(z / 15), z], axis=-1)

    def surfaces(self, centres: Float64, uv: Float64) -> tuple[Float64, Float64]:
        """Depth [M], 0 in the sky, and places [M,3] in the world of what pixels [M,2] of cameras at [M,3] see."""
        k = self.intrinsics
        x, y = (uv[:, 0] - k[0, 2]) / k[0, 0], (uv[:, 1] - k[1, 2]) / k[1, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            ground = np.where(y > 0, (GROUND - centres[:, 1]) / y, np.inf)
            front = np.where(x != 0, (np.copysign(SIDE, x) - centres[:, 0]) / x, np.inf)
        depth = np.minimum(ground, front)
        depth[~(depth < FAR)] = 0.0
        places = centres + depth[:, None] * np.stack([x, y, np.ones_like(x)], axis=-1)
        depth[(front < ground) & (places[:, 1] < GROUND - roof(places[:, 2]))] = 0.0
        return depth, places

    def picture(self, frame: int) -> tuple[Float64, NDArray[np.uint8]]:
        """Depth [H,W] and image [H,W,3] of a frame."""
        width, height = self.size
        v, u = np.mgrid[0:height, 0:width].reshape(2, -1) + 0.5
        centres = np.broadcast_to(self.centres(np.array([frame])), (len(u), 3))
        depth, places = self.surfaces(centres, np.stack([u, v], axis=-1))
        colour = np.where((depth > 0)[:, None], colour_at(places), np.array(SKY, np.uint8))
        return depth.reshape(height, width), colour.reshape(height, width, 3)


def roof(z: Float64) -> Float64:
    """Height [M] of the houses' fronts along the road."""
    house = np.floor(z / BLOCK)
    return 4.0 + 7.0 * np.abs(np.sin(12.9898 * house))


def colour_at(place: Float64) -> NDArray[np.uint8]:
    """Colour [M,3] of the road's surfaces at places [M,3] of the world: squares of 2 m, each house in its own tint."""
    house = np.floor(place[:, 2] / BLOCK)
    squares = np.floor(place[:, 0] / 2) + np.floor(place[:, 1] / 2) + np.floor(place[:, 2] / 2)
    light = 0.75 + 0.25 * (squares % 2)
    colour = np.empty((len(place), 3), np.uint8)
    on_ground = np.abs(place[:, 0]) < SIDE - 1e-3
    for channel in range(3):
        tint = 130 + 90 * np.sin(house * (0.7, 1.3, 2.1)[channel] + 2.0 * channel)
        colour[:, channel] = np.where(on_ground, (110.0, 108.0, 104.0)[channel], tint) * light
    return colour
