"""Temporal consistency: a loop that is not certain waits until a loop between neighbouring submaps agrees with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..types import Float64, LoopCandidate, LoopEdge, LoopRefusal
from .drift import Drift
from .keyframes import median_camera_centre, scene_depth
from .verify import MapQuery

NEIGHBOUR_RANGE = 2  # submaps before and after that count as neighbours, on both sides of a loop
MAX_ROTATION, MAX_LOG_SCALE, MAX_SHIFT = 0.1, 0.15, 1.0  # differences between loops that agree: radians, -, depths


class TemporalConsistency:
    """Called once for every window with the loops and refusals of its candidates; holds the loops that wait."""

    def __init__(self, map_query: MapQuery) -> None:
        self._map = map_query
        self._waiting: list[LoopEdge] = []
        self._accepted: list[LoopEdge] = []
        self._camera_cache: dict[int, tuple[Float64, float]] = {}

    def settle(self, results: Sequence[LoopEdge | LoopRefusal], submap: int) -> list[LoopEdge | LoopRefusal]:
        """What is decided at a submap: loops that are certain or that a neighbour agrees with, then refusals.

        A loop that waited for more than `NEIGHBOUR_RANGE` submaps is refused.
        """
        pool = [*self._waiting, *(result for result in results if isinstance(result, LoopEdge))]
        known = [*self._accepted, *pool]
        good = [edge for edge in pool if edge.certain or any(self._agree(edge, other) for other in known)]
        waiting = [edge for edge in pool if edge not in good]
        late = [edge for edge in waiting if submap - edge.submaps[1] > NEIGHBOUR_RANGE]
        self._waiting = [edge for edge in waiting if edge not in late]
        self._accepted = [edge for edge in (*self._accepted, *good) if submap - edge.submaps[1] <= NEIGHBOUR_RANGE]
        self._camera_cache = {
            k: camera for k, camera in self._camera_cache.items() if submap - k <= 3 * NEIGHBOUR_RANGE
        }
        refused = [result for result in results if isinstance(result, LoopRefusal)]
        return [*good, *refused, *map(_refuse, late)]

    def state(self) -> dict[str, Any]:
        """What must survive a kill, ready for JSON."""
        return {
            "waiting": [_pack(edge) for edge in self._waiting],
            "accepted": [_pack(edge) for edge in self._accepted],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._waiting, self._accepted = ([_unpack(edge) for edge in state[key]] for key in ("waiting", "accepted"))

    def close(self) -> list[LoopRefusal]:
        """Refuse the loops that still wait at the end of a run."""
        waiting, self._waiting = self._waiting, []
        return [_refuse(edge) for edge in waiting]

    def _camera(self, submap: int) -> tuple[Float64, float]:
        """Median camera centre [3] and depth of a submap, read once."""
        if submap not in self._camera_cache:
            geometry = self._map.geometry(submap)
            self._camera_cache[submap] = median_camera_centre(geometry), scene_depth(geometry)
        return self._camera_cache[submap]

    def _agree(self, edge: LoopEdge, other: LoopEdge) -> bool:
        """Whether two loops between neighbouring submaps would move the later submap alike."""
        if edge is other or any(abs(i - j) > NEIGHBOUR_RANGE for i, j in zip(edge.submaps, other.submaps, strict=True)):
            return False
        submap = edge.submaps[1]
        centre, depth = self._camera(submap)
        world_from_b = self._map.world_from_window(submap)
        b_from_other_b = world_from_b.inverse() @ self._map.world_from_window(other.submaps[1])
        other_a_from_b = other.a_from_b @ b_from_other_b.inverse()
        first = self._map.world_from_window(edge.submaps[0]) @ edge.a_from_b
        second = self._map.world_from_window(other.submaps[0]) @ other_a_from_b
        drift = Drift.of_loop(first, Sim3.identity(), second, centre)
        return (
            abs(drift.log_scale) <= MAX_LOG_SCALE
            and drift.turn <= MAX_ROTATION
            and drift.shift <= MAX_SHIFT * depth * first.scale
        )


def _refuse(edge: LoopEdge) -> LoopRefusal:
    return LoopRefusal(edge.candidate, "uncertain, and no neighbour says the same", edge.evidence)


def _pack(edge: LoopEdge) -> dict[str, Any]:
    return {
        "candidate": asdict(edge.candidate),
        "submaps": list(edge.submaps),
        "a_from_b": edge.a_from_b.numbers().tolist(),
        "information": edge.information.tolist(),
        "evidence": dict(edge.evidence),
        "certain": edge.certain,
    }


def _unpack(values: dict[str, Any]) -> LoopEdge:
    return LoopEdge(
        LoopCandidate(**values["candidate"]),
        (values["submaps"][0], values["submaps"][1]),
        Sim3.from_numbers(values["a_from_b"]),
        np.array(values["information"]),
        values["evidence"],
        values["certain"],
    )
