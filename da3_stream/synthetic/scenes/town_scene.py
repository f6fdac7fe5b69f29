"""The town: its textures, and where houses, trees, cars and everything else stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..materials import facades
from ..materials.atlas import Atlas
from ..materials.sky import cloud_cover
from ..paths import round_corners
from .scene import Mover, SyntheticScene, TextureBank
from .shapes import UP, Ball, Face, Footing, Material, Shapes, box, floor, footing, wall
from .streets import HOUSES_M, KERB_M, PAVEMENT_M, PITCH_M, ROAD_M, SLAB_M, TownPlan
from .terrain import FLAT, Terrain
from .town_textures import town_textures

_Size = tuple[float, float, float]

_HOUSE_DEPTH_M = 9.0
_CAR_M = (4.2, 1.75)
_TRAFFIC_LANE_M = 1.45
_PAINTS = ((1.1, 1.1, 1.1), (0.4, 0.4, 0.43), (0.7, 0.72, 0.75), (0.8, 0.25, 0.22), (0.3, 0.42, 0.7), (0.35, 0.5, 0.4))
SUN = np.array([0.48, -0.60, 0.64])


def town_scene(
    plan: TownPlan, seed: int, cars: int, terrain: Terrain = FLAT, convoy: Convoy | None = None
) -> SyntheticScene:
    """The whole town of a plan, with `cars` in its traffic and a convoy ahead of the camera if there is one."""
    rng = np.random.default_rng([seed, 1])
    bank = town_textures(rng)
    faces: list[Face] = _ground(plan, bank, rng, terrain.sag)
    balls: list[Ball] = []
    houses = _HouseBuilder(bank, rng)
    for cell in plan.cells():
        centre = np.array([cell[0] * PITCH_M[0], cell[1] * PITCH_M[1], KERB_M])
        faces += _slab(centre, bank, rng)
        for side, length in _sides(centre, HOUSES_M, _HOUSE_DEPTH_M):
            faces += houses.row(side, length)
        for side, length in _sides(centre, SLAB_M, 0.0):
            faces += _street_furniture(side, length, bank, rng, balls)
    faces += _street_ends(plan, houses)
    atlas = Atlas.of(bank.images)
    clouds, sun, traffic = cloud_cover(rng), SUN / np.linalg.norm(SUN), _traffic(plan, cars, bank, rng, terrain)
    traffic += _convoy_cars(convoy, bank, rng, terrain) if convoy else ()
    return SyntheticScene(terrain.lift(Shapes.of(faces, balls)), atlas, clouds, sun, traffic)


def _sides(centre: np.ndarray, size: tuple[float, float], shorten: float) -> list[tuple[Footing, float]]:
    """The four sides of a rectangle as seen from the street: east and west ones shortened at both ends."""
    south = Footing(centre - (size[0] / 2, size[1] / 2, 0.0), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    sides = south.sides(*size)
    cut = [(Footing(foot.at(shorten), foot.right, foot.behind), length - 2 * shorten) for foot, length in sides[1::2]]
    return [sides[0], cut[0], sides[2], cut[1]]


def _ground(plan: TownPlan, bank: TextureBank, rng: np.random.Generator, sag: float) -> list[Face]:
    """The meadow around, then road pieces: crossings, and the stretches between them."""
    faces = [floor(footing(-512, -512, -0.05 - sag), 1024, 1024, bank.choose("grass", rng), Material((64, 64)))]
    half = ROAD_M / 2
    for i in range(-1, plan.blocks[0] + 2):
        for j in range(-1, plan.blocks[1] + 2):
            x, y = (i - 0.5) * PITCH_M[0], (j - 0.5) * PITCH_M[1]
            northwards, eastwards = footing(x - half, y + half), footing(x + half + SLAB_M[0], y - half, 0, np.pi / 2)
            faces.append(floor(footing(x - half, y - half), ROAD_M, ROAD_M, bank.choose("crossing", rng)))
            faces.append(floor(northwards, ROAD_M, SLAB_M[1], bank.choose("road", rng)))
            faces.append(floor(eastwards, ROAD_M, SLAB_M[0], bank.choose("road", rng)))
    return faces


def _slab(centre: np.ndarray, bank: TextureBank, rng: np.random.Generator) -> list[Face]:
    corner = footing(centre[0] - SLAB_M[0] / 2, centre[1] - SLAB_M[1] / 2)
    return box(corner, (*SLAB_M, KERB_M), [bank.choose("kerb", rng)], bank.choose("slab", rng))


@dataclass(frozen=True, eq=False)
class Convoy:
    """Cars that keep the gaps ahead of the camera, which drives along a route [P,2] and has come `distances` [N] (m) at
    `times` [N] (s)."""

    route: np.ndarray
    times: np.ndarray
    distances: np.ndarray
    gaps_m: tuple[float, ...]

    def distance_at(self, gap_m: float, time: float) -> float:
        """Metres along the route of a car `gap_m` ahead of the camera, at a time in seconds."""
        return gap_m + float(np.interp(time, self.times, self.distances))


class _HouseBuilder:
    """Builds rows of houses; fronts are dealt from the bank like cards, so that equal ones stand far apart."""

    def __init__(self, bank: TextureBank, rng: np.random.Generator) -> None:
        self.bank, self.rng, self.deck = bank, rng, list[int]()

    def row(self, side: Footing, length: float) -> list[Face]:
        """Houses along a side of a block, their widths fitted to its length."""
        fronts, widths = list[int](), list[float]()
        while sum(widths) < length - 3.0:
            front = self._deal()
            fronts.append(front)
            widths.append(self._columns(front) * self.rng.uniform(2.1, 2.6))
        ends = np.concatenate([[0.0], np.cumsum(widths) * length / sum(widths)])
        return [
            face
            for front, start, end in zip(fronts, ends, ends[1:], strict=False)
            for face in self.build(side, start, end - start, front)
        ]

    def build(self, side: Footing, start: float, width: float, front: int) -> list[Face]:
        """One house: a box set back a little, a roof, chimneys and the like."""
        rng, bank = self.rng, self.bank
        detached = rng.random() < 0.3
        gap, back = (rng.uniform(0.5, 1.2), rng.uniform(0, 0.9)) if detached else (0.0, rng.uniform(0, 0.4))
        foot = Footing(side.at(start + gap / 2, back), side.right, side.behind)
        size = (width - gap, _HOUSE_DEPTH_M - back - 0.5, self._floors(front) * rng.uniform(2.7, 3.1))
        sides = [front, bank.choose("side", rng), bank.choose("side", rng), bank.choose("side", rng)]
        faces = box(foot, size, sides, bank.choose("gravel", rng), Material(tint=_tint(rng.uniform(0.88, 1.08, 3))))
        top = Footing(foot.at(0, 0, size[2]), foot.right, foot.behind)
        if rng.random() < 0.6:
            return faces[:4] + _gable(top, size, rng.uniform(1.6, 3.2), bank.choose("tiles", rng), sides[1])
        return faces + _roof_fittings(top, size, bank, rng)

    def _deal(self) -> int:
        if not self.deck:
            self.deck = self.rng.permutation(self.bank.of_kind("facade")).tolist()
        return self.deck.pop()

    def _columns(self, front: int) -> int:
        return round(self.bank.images[front].shape[1] / (facades.COLUMN_M * facades.PER_METRE) - 0.2)

    def _floors(self, front: int) -> int:
        return round(self.bank.images[front].shape[0] / (facades.FLOOR_M * facades.PER_METRE) - 0.2)


def _gable(top: Footing, size: _Size, rise: float, tiles: int, side: int) -> list[Face]:
    """A roof with its ridge along the front."""
    width, depth, _ = size
    feet = top.sides(width, depth)
    slopes = [
        Face(foot.at(0, depth / 2, rise), length * foot.right, -depth / 2 * foot.behind - rise * UP, tiles)
        for foot, length in feet[::2]
    ]
    return slopes + [wall(foot, length, rise, side, Material((1.0, 0.3), taper=1.0)) for foot, length in feet[1::2]]


def _roof_fittings(top: Footing, size: _Size, bank: TextureBank, rng: np.random.Generator) -> list[Face]:
    """Chimneys and air conditioners on a flat roof."""
    faces = []
    for _ in range(int(rng.integers(1, 4))):
        right, behind = rng.uniform((0.2, 0.2), (size[0] - 2.0, size[1] - 2.0))
        foot = Footing(top.at(right, behind), top.right, top.behind)
        faces += _crate(foot, ((0.5, 0.5, 0.5), (1.8, 1.8, 1.6)), "crate", bank, rng)
    return faces


def _street_furniture(
    side: Footing, length: float, bank: TextureBank, rng: np.random.Generator, balls: list[Ball]
) -> list[Face]:
    """Trees, lamp posts, crates on the pavement and parked cars beside it, along one side of a block."""
    faces: list[Face] = []
    at = rng.uniform(2.0, 4.0)
    while at < length - 2.0:
        foot = Footing(side.at(at, rng.uniform(0.3, 0.6)), side.right, side.behind)
        kind = rng.random()
        if kind < 0.35:
            faces += _tree(foot, bank, rng, balls)
        elif kind < 0.5:
            faces += _crate(foot, ((0.14, 0.14, 3.5), (0.16, 0.16, 5.0)), "bark", bank, rng)
        else:
            faces += _crate(foot, ((0.5, 0.4, 0.5), (1.3, 0.7, 1.2)), "crate", bank, rng)
        if kind > 0.82 and 5.0 < at < length - 8.0:
            faces += _car(Footing(side.at(at, -2.0, -KERB_M), side.right, side.behind), bank, rng)
            at += 3.0
        at += rng.uniform(3.0, 6.0)
    return faces


def _crate(
    foot: Footing, sizes: tuple[_Size, _Size], kind: str, bank: TextureBank, rng: np.random.Generator
) -> list[Face]:
    """A box of a random size between two, all of it in one texture of a kind."""
    width, depth, height = rng.uniform(*sizes).tolist()
    texture = bank.choose(kind, rng)
    return box(foot, (width, depth, height), [texture], texture)


def _tint(channels: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = channels.tolist()
    return red, green, blue


def _tree(foot: Footing, bank: TextureBank, rng: np.random.Generator, balls: list[Ball]) -> list[Face]:
    high, thick = rng.uniform(1.9, 2.8), rng.uniform(0.2, 0.4)
    tint = _tint(rng.uniform(0.8, 1.15) * rng.uniform((0.85, 1.0, 0.8), (1.2, 1.0, 1.0)))
    for _ in range(4):
        offset = rng.normal(0, 0.42, 3) + (0, 0, high + 0.9)
        balls.append(Ball(foot.corner + offset, rng.uniform(0.7, 1.15), bank.choose("leaves", rng), tint))
    return box(foot, (thick, thick, high + 0.5), [bank.choose("bark", rng)], bank.choose("bark", rng))


def _car(foot: Footing, bank: TextureBank, rng: np.random.Generator) -> list[Face]:
    """A car, its length along the footing: a body and a cabin."""
    material = Material(tint=_tint(np.array(_PAINTS[rng.integers(len(_PAINTS))]) * rng.uniform(0.9, 1.1)))
    sides = [bank.choose("car side", rng), bank.choose("car end", rng)]
    body = box(foot, (*_CAR_M, 0.85), sides, bank.choose("car top", rng), material)
    cabin = Footing(foot.at(rng.uniform(0.7, 1.1), 0.12, 0.85), foot.right, foot.behind)
    return body + box(cabin, (2.1, 1.5, 0.6), [bank.choose("car glass", rng)], bank.choose("car top", rng), material)


def _street_ends(plan: TownPlan, houses: _HouseBuilder) -> list[Face]:
    """Houses across the end of every street, so that no street runs out into the open."""
    west, south = (-1.5 * pitch for pitch in PITCH_M)
    east, north = ((n + 0.5) * pitch for n, pitch in zip(plan.blocks, PITCH_M, strict=True))
    beyond, wide = ROAD_M / 2 + PAVEMENT_M, PITCH_M[0] * 0.6
    faces: list[Face] = []
    for i in range(plan.blocks[0] + 1):
        x = (i - 0.5) * PITCH_M[0]
        faces += houses.row(footing(x - wide / 2, north + beyond), wide)
        faces += houses.row(footing(x + wide / 2, south - beyond, 0, np.pi), wide)
    for j in range(plan.blocks[1] + 1):
        y = (j - 0.5) * PITCH_M[1]
        faces += houses.row(footing(east + beyond, y + wide / 2, 0, -np.pi / 2), wide)
        faces += houses.row(footing(west - beyond, y - wide / 2, 0, np.pi / 2), wide)
    return faces


def _traffic(
    plan: TownPlan, cars: int, bank: TextureBank, rng: np.random.Generator, terrain: Terrain
) -> tuple[Mover, ...]:
    """Cars that drive around the traffic blocks in the lane that comes towards an anticlockwise driver."""
    route = round_corners(plan.loop(-_TRAFFIC_LANE_M)[::-1], 6.0)
    length = float(np.linalg.norm(np.roll(route, -1, axis=0) - route, axis=1).sum())
    speed = float(rng.uniform(4.0, 6.0))
    starts = (np.arange(cars) + rng.uniform(-0.2, 0.2, cars)) * length / max(cars, 1)
    return tuple(Mover(_body(bank, rng), route, partial(_steady_distance, float(m), speed), terrain) for m in starts)


def _convoy_cars(convoy: Convoy, bank: TextureBank, rng: np.random.Generator, terrain: Terrain) -> tuple[Mover, ...]:
    """Cars that keep their distance from the camera."""
    return tuple(
        Mover(_body(bank, rng), convoy.route, partial(convoy.distance_at, gap), terrain) for gap in convoy.gaps_m
    )


def _steady_distance(start_m: float, speed_mps: float, time: float) -> float:
    return start_m + speed_mps * time


def _body(bank: TextureBank, rng: np.random.Generator) -> Shapes:
    """A car around its own origin, its front along x."""
    return Shapes.of(_car(footing(-_CAR_M[0] / 2, -_CAR_M[1] / 2), bank, rng))
