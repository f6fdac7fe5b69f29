"""The textures of a town."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..materials.facades import facade, side_wall
from ..materials.textures import (
    asphalt,
    bark,
    grass,
    gravel,
    leaves,
    modulate,
    noise,
    paving,
    plain_surface,
    planks,
    stain,
    texels,
)
from .scene import TextureBank
from .streets import PAVEMENT_M, ROAD_M, SLAB_M

UInt8 = NDArray[np.uint8]

_FACADES = 96
_ROAD_PER_METRE = 34
_SLAB_PER_METRE = 26


def town_textures(rng: np.random.Generator) -> TextureBank:
    """About 170 textures; equal generators give equal ones."""
    bank = TextureBank()
    bank.add("facade", *(facade(rng, int(rng.integers(2, 5)), int(rng.integers(2, 5))) for _ in range(_FACADES)))
    bank.add("side", *(side_wall(rng) for _ in range(12)))
    bank.add("grass", grass(rng, (512, 512)))
    bank.add("road", *(_road(rng) for _ in range(8)))
    bank.add("crossing", *(asphalt(rng, (320, 320)) for _ in range(4)))
    bank.add("slab", *(_slab(rng) for _ in range(4)))
    bank.add("kerb", paving(rng, (64, 1024), (64, 32), (150, 148, 142)))
    bank.add("tiles", *(planks(rng, (256, 320), (9, 7), colour) for colour in _TILES))
    bank.add("gravel", *(gravel(rng, (320, 320)) for _ in range(6)))
    bank.add("leaves", *(leaves(rng, (192, 384), colour) for colour in _LEAVES))
    bank.add("bark", *(bark(rng, (192, 64)) for _ in range(3)))
    bank.add("crate", *(_crate(rng) for _ in range(12)))
    _add_car_textures(rng, bank)
    return bank


_TILES = ((150, 74, 52), (120, 66, 54), (96, 92, 92), (134, 96, 66), (110, 62, 60), (84, 88, 98))
_LEAVES = ((84, 112, 52), (98, 120, 58), (66, 98, 50), (120, 118, 60))


def _road(rng: np.random.Generator) -> UInt8:
    """A stretch between two crossings, seen with its length upright: edge lines, a broken middle line, zebras."""
    wide, long = texels(ROAD_M, _ROAD_PER_METRE), texels(SLAB_M[1], _ROAD_PER_METRE)
    image = asphalt(rng, (long, wide))
    paint = np.zeros((long, wide), np.float32)
    centre = wide // 2
    for y in range(130, long - 150, 110):
        paint[y : y + 62, centre - 3 : centre + 3] = 1
    for x in (12, wide - 16):
        paint[:, x : x + 4] = 0.8
    for top in (12, long - 92):
        for x in range(22, wide - 30, 36):
            paint[top : top + 80, x : x + 18] = 1
    worn = np.clip(paint * (0.85 + 0.28 * noise(rng, paint.shape, 32, 5, 0.8)), 0, 0.95)[..., None]
    return (image + worn * (np.array([222, 220, 210]) - image)).astype(np.uint8)


def _slab(rng: np.random.Generator) -> UInt8:
    """The ground of a block: kerb stones, pavement, and a courtyard of grass, beds and paths inside."""
    high, wide = texels(SLAB_M[1], _SLAB_PER_METRE), texels(SLAB_M[0], _SLAB_PER_METRE)
    scale = (wide / SLAB_M[0], high / SLAB_M[1])
    image = paving(rng, (high, wide), (10, 15), (158, 152, 144))
    x, y = (int((PAVEMENT_M + 4.0) * s) for s in scale)
    inside = image[y : high - y, x : wide - x]
    inside[:] = grass(rng, inside.shape[:2])
    for _ in range(10):
        corner = rng.integers(0, (inside.shape[1] - 60, inside.shape[0] - 60))
        bed = inside[corner[1] : corner[1] + rng.integers(20, 90), corner[0] : corner[0] + rng.integers(20, 90)]
        bed[:] = plain_surface(rng, bed.shape[:2], rng.uniform(60, 170, 3).tolist(), 0.2)
    rim = paving(rng, (high, wide), (13, 26), (176, 174, 168))
    for edge in (np.s_[:7], np.s_[-7:], np.s_[:, :7], np.s_[:, -7:]):
        image[edge] = rim[edge]
    return image


def _crate(rng: np.random.Generator) -> UInt8:
    """Bins, boxes, planters: boards or painted metal with stickers."""
    colour = (rng.uniform(60, 180) + rng.uniform(-35, 35, 3)).tolist()
    image = planks(rng, (64, 64), (int(rng.integers(6, 14)), 64), colour)
    for _ in range(3):
        x, y, w, h = rng.integers((2, 2, 6, 6), (44, 44, 20, 20)).tolist()
        cv2.rectangle(image, (x, y), (x + w, y + h), (rng.uniform(50, 210) + rng.uniform(-30, 30, 3)).tolist(), -1)
    return stain(rng, image, 6, 20)


def _add_car_textures(rng: np.random.Generator, bank: TextureBank) -> None:
    for _ in range(3):
        side = modulate((190, 190, 194), 0.16 * noise(rng, (64, 192), 16, 5, 0.9), rng)
        for x in (36, 156):
            cv2.circle(side, (x, 50), 17, (24, 24, 26), -1, cv2.LINE_AA)
            cv2.circle(side, (x, 50), 9, (150, 152, 156), -1, cv2.LINE_AA)
            cv2.line(side, (x - 9, 50), (x + 9, 50), (60, 60, 64), 2)
        for x in (70, 118):
            cv2.line(side, (x, 0), (x + int(rng.integers(-4, 5)), 58), (40, 40, 44), 1)
            cv2.rectangle(side, (x + 6, 16), (x + 16, 19), (30, 30, 30), -1)
        end = modulate((180, 180, 184), 0.10 * noise(rng, (64, 64), 32, 6, 0.85), rng)
        cv2.rectangle(end, (14, 30), (49, 42), (240, 236, 190), -1)
        cv2.putText(end, str(rng.integers(100, 999)), (16, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (20, 20, 20), 1)
        for x in (3, 52):
            cv2.rectangle(end, (x, 12), (x + 8, 22), (250, 190, 120), -1)
        bank.add("car side", side)
        bank.add("car end", end)
        bank.add("car top", plain_surface(rng, (64, 192), (196, 196, 200), 0.18, 16))
        bank.add("car glass", plain_surface(rng, (64, 128), (60, 68, 78), 0.35, 16))
