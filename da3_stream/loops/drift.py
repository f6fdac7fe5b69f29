"""What a loop says of the drift of the map so far, and whether a map drifts so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3


@dataclass(frozen=True)
class Bounds:
    """The most that is believed: a constant and what every window, or every length travelled, adds."""

    log_scale: tuple[float, float]
    turn: tuple[float, float]  # radians
    shift: tuple[float, float]  # depths of the scene, and share of the way


USUAL = Bounds((0.1, 0.03), (0.1, 0.01), (1.0, 0.05))
POSSIBLE = Bounds((0.3, 0.1), (0.3, 0.05), (3.0, 0.5))


@dataclass(frozen=True)
class Drift:
    """How far a loop moves the later place: log-scale, turn in radians, shift in the map's units."""

    log_scale: float
    turn: float
    shift: float

    @staticmethod
    def implied(world_from_a: Sim3, a_from_b: Sim3, world_from_b: Sim3, place: NDArray[np.float64]) -> Drift:
        """By a loop a_from_b, at a place [3] in window b."""
        moved = world_from_a @ a_from_b
        turn = (moved.rotation @ world_from_b.rotation.T).trace()
        return Drift(
            float(np.log(moved.scale / world_from_b.scale)),
            float(np.arccos(np.clip((turn - 1) / 2, -1, 1))),
            float(np.linalg.norm(moved.apply(place) - world_from_b.apply(place))),
        )

    def within(self, bounds: Bounds, windows: int, travelled: float, depth: float) -> bool:
        """Whether so many windows and such a way explain it; lengths in the map's units."""
        return (
            abs(self.log_scale) <= bounds.log_scale[0] + bounds.log_scale[1] * windows
            and self.turn <= bounds.turn[0] + bounds.turn[1] * windows
            and self.shift <= bounds.shift[0] * depth + bounds.shift[1] * travelled
        )
