"""Loops that are not certain wait for a neighbour that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..types import Float64, LoopCandidate, LoopEdge, LoopRefusal
from .drift import Drift
from .keyframes import middle, scene_depth
from .verify import MapQuery

NEAR = 2  # windows on both sides
MAX_TURN, MAX_LOG_SCALE, MAX_SHIFT = 0.1, 0.15, 1.0  # by which neighbours may differ: radians, -, depths


class TemporalConsistency:
    """Called once for every window with what its candidates became."""

    def __init__(self, map_so_far: MapQuery) -> None:
        self._map = map_so_far
        self._held: list[LoopEdge] = []
        self._believed: list[LoopEdge] = []
        self._views: dict[int, tuple[Float64, float]] = {}

    def settle(self, verdicts: Sequence[LoopEdge | LoopRefusal], window: int) -> list[LoopEdge | LoopRefusal]:
        """What is decided now: certain loops, held ones that a neighbour agrees with, refusals; in order of arrival.

        A loop that waited for more than `NEAR` windows is refused.
        """
        pool = [*self._held, *(verdict for verdict in verdicts if isinstance(verdict, LoopEdge))]
        known = [*self._believed, *pool]
        good = [edge for edge in pool if edge.certain or any(self._agree(edge, other) for other in known)]
        waiting = [edge for edge in pool if edge not in good]
        late = [edge for edge in waiting if window - edge.submaps[1] > NEAR]
        self._held = [edge for edge in waiting if edge not in late]
        self._believed = [edge for edge in (*self._believed, *good) if window - edge.submaps[1] <= NEAR]
        self._views = {k: view for k, view in self._views.items() if window - k <= 3 * NEAR}
        refused = [verdict for verdict in verdicts if isinstance(verdict, LoopRefusal)]
        return [*good, *refused, *map(_uncorroborated, late)]

    def state(self) -> dict[str, Any]:
        """What must survive a kill, ready for JSON."""
        return {
            "held": [_written(edge) for edge in self._held],
            "believed": [_written(edge) for edge in self._believed],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._held, self._believed = ([_read(edge) for edge in state[key]] for key in ("held", "believed"))

    def close(self) -> list[LoopRefusal]:
        """At the end of a run: what still waited is refused."""
        held, self._held = self._held, []
        return [_uncorroborated(edge) for edge in held]

    def _seen(self, window: int) -> tuple[Float64, float]:
        """Where a window's camera is and how deep it sees, read once."""
        if window not in self._views:
            geometry = self._map.geometry(window)
            self._views[window] = middle(geometry), scene_depth(geometry)
        return self._views[window]

    def _agree(self, edge: LoopEdge, other: LoopEdge) -> bool:
        """Whether two loops of neighbouring places move the later one alike (two of the same pair of frames do not)."""
        if edge is other or any(abs(i - j) > NEAR for i, j in zip(edge.submaps, other.submaps, strict=True)):
            return False
        window = edge.submaps[1]
        place, depth = self._seen(window)
        world_from_b = self._map.world_from_window(window)
        b_from_other_b = world_from_b.inverse() @ self._map.world_from_window(other.submaps[1])
        other_a_from_b = other.a_from_b @ b_from_other_b.inverse()
        first = self._map.world_from_window(edge.submaps[0]) @ edge.a_from_b
        second = self._map.world_from_window(other.submaps[0]) @ other_a_from_b
        drift = Drift.implied(first, Sim3.identity(), second, place)
        return (
            abs(drift.log_scale) <= MAX_LOG_SCALE
            and drift.turn <= MAX_TURN
            and drift.shift <= MAX_SHIFT * depth * first.scale
        )


def _uncorroborated(edge: LoopEdge) -> LoopRefusal:
    return LoopRefusal(edge.candidate, "uncertain, and no neighbour says the same", edge.evidence)


def _written(edge: LoopEdge) -> dict[str, Any]:
    return {
        "candidate": asdict(edge.candidate),
        "windows": list(edge.submaps),
        "a_from_b": edge.a_from_b.numbers().tolist(),
        "information": edge.information.tolist(),
        "evidence": dict(edge.evidence),
        "certain": edge.certain,
    }


def _read(values: dict[str, Any]) -> LoopEdge:
    return LoopEdge(
        LoopCandidate(**values["candidate"]),
        (values["windows"][0], values["windows"][1]),
        Sim3.from_numbers(values["a_from_b"]),
        np.array(values["information"]),
        values["evidence"],
        values["certain"],
    )
