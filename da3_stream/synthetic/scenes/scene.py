"""A scene to render: standing and moving shapes, textures, sky and sun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..materials.atlas import Atlas
from .shapes import Shapes
from .terrain import FLAT, Terrain

UInt8 = NDArray[np.uint8]


class Mover(NamedTuple):
    """A body that follows a closed route over the ground; its faces lie around its own origin, its front along x."""

    body: Shapes
    route: NDArray[np.float64]  # [P,2], the last point joins the first
    distance_at: Callable[[float], float]  # time in seconds -> metres along the route
    terrain: Terrain = FLAT

    def at(self, time: float) -> Shapes:
        """The body's faces in the world at a time in seconds."""
        step = np.linalg.norm(np.roll(self.route, -1, axis=0) - self.route, axis=1)
        along = np.concatenate([[0.0], step.cumsum()])
        ahead = min(self.distance_at(time) % along[-1] + 0.5, along[-1])
        closed = np.concatenate([self.route, self.route[:1]])
        flat = np.array([[np.interp(d, along, closed[:, k]) for k in (0, 1)] for d in (ahead - 0.5, ahead)])
        here, there = np.column_stack([flat, self.terrain.height(flat[:, 0])])
        forward = (there - here) / np.linalg.norm(there - here)
        left = np.array([-forward[1], forward[0], 0.0]) / np.linalg.norm(forward[:2])
        pose = np.eye(4)
        pose[:3, :3] = np.stack([forward, left, np.cross(forward, left)], axis=1)
        pose[:3, 3] = here
        return self.body.transform(pose)


@dataclass(frozen=True, eq=False)
class SyntheticScene:
    """Everything that is rendered; world axes x east, y north, z up, in metres."""

    shapes: Shapes
    atlas: Atlas
    clouds: NDArray[np.float32]  # [T,T], tiled
    sun: NDArray[np.float64]  # [3], unit vector towards the light
    movers: tuple[Mover, ...] = ()

    def at(self, time: float) -> Shapes:
        """All shapes at a time in seconds."""
        return self.shapes.add_faces([mover.at(time) for mover in self.movers])


class TextureBank:
    """Textures [h,w,3] by kind, numbered in the order in which they are added."""

    def __init__(self) -> None:
        self.images: list[UInt8] = []
        self._kinds: dict[str, list[int]] = {}

    def add(self, kind: str, *images: UInt8) -> None:
        """Add textures of one kind."""
        for image in images:
            self._kinds.setdefault(kind, []).append(len(self.images))
            self.images.append(image)

    def of_kind(self, kind: str) -> list[int]:
        """The numbers of all textures of a kind."""
        return self._kinds[kind]

    def choose(self, kind: str, rng: np.random.Generator) -> int:
        """The number of a random texture of a kind."""
        return self._kinds[kind][rng.integers(len(self._kinds[kind]))]
