"""Drift of the map that a loop implies, and how much drift is plausible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3


@dataclass(frozen=True)
class DriftBounds:
    """The largest plausible drift: a constant, and what every submap, or the length of the path between, adds."""

    log_scale: tuple[float, float]
    turn: tuple[float, float]  # radians
    shift: tuple[float, float]  # in depths of the scene, and as a share of the path length


USUAL_DRIFT = DriftBounds((0.1, 0.03), (0.1, 0.01), (1.0, 0.05))
POSSIBLE_DRIFT = DriftBounds((0.3, 0.1), (0.3, 0.05), (3.0, 0.5))


@dataclass(frozen=True)
class Drift:
    """How far a loop would move the later submap: log-scale, turn in radians, shift in the map's units."""

    log_scale: float
    turn: float
    shift: float

    @staticmethod
    def of_loop(world_from_a: Sim3, a_from_b: Sim3, world_from_b: Sim3, point: NDArray[np.float64]) -> Drift:
        """The drift that a loop a_from_b implies, its shift measured at a point [3] of submap b."""
        moved = world_from_a @ a_from_b
        turn = (moved.rotation @ world_from_b.rotation.T).trace()
        return Drift(
            float(np.log(moved.scale / world_from_b.scale)),
            float(np.arccos(np.clip((turn - 1) / 2, -1, 1))),
            float(np.linalg.norm(moved.apply(point) - world_from_b.apply(point))),
        )

    def within(self, bounds: DriftBounds, submaps: int, path_length: float, depth: float) -> bool:
        """Whether the submaps and the path between both visits explain it; lengths in the map's units."""
        return (
            abs(self.log_scale) <= bounds.log_scale[0] + bounds.log_scale[1] * submaps
            and self.turn <= bounds.turn[0] + bounds.turn[1] * submaps
            and self.shift <= bounds.shift[0] * depth + bounds.shift[1] * path_length
        )
