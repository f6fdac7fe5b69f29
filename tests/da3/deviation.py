"""How far a stage of the network may be from the original's, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

DEPTH_LIMIT, LIMIT = 1e-4, 5e-5


@dataclass(frozen=True)
class Deviation:
    """How far one stage is from the original's: depth as a share of each value, all else of the largest."""

    stage: str
    value: float
    limit: float

    def __str__(self) -> str:
        kind = "of a value" if self.limit == DEPTH_LIMIT else "of the largest"
        return f"first difference: {self.stage}, {self.value:.1e} {kind} (at most {self.limit:.0e})"
