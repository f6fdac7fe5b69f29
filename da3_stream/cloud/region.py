"""A box or a ball to which a cloud is cropped, in the coordinates of the file that is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..types import Float64

SYNTAX = "box:X,Y,Z,X,Y,Z (two opposite corners), sphere:X,Y,Z,RADIUS or object"


@dataclass(frozen=True, eq=False)
class Box:
    """What lies between two corners [3], along the axes."""

    low: Float64
    high: Float64

    def contains(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of the points [M,3] lie inside, edges included."""
        return np.asarray(((points >= self.low) & (points <= self.high)).all(axis=1))

    def __str__(self) -> str:
        return f"box:{_text([*self.low, *self.high])}"


@dataclass(frozen=True, eq=False)
class Ball:
    """What lies within a radius of a centre [3]."""

    centre: Float64
    radius: float

    def contains(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of the points [M,3] lie inside, the surface included."""
        return np.asarray(((points - self.centre) ** 2).sum(axis=1) <= self.radius**2)

    def __str__(self) -> str:
        return f"sphere:{_text([*self.centre, self.radius])}"


@dataclass(frozen=True, eq=False)
class Crop:
    """A region, and how points of a run's world come into its coordinates."""

    region: Box | Ball
    region_from_world: Sim3 = field(default_factory=Sim3.identity)

    def contains(self, xyz: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of the points [M,3] of the world lie in it."""
        return self.region.contains(self.region_from_world.apply(xyz))


def read_region(text: str) -> Box | Ball | None:
    """A region as it is written on the command line; None for "object". Raises ValueError for anything else."""
    kind, _, rest = text.strip().partition(":")
    if kind == "object" and not rest:
        return None
    try:
        numbers = np.array([float(word) for word in rest.split(",")])
    except ValueError:
        numbers = np.zeros(0)
    if kind == "box" and len(numbers) == 6 and np.isfinite(numbers).all():
        corners = numbers.reshape(2, 3)
        return Box(corners.min(axis=0), corners.max(axis=0))
    if kind == "sphere" and len(numbers) == 4 and np.isfinite(numbers).all() and numbers[3] > 0:
        return Ball(numbers[:3], float(numbers[3]))
    raise ValueError(f"expected {SYNTAX}, not {text!r}")


def _text(numbers: list[float]) -> str:
    return ",".join(f"{number:.6g}" if abs(number) < 1e5 else f"{number:.3f}" for number in numbers)
