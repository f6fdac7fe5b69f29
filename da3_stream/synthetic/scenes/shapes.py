"""The shapes of a scene: flat faces and balls, each with a texture. World axes: x east, y north, z up, metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...geometry.sim3_closed_forms import hat

Vector = NDArray[np.float64]
UP = np.array([0.0, 0.0, 1.0])
WHITE = (1.0, 1.0, 1.0)


class Face(NamedTuple):
    """A flat quadrilateral as its viewer sees it: its top left corner, its edges to the right and downwards.

    `taper` narrows the top symmetrically: 0 is a parallelogram, 1 a triangle. The texture fills the face `repeat`
    times to the right and downwards (whole numbers for textures that tile, at most 1 for the others).
    """

    origin: Vector  # [3]
    right: Vector  # [3]
    down: Vector  # [3]
    texture: int
    repeat: tuple[float, float] = (1.0, 1.0)
    tint: tuple[float, float, float] = WHITE
    taper: float = 0.0


class Ball(NamedTuple):
    """A sphere with a texture wrapped around it."""

    centre: Vector  # [3]
    radius: float
    texture: int
    tint: tuple[float, float, float] = WHITE


@dataclass(frozen=True, eq=False)
class Shapes:
    """F faces and S balls as arrays; a face is seen only from the side that right x down points away from."""

    origin: Vector  # [F,3]
    edges: Vector  # [F,2,3]: right, down
    taper: Vector  # [F]
    texture: NDArray[np.int64]  # [F+S], faces first
    repeat: Vector  # [F,2]
    tint: Vector  # [F+S,3]
    centre: Vector  # [S,3]
    radius: Vector  # [S]

    @staticmethod
    def of(faces: Sequence[Face], balls: Sequence[Ball] = ()) -> Shapes:
        """The arrays of single faces and balls."""
        texture = [face.texture for face in faces] + [ball.texture for ball in balls]
        tint = [face.tint for face in faces] + [ball.tint for ball in balls]
        return Shapes(
            np.array([face.origin for face in faces]).reshape(-1, 3),
            np.array([(face.right, face.down) for face in faces]).reshape(-1, 2, 3),
            np.array([face.taper for face in faces], np.float64),
            np.array(texture, np.int64),
            np.array([face.repeat for face in faces], np.float64).reshape(-1, 2),
            np.array(tint, np.float64).reshape(-1, 3),
            np.array([ball.centre for ball in balls]).reshape(-1, 3),
            np.array([ball.radius for ball in balls], np.float64),
        )

    def transform(self, world_from_body: ArrayLike) -> Shapes:
        """The shapes in the world, by the rigid pose [4,4] of the body that they form."""
        motion = np.asarray(world_from_body, np.float64)
        rotation, translation = motion[:3, :3], motion[:3, 3]
        return replace(
            self,
            origin=self.origin @ rotation.T + translation,
            edges=self.edges @ rotation.T,
            centre=self.centre @ rotation.T + translation,
        )

    def add_faces(self, others: Sequence[Shapes]) -> Shapes:
        """These shapes and the faces of others, which must have no balls."""
        if not others:
            return self
        faces = len(self.origin)
        texture = [self.texture[:faces], *(other.texture for other in others), self.texture[faces:]]
        tint = [self.tint[:faces], *(other.tint for other in others), self.tint[faces:]]
        return replace(
            self,
            origin=np.concatenate([self.origin, *(other.origin for other in others)]),
            edges=np.concatenate([self.edges, *(other.edges for other in others)]),
            taper=np.concatenate([self.taper, *(other.taper for other in others)]),
            repeat=np.concatenate([self.repeat, *(other.repeat for other in others)]),
            texture=np.concatenate(texture),
            tint=np.concatenate(tint),
        )


class Footing(NamedTuple):
    """Where a box stands: the left end of its front's lower edge, and the unit directions along it and behind it."""

    corner: Vector  # [3]
    right: Vector  # [3]
    behind: Vector  # [3]

    def at(self, right: float, behind: float = 0.0, up: float = 0.0) -> Vector:
        """The point so many metres to the right of the corner, behind it and above it."""
        return self.corner + right * self.right + behind * self.behind + up * UP

    def sides(self, width: float, depth: float) -> list[tuple[Footing, float]]:
        """The four sides of a box (front, right, back, left) as footings of their own, with their widths."""
        right, behind = self.right, self.behind
        return [
            (self, width),
            (Footing(self.at(width), behind, -right), depth),
            (Footing(self.at(width, depth), -right, -behind), width),
            (Footing(self.at(0.0, depth), -behind, right), depth),
        ]


def footing(x: float, y: float, z: float = 0.0, heading: float = 0.0) -> Footing:
    """A footing at a point whose front runs in the direction `heading` (radians from east to north)."""
    right = np.array([np.cos(heading), np.sin(heading), 0.0])
    return Footing(np.array([x, y, z], np.float64), right, hat(UP) @ right)


class Material(NamedTuple):
    """How a texture lies on a face: the fields of the same names in `Face`."""

    repeat: tuple[float, float] = (1.0, 1.0)
    tint: tuple[float, float, float] = WHITE
    taper: float = 0.0


DEFAULT_MATERIAL = Material()


def wall(foot: Footing, width: float, height: float, texture: int, material: Material = DEFAULT_MATERIAL) -> Face:
    """An upright face on a footing."""
    return Face(foot.at(0.0, 0.0, height), width * foot.right, -height * UP, texture, *material)


def floor(foot: Footing, width: float, depth: float, texture: int, material: Material = DEFAULT_MATERIAL) -> Face:
    """A level face seen from above."""
    return Face(foot.at(0.0, depth), width * foot.right, -depth * foot.behind, texture, *material)


def box(
    foot: Footing,
    size: tuple[float, float, float],
    sides: Sequence[int],
    top: int,
    material: Material = DEFAULT_MATERIAL,
) -> list[Face]:
    """Four walls (front, right, back, left; textures used in turn) and the top of a box (width, depth, height)."""
    width, depth, height = size
    walls = [
        wall(side, length, height, sides[i % len(sides)], material)
        for i, (side, length) in enumerate(foot.sides(width, depth))
    ]
    return [*walls, floor(Footing(foot.at(0, 0, height), foot.right, foot.behind), width, depth, top, material)]
