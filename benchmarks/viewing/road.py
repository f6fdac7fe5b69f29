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

    def seen(self, centres: Float64, uv: Float64) -> tuple[Float64, NDArray[np.uint8]]:
        """Depth [M] and colour [M,3] at pixels [M,2] of cameras at centres [M,3]; depth 0 in the sky."""
        k = self.intrinsics
        x, y = (uv[:, 0] - k[0, 2]) / k[0, 0], (uv[:, 1] - k[1, 2]) / k[1, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            ground = np.where(y > 0, (GROUND - centres[:, 1]) / y, np.inf)
            front = np.where(x != 0, (np.copysign(SIDE, x) - centres[:, 0]) / x, np.inf)
        depth = np.minimum(ground, front)
        place = centres + depth[:, None] * np.stack([x, y, np.ones_like(x)], axis=-1)
        sky = ~(depth < FAR) | ((front < ground) & (place[:, 1] < GROUND - roof(place[:, 2])))
        colour = colour_at(place)
        colour[sky] = (140, 180, 220)
        return np.where(sky, 0.0, depth), colour


def roof(z: Float64) -> Float64:
    """Height [M] of the houses' fronts along the road."""
    house = np.floor(np.where(np.isfinite(z), z, 0) / BLOCK)
    return 4.0 + 7.0 * np.abs(np.sin(12.9898 * house))


def colour_at(place: Float64) -> NDArray[np.uint8]:
    """Colour [M,3] of the road's surfaces at places [M,3] of the world: squares of 2 m, each house in its own tint."""
    with np.errstate(invalid="ignore"):
        finite = np.nan_to_num(place, nan=0, posinf=0, neginf=0)
    house = np.floor(finite[:, 2] / BLOCK)
    light = 0.75 + 0.25 * (np.floor(finite / 2.0).sum(axis=1) % 2)
    tint = 130 + 90 * np.sin(house[:, None] * [0.7, 1.3, 2.1] + [0.0, 2.0, 4.0])
    tint = np.where((np.abs(finite[:, 0]) < SIDE - 1e-3)[:, None], [110.0, 108, 104], tint)
    return np.clip(tint * light[:, None], 0, 255).astype(np.uint8)
