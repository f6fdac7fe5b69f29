"""Textures of house fronts: a wall of brick, plaster, stone or boards, windows in floors and columns, a door, a sign.

No two windows of a front are alike, and no two fronts of a town: streets can be told apart.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .textures import Colour, modulate, noise, patches, stain, texels

UInt8 = NDArray[np.uint8]

PER_METRE = 40
COLUMN_M, FLOOR_M = 2.4, 2.9
_WALLS = (
    (150, 82, 62), (176, 112, 84), (196, 176, 142), (208, 200, 184), (168, 172, 176), (190, 150, 104), (136, 120, 108),
    (204, 186, 110), (150, 168, 180), (178, 128, 122), (122, 138, 120), (214, 190, 168), (120, 86, 74), (186, 196, 186),
)  # fmt: skip
_TRIMS = ((232, 230, 224), (70, 62, 54), (206, 196, 172), (54, 74, 64), (120, 60, 48), (60, 76, 110))


def facade(rng: np.random.Generator, columns: int, floors: int) -> UInt8:
    """The front of a house of so many window columns and floors."""
    shape = (texels(floors * FLOOR_M, PER_METRE), texels(columns * COLUMN_M, PER_METRE))
    image = _bare_wall(rng, shape)
    trim, door = _TRIMS[rng.integers(len(_TRIMS))], int(rng.integers(columns))
    cell = (shape[0] / floors, shape[1] / columns)
    style = _WindowStyle(rng)
    for level in range(floors):
        for column in range(columns):
            origin = (round(column * cell[1]), round(level * cell[0]))
            if level == floors - 1 and column == door:
                _door(rng, image, origin, cell, trim)
            elif rng.random() < 0.93:
                style.draw(rng, image, origin, cell, trim)
        _ledge(rng, image, round(level * cell[0]), trim)
    _extras(rng, image, cell)
    return stain(rng, image, 14, 60)


def side_wall(rng: np.random.Generator) -> UInt8:
    """A side or back of a house: bare wall, few windows, patches of old plaster."""
    shape = (texels(3 * FLOOR_M, PER_METRE), texels(8.0, PER_METRE))
    image = _bare_wall(rng, shape)
    style, trim = _WindowStyle(rng), _TRIMS[rng.integers(len(_TRIMS))]
    cell = (shape[0] / 3, shape[1] / 3)
    for _ in range(int(rng.integers(1, 5))):
        column, level = rng.integers(3), rng.integers(3)
        style.draw(rng, image, (round(column * cell[1]), round(level * cell[0])), cell, trim)
    _extras(rng, image, cell)
    return stain(rng, image, 20, 80)


def _bare_wall(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    colour = np.array(_WALLS[rng.integers(len(_WALLS))]) * rng.uniform(0.85, 1.1) + rng.normal(0, 6, 3)
    bond = ((3, 10), (16, 34), (24, 60), (6, 120), (5, 5))[rng.integers(5)]
    relief = rng.uniform(0.07, 0.15) * patches(rng, shape, bond, -1.8)
    weather = 0.10 * noise(rng, shape, 128, 3, 0.8) + 0.11 * noise(rng, shape, 16, 5, 0.9)
    damp = -0.25 * np.linspace(-0.2, 1, shape[0], dtype=np.float32)[:, None] ** 8
    return modulate(colour.tolist(), relief + weather + damp, rng, 0.03)


class _WindowStyle:
    """What the windows of one house share: their size in their cell, their bars, their lintel."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.wide, self.high = rng.uniform(0.38, 0.68), rng.uniform(0.44, 0.66)
        self.top = rng.uniform(0.16, 0.9 - self.high)
        self.bars = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        self.lintel, self.frame = bool(rng.random() < 0.6), int(rng.integers(2, 5))
        self.shutters = bool(rng.random() < 0.3)

    def draw(
        self, rng: np.random.Generator, image: UInt8, origin: tuple[int, int], cell: tuple[float, float], trim: Colour
    ) -> None:
        """Draw one window into the cell whose top left texel is at `origin` (x, y)."""
        high, wide = int(cell[0] * self.high), int(cell[1] * self.wide)
        x = origin[0] + int(cell[1] - wide) // 2 + int(rng.integers(-3, 4))
        y = origin[1] + int(cell[0] * self.top)
        cv2.rectangle(image, (x - self.frame, y - self.frame), (x + wide, y + high), trim, -1)
        pane = image[y : y + high - self.frame, x : x + wide - self.frame]
        pane[:] = _pane(rng, pane.shape[:2])
        for k in range(1, self.bars[0]):
            cv2.line(image, (x + k * wide // self.bars[0], y), (x + k * wide // self.bars[0], y + high), trim, 2)
        for k in range(1, self.bars[1]):
            cv2.line(image, (x, y + k * high // self.bars[1]), (x + wide, y + k * high // self.bars[1]), trim, 2)
        cv2.rectangle(image, (x - 6, y + high), (x + wide + 5, y + high + 4), _shade(trim, 0.8), -1)
        if self.lintel:
            cv2.rectangle(image, (x - 8, y - 12), (x + wide + 7, y - 5), _shade(trim, 0.9), -1)
        if self.shutters:
            _shutters(rng, image, (x, y), (wide, high), trim)
        if rng.random() < 0.25:
            _flowers(rng, image, (x, y + high - 5), wide)


def _pane(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """What is seen in a window: reflections, curtains, a blind."""
    height, width = shape
    tone = rng.uniform(30, 85)
    sheen = np.linspace(rng.uniform(-0.2, 0.5), rng.uniform(-0.4, 0.2), height, dtype=np.float32)[:, None]
    glass = modulate((tone * 0.9, tone, tone * 1.12), sheen + 0.22 * noise(rng, shape, 32, 5, 0.8), rng)
    cloth = rng.uniform(110, 225, 3).tolist()
    if rng.random() < 0.6:
        folds = 0.12 * np.sin(np.arange(width) * rng.uniform(0.5, 1.2)).astype(np.float32)
        curtain = modulate(cloth, folds + 0.06 * noise(rng, shape, 8, 3), rng)
        left, right = (rng.uniform(0.0, 0.4, 2) * width).astype(int)
        glass[:, :left], glass[:, width - right :] = curtain[:, :left], curtain[:, width - right :]
    if rng.random() < 0.4:
        drop = int(rng.uniform(0.15, 0.8) * height)
        glass[:drop] = modulate(cloth, 0.15 * patches(rng, shape, (4, width), -1.0)[:drop], rng)
    return glass


def _door(
    rng: np.random.Generator, image: UInt8, origin: tuple[int, int], cell: tuple[float, float], trim: Colour
) -> None:
    high, wide = int(cell[0] * 0.78), int(cell[1] * rng.uniform(0.4, 0.5))
    x, y = origin[0] + int(cell[1] - wide) // 2, origin[1] + int(cell[0]) - high
    cv2.rectangle(image, (x - 4, y - 4), (x + wide + 3, y + high), trim, -1)
    leaf = image[y : y + high, x : x + wide]
    leaf[:] = modulate(rng.uniform(40, 170, 3).tolist(), 0.10 * noise(rng, leaf.shape[:2], 16, 4, 0.8), rng)
    for top in (0.08, 0.42, 0.7):
        corner = (x + wide // 6, y + int(top * high)), (x + wide - wide // 6, y + int((top + 0.24) * high))
        cv2.rectangle(image, *corner, (50, 46, 42), 1)
    cv2.circle(image, (x + wide - 6, y + high // 2), 2, (220, 200, 120), -1)
    number = str(rng.integers(1, 99))
    cv2.putText(image, number, (x + wide + 6, y + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, trim, 1, cv2.LINE_AA)


def _ledge(rng: np.random.Generator, image: UInt8, y: int, trim: Colour) -> None:
    if rng.random() < 0.5:
        cv2.rectangle(image, (0, y), (image.shape[1], y + 5), _shade(trim, rng.uniform(0.7, 0.95)), -1)
        cv2.line(image, (0, y + 6), (image.shape[1], y + 6), (60, 56, 52), 1)


def _shutters(
    rng: np.random.Generator, image: UInt8, corner: tuple[int, int], size: tuple[int, int], trim: Colour
) -> None:
    (x, y), (wide, high) = corner, size
    for left in (x - 4 - wide // 3, x + wide + 2):
        cv2.rectangle(image, (left, y), (left + wide // 3, y + high), _shade(trim, 0.7), -1)
        for row in range(y + 3, y + high, 5):
            cv2.line(image, (left + 2, row), (left + wide // 3 - 2, row), _shade(trim, rng.uniform(0.4, 0.6)), 1)


def _flowers(rng: np.random.Generator, image: UInt8, corner: tuple[int, int], wide: int) -> None:
    for _ in range(wide // 2):
        centre = (corner[0] + int(rng.integers(0, wide)), corner[1] + int(rng.integers(-6, 7)))
        colour = ((200, 60, 70), (90, 130, 60), (230, 200, 90), (70, 110, 60))[rng.integers(4)]
        cv2.circle(image, centre, int(rng.integers(2, 4)), colour, -1)


def _extras(rng: np.random.Generator, image: UInt8, cell: tuple[float, float]) -> None:
    """A drainpipe, a shop sign, ivy, posters: each on some houses."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        x = int(rng.uniform(0.02, 0.98) * width)
        cv2.rectangle(image, (x, 0), (x + 4, height), (96, 96, 92), -1)
    if rng.random() < 0.45:
        _sign(rng, image, height - int(cell[0] * 1.0), int(cell[0] * 0.17))
    if rng.random() < 0.3:
        _ivy(rng, image)
    for _ in range(int(rng.integers(0, 4))):
        x, y = int(rng.uniform(0, 0.9) * width), int(height - rng.uniform(0.3, 0.9) * cell[0])
        poster = image[y : y + 34, x : x + 24]
        poster[:] = modulate(rng.uniform(60, 240, 3).tolist(), 0.4 * noise(rng, poster.shape[:2], 8, 2), rng, 0.2)


def _sign(rng: np.random.Generator, image: UInt8, y: int, high: int) -> None:
    wide = int(rng.uniform(0.35, 0.8) * image.shape[1])
    x = int(rng.uniform(0, image.shape[1] - wide))
    cv2.rectangle(image, (x, y), (x + wide, y + high), rng.uniform(20, 230, 3).tolist(), -1)
    word = "".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVXZ"), 6))
    cv2.putText(
        image, word, (x + 6, y + high - 5), cv2.FONT_HERSHEY_SIMPLEX, high / 34, (250, 246, 230), 2, cv2.LINE_AA
    )


def _ivy(rng: np.random.Generator, image: UInt8) -> None:
    shape = image.shape[:2]
    rise = np.linspace(-1.6, 0.9, shape[0], dtype=np.float32)[:, None]
    lean = rng.uniform(-1.5, 1.5) * np.linspace(-1, 1, shape[1], dtype=np.float32)
    grown = noise(rng, shape, 64, 5) + rise + lean > 0.5
    image[grown] = modulate((70, 98, 48), 0.30 * noise(rng, shape, 8, 3, 0.9), rng, 0.05)[grown]


def _shade(colour: Colour, factor: float) -> tuple[float, ...]:
    return tuple(factor * channel for channel in colour)
