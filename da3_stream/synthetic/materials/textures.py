"""Procedural textures of building materials, [h,w,3] uint8 RGB, with detail at every scale for feature matching.

Sides are rounded up to multiples of `GRAIN`. Every function draws from the generator it is given and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .atlas import GRAIN

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Colour = Sequence[float]


def texels(metres: float, per_metre: float) -> int:
    """A side in texels: the length at a density, rounded up to a whole `GRAIN`."""
    return max(1, -int(-metres * per_metre // GRAIN)) * GRAIN


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: int, octaves: int, gain: float = 0.6) -> Float32:
    """Smooth noise of about unit variance: `octaves` layers, each half as coarse, the first with `cell` texels a cell.

    `cell` is a power of two. The noise tiles where the sides are multiples of it.
    """
    rows, columns = (-(-side // cell) for side in shape)
    total = rng.standard_normal((rows, columns)).astype(np.float32)
    power = 0.5
    for octave in range(1, min(octaves, cell.bit_length())):
        total = _upsample(total, 2)
        total += np.float32(gain**octave) * rng.standard_normal(total.shape, np.float32)
        power += 0.5 * gain ** (2 * octave)
    total = _upsample(total, (rows * cell) // total.shape[0])
    return total[: shape[0], : shape[1]] / np.float32(np.sqrt(power))


def _upsample(grid: Float32, factor: int) -> Float32:
    """A tiled grid with `factor` times as many points in both directions."""
    if factor == 1:
        return grid
    padded = cv2.copyMakeBorder(grid, 1, 1, 1, 1, cv2.BORDER_WRAP)
    large = cv2.resize(padded, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    return large[factor:-factor, factor:-factor]


def patches(
    rng: np.random.Generator, shape: tuple[int, int], size: tuple[int, int], joint: float, bond: float = 0.5
) -> Float32:
    """Brightness of a bond of stones or planks of (height, width) texels: one value a piece, `joint` between them.

    Every other course is shifted by `bond` of a stone's width.
    """
    high, wide = size
    courses, across = -(-shape[0] // high), -(-shape[1] // wide)
    value = rng.normal(0.0, 1.0, (courses, across)).astype(np.float32)
    out = value.repeat(high, axis=0).repeat(wide, axis=1)
    out[:, ::wide] = joint
    out = out.reshape(courses, high, -1)
    out[1::2] = np.roll(out[1::2], int(bond * wide), axis=2)
    out[:, 0] = joint
    return out.reshape(courses * high, -1)[: shape[0], : shape[1]]


def modulate(colour: Colour, brightness: Float32, rng: np.random.Generator, hue: float = 0.02) -> UInt8:
    """A colour times exp(brightness) with a slow drift of hue, as a texture [h,w,3]; `brightness` is [h,w]."""
    drift = hue * noise(rng, brightness.shape, 64, 2)
    factor = np.exp(brightness)
    channels = [colour[0] * factor * (1 + drift), colour[1] * factor, colour[2] * factor * (1 - drift)]
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


def stain(rng: np.random.Generator, image: UInt8, count: int, reach: int) -> UInt8:
    """Lay `count` soft dark or light blots of up to `reach` texels on a texture, in place."""
    height, width = image.shape[:2]
    for _ in range(count):
        x, y, r = rng.integers(width), rng.integers(height), int(rng.integers(reach // 4 + 1, reach + 1))
        part = image[max(0, y - r) : y + r, max(0, x - r) : x + r]
        rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
        squared_distance = ((rows - part.shape[0] / 2) ** 2 + (columns - part.shape[1] / 2) ** 2) / (r * r)
        weight = np.clip(1 - squared_distance * rng.uniform(1, 2), 0, 1)[..., None] * rng.uniform(-0.25, 0.18)
        part[:] = (part * (1 + weight)).clip(0, 255).astype(np.uint8)
    return image


def draw_cracks(rng: np.random.Generator, image: UInt8, count: int, colour: Colour, step: float = 14.0) -> UInt8:
    """Draw `count` wandering thin lines, in place."""
    height, width = image.shape[:2]
    for _ in range(count):
        turns = rng.normal(0, 0.5, 12).cumsum() + rng.uniform(0, 6.3)
        walk = np.stack([np.cos(turns), np.sin(turns)], axis=1).cumsum(axis=0) * step
        points = (walk + (rng.uniform(0, width), rng.uniform(0, height))).astype(np.int32)
        cv2.polylines(image, [points], False, colour, 1, cv2.LINE_AA)
    return image


def plain_surface(
    rng: np.random.Generator, shape: tuple[int, int], colour: Colour, contrast: float = 0.12, cell: int = 32
) -> UInt8:
    """Plaster, fabric, earth: a colour with noise at all scales; it tiles but for its blots."""
    return modulate(colour, contrast * noise(rng, shape, cell, 6, 0.75), rng)


def asphalt(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """Road surface: grain, repaired rectangles, cracks, stains and a manhole."""
    tone = rng.uniform(84, 108)
    bright = 0.20 * noise(rng, shape, 64, 7, 0.85)
    for _ in range(shape[0] * shape[1] // 40000):
        (y, x), (high, wide) = rng.integers(0, shape), rng.integers(16, 90, 2)
        bright[y : y + high, x : x + wide] += np.float32(rng.normal(0, 0.22))
    image = modulate((tone, tone, tone * 1.03), bright, rng)
    area = shape[0] * shape[1]
    draw_cracks(rng, image, area // 9000, (52, 52, 52))
    stain(rng, image, area // 9000, 30)
    _draw_specks(rng, image, area // 2500)
    x, y = int(rng.integers(20, shape[1] - 20)), int(rng.integers(20, shape[0] - 20))
    cv2.circle(image, (x, y), 12, (60, 58, 56), -1, cv2.LINE_AA)
    cv2.circle(image, (x, y), 9, (92, 90, 88), 2, cv2.LINE_AA)
    return image


def paving(rng: np.random.Generator, shape: tuple[int, int], stone: tuple[int, int], colour: Colour) -> UInt8:
    """Paving stones, each of its own brightness, with dirt, leaves and chewing gum."""
    bright = 0.12 * patches(rng, shape, stone, -2.5) + 0.12 * noise(rng, shape, 64, 7, 0.85)
    image = modulate(colour, bright, rng)
    area = shape[0] * shape[1]
    stain(rng, image, area // 12000, 26)
    return _draw_specks(rng, image, area // 900)


def grass(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """A meadow seen from above; it tiles."""
    image = modulate((98, 120, 70), 0.20 * noise(rng, shape, 64, 7, 0.85), rng, 0.04)
    return _draw_specks(rng, image, shape[0] * shape[1] // 1500)


def _draw_specks(rng: np.random.Generator, image: UInt8, count: int) -> UInt8:
    """Small dots of many colours: leaves, litter, flowers."""
    height, width = image.shape[:2]
    colours = ((150, 110, 50), (70, 60, 50), (180, 170, 150), (120, 140, 60), (60, 60, 64))
    centres = rng.integers(0, (width, height), (count, 2)).tolist()
    kind, radius = rng.integers(len(colours), size=count).tolist(), rng.integers(1, 3, count).tolist()
    for centre, k, r in zip(centres, kind, radius, strict=True):
        cv2.circle(image, centre, r, colours[k], -1)
    return image


def leaves(rng: np.random.Generator, shape: tuple[int, int], colour: Colour) -> UInt8:
    """Foliage: clumps of light leaves over dark gaps."""
    clump = noise(rng, shape, 32, 2) * 0.4 + noise(rng, shape, 8, 4, 0.95) * 0.9
    return modulate(colour, (0.5 * np.tanh(clump)).astype(np.float32), rng, 0.05)


def bark(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """A trunk: ridges along it."""
    ridges = noise(rng, (shape[0] // 8, shape[1]), 4, 2).repeat(8, axis=0)
    return modulate((104, 84, 66), 0.25 * ridges + 0.15 * noise(rng, shape, 16, 4), rng)


def planks(rng: np.random.Generator, shape: tuple[int, int], size: tuple[int, int], colour: Colour) -> UInt8:
    """Boards or roof tiles in courses."""
    bright = 0.13 * patches(rng, shape, size, -2.5, rng.uniform(0.3, 0.7)) + 0.07 * noise(rng, shape, 32, 5, 0.8)
    return stain(rng, modulate(colour, bright, rng), shape[0] * shape[1] // 8000, 32)


def gravel(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """A flat roof: gravel, seams, patches of felt."""
    tone = rng.uniform(110, 160)
    bright = 0.12 * noise(rng, shape, 64, 3) + 0.13 * noise(rng, shape, 4, 3, 0.9)
    for _ in range(6):
        (y, x), (high, wide) = rng.integers(0, shape), rng.integers(16, 70, 2)
        bright[y : y + high, x : x + wide] += np.float32(rng.normal(0, 0.3))
    image = modulate((tone, tone * 0.97, tone * 0.92), bright, rng)
    return draw_cracks(rng, image, 8, (70, 70, 70), 24.0)
