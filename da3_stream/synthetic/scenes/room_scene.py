"""A furnished room to walk around in with the camera in the hand."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..materials.atlas import Atlas
from ..materials.sky import cloud_cover
from ..materials.textures import leaves, modulate, noise, patches, plain_surface, planks, stain, texels
from .scene import SyntheticScene, TextureBank
from .shapes import Ball, Face, Footing, Shapes, box, floor, footing, wall

UInt8 = NDArray[np.uint8]

ROOM_M = (7.4, 6.2, 2.7)
_PER_METRE = 90


def room_scene(seed: int) -> SyntheticScene:
    """The room around the origin, its floor at z = 0: walls, a table with things on it, shelves along the walls."""
    rng = np.random.default_rng([seed, 4])
    bank = _room_textures(rng)
    faces = _shell(bank) + _table(bank, rng) + _along_the_walls(bank, rng)
    pot = np.array([0.2, 0.1, 1.1])
    plant = [Ball(pot + rng.normal(0, 0.08, 3) * (1, 1, 0), 0.14, bank.choose("plant", rng)) for _ in range(4)]
    lamp = np.array([0.2, 0.3, 0.93])
    return SyntheticScene(Shapes.of(faces, plant), Atlas.of(bank.images), cloud_cover(rng), lamp / np.linalg.norm(lamp))


def _room_textures(rng: np.random.Generator) -> TextureBank:
    bank = TextureBank()
    wide, deep, high = (texels(length, _PER_METRE) for length in ROOM_M)
    bank.add("wall", *(_papered_wall(rng, (high, width)) for width in (wide, deep, wide, deep)))
    bank.add("floor", planks(rng, (deep, wide), (12, 110), (150, 110, 74)))
    bank.add("ceiling", _ceiling(rng, (deep, wide)))
    bank.add("rug", _rug(rng))
    bank.add("shelf", *(_shelf(rng) for _ in range(6)))
    bank.add("wood", *(planks(rng, (192, 256), (24, 200), rng.uniform(70, 170, 3).tolist()) for _ in range(6)))
    bank.add("cloth", *(plain_surface(rng, (128, 128), rng.uniform(60, 200, 3).tolist(), 0.25, 16) for _ in range(6)))
    bank.add("print", *(_print(rng) for _ in range(12)))
    bank.add("plant", leaves(rng, (128, 256), (70, 110, 60)))
    return bank


def _papered_wall(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """Wallpaper with pictures hung on it."""
    stripes = 0.05 * patches(rng, shape, (shape[0], 18), -0.6)
    colour = (rng.uniform(150, 215, 3)).tolist()
    image = modulate(colour, stripes + 0.07 * noise(rng, shape, 64, 6, 0.85), rng)
    for left in range(20, shape[1] - 140, 130):
        if rng.random() < 0.75:
            high, wide = rng.integers(50, 110, 2).tolist()
            x, y = left + int(rng.integers(0, 30)), int(rng.integers(40, 90))
            cv2.rectangle(image, (x - 5, y - 5), (x + wide + 4, y + high + 4), rng.uniform(20, 200, 3).tolist(), -1)
            image[y : y + high, x : x + wide] = cv2.resize(_print(rng), (wide, high), interpolation=cv2.INTER_AREA)
    return stain(rng, image, 12, 60)


def _print(rng: np.random.Generator) -> UInt8:
    """A painting, a poster, the front of a box: blots, strokes, letters."""
    image = plain_surface(rng, (128, 128), rng.uniform(60, 220, 3).tolist(), 0.3, 32)
    for _ in range(9):
        (x, y), (w, h) = rng.integers(0, 110, 2).tolist(), rng.integers(6, 40, 2).tolist()
        colour = rng.uniform(10, 245, 3).tolist()
        if rng.random() < 0.5:
            cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
        else:
            cv2.ellipse(image, (x, y), (w, h), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    word = "".join(rng.choice(list("abcdefghkmnoprstuwxyz"), 5))
    position = (8, int(rng.integers(30, 120)))
    cv2.putText(image, word, position, cv2.FONT_HERSHEY_DUPLEX, 1.1, (20, 20, 24), 2, cv2.LINE_AA)
    return image


def _ceiling(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    panels = 0.05 * patches(rng, shape, (54, 54), -2.5, 0.0)
    return modulate((208, 206, 200), panels + 0.08 * noise(rng, shape, 64, 6, 0.9), rng)


def _rug(rng: np.random.Generator) -> UInt8:
    image = plain_surface(rng, (256, 384), (140, 62, 56), 0.15, 16)
    for inset in range(8, 110, 17):
        cv2.rectangle(image, (inset, inset), (383 - inset, 255 - inset), rng.uniform(40, 220, 3).tolist(), 4)
    return stain(rng, image, 14, 50)


def _shelf(rng: np.random.Generator) -> UInt8:
    """The front of a bookcase: rows of spines."""
    image = modulate((60, 46, 36), 0.1 * noise(rng, (192, 192), 32, 4), rng)
    for top in (6, 68, 130):
        x = 6
        while x < 176:
            wide, high = int(rng.integers(5, 14)), int(rng.integers(36, 52))
            spine = image[top + 54 - high : top + 54, x : x + wide]
            spine[:] = modulate(rng.uniform(40, 220, 3).tolist(), 0.12 * noise(rng, spine.shape[:2], 8, 3), rng)
            spine[high // 5 : high // 5 + 3] = rng.uniform(40, 240, 3)
            x += wide + int(rng.integers(0, 3))
    return image


def _shell(bank: TextureBank) -> list[Face]:
    """Walls seen from inside, floor with a rug, ceiling."""
    wide, deep, high = ROOM_M
    corner = footing(-wide / 2, -deep / 2)
    outer = corner.sides(wide, deep)
    inside = [(Footing(foot.at(width), -foot.right, -foot.behind), width) for foot, width in outer]
    walls = [wall(foot, width, high, image) for (foot, width), image in zip(inside, bank.of_kind("wall"), strict=True)]
    ceiling = Face(corner.at(0, 0, high), wide * corner.right, deep * corner.behind, bank.of_kind("ceiling")[0])
    ground = floor(corner, wide, deep, bank.of_kind("floor")[0])
    return [*walls, ceiling, ground, floor(footing(-1.5, -1.0, 0.01), 3.0, 2.0, bank.of_kind("rug")[0])]


def _table(bank: TextureBank, rng: np.random.Generator) -> list[Face]:
    """A table amid the room: a top on four legs, boxes and books on it, two stools beside it."""
    wood = bank.choose("wood", rng)
    faces = [
        face
        for x in (-0.65, 0.55)
        for y in (-0.45, 0.37)
        for face in box(footing(x, y), (0.08, 0.08, 0.71), [wood], wood)
    ]
    faces += box(footing(-0.75, -0.5, 0.71), (1.5, 1.0, 0.05), [wood], wood)
    for x, y in ((-0.5, -0.25), (-0.1, 0.2), (0.3, -0.2), (-0.45, 0.2), (0.1, -0.3)):
        size = tuple(rng.uniform((0.12, 0.1, 0.08), (0.3, 0.24, 0.4)).tolist())
        foot = footing(x, y, 0.76, rng.uniform(-0.5, 0.5))
        faces += box(foot, size, [bank.choose("print", rng), bank.choose("print", rng)], bank.choose("print", rng))
    for x, y in ((-1.1, 0.5), (0.5, -0.95)):
        cloth = bank.choose("cloth", rng)
        faces += box(footing(x, y, 0.0, rng.uniform(-0.4, 0.4)), (0.42, 0.42, 0.45), [cloth], bank.choose("cloth", rng))
    return faces


def _along_the_walls(bank: TextureBank, rng: np.random.Generator) -> list[Face]:
    """Bookcases, chests and chairs against the walls, their fronts to the middle of the room."""
    faces: list[Face] = []
    for side, length in footing(-ROOM_M[0] / 2, -ROOM_M[1] / 2).sides(ROOM_M[0], ROOM_M[1]):
        at = rng.uniform(0.5, 1.0)
        while at < length - 1.4:
            wide, deep = rng.uniform(0.6, 1.1), rng.uniform(0.25, 0.4)
            foot = Footing(side.at(at + wide, deep), -side.right, -side.behind)
            if rng.random() < 0.45:
                size = (wide, deep, rng.uniform(1.2, 1.9))
                faces += box(
                    foot, size, [bank.choose("shelf", rng), bank.choose("wood", rng)], bank.choose("wood", rng)
                )
            else:
                size = (wide, deep, rng.uniform(0.4, 0.8))
                faces += box(foot, size, [bank.choose("wood", rng)], bank.choose("cloth", rng))
                top = Footing(foot.at(wide * 0.3, 0.06, size[2]), foot.right, foot.behind)
                texture = bank.choose("print", rng)
                faces += box(top, (0.25, 0.15, rng.uniform(0.15, 0.4)), [texture], texture)
            at += wide + rng.uniform(0.1, 0.6)
    return faces
