"""What became of the loops that a journal tells: the pose graph may reject one that was accepted at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

DOUBTED = "it contradicts the rest of the map"  # says the pose graph of a loop that was accepted first

_Pair = tuple[int, int]


@dataclass(frozen=True)
class LoopLine:
    """Two frames by source index that may show one place, and what became of it; `told` is all that the event says."""

    earlier: int
    later: int
    accepted: bool
    reason: str  # why it was refused
    submaps: _Pair | None = None  # that an accepted one ties
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class JournalLoops:
    """Learns the events of a journal one by one."""

    _loops: list[LoopLine] = field(default_factory=list)
    _rejected: dict[int, frozenset[_Pair]] = field(default_factory=dict)  # by segment: loops of the last solution

    @staticmethod
    def of(events: Iterable[Mapping[str, Any]]) -> tuple[LoopLine, ...]:
        """The loops of a whole journal."""
        loops = JournalLoops()
        for event in events:
            loops.learn(event)
        return loops.now()

    def now(self) -> tuple[LoopLine, ...]:
        """All loops, by what is known until now."""
        doubted = frozenset[_Pair]().union(*self._rejected.values())
        return tuple(
            replace(loop, accepted=False, reason=DOUBTED) if loop.submaps in doubted else loop for loop in self._loops
        )

    def learn(self, event: Mapping[str, Any]) -> None:
        """Take an event in; one that is not as runs write it tells of nothing."""
        with suppress(KeyError, TypeError, ValueError):
            self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "graph":
            self._rejected[event["segment"]] = frozenset((int(a), int(b)) for a, b in event["rejected"])
        elif event["event"] == "segments joined":
            self._rejected.pop(event["joined"], None)
        elif event["event"] in ("loop", "loop refused"):
            self._loops.append(_line(event))


def _line(event: Mapping[str, Any]) -> LoopLine:
    earlier, later = event["frames"]
    a, b = event.get("nodes", (None, None))
    submaps = None if a is None else (int(a), int(b))
    accepted = event["event"] == "loop"
    return LoopLine(int(earlier), int(later), accepted, str(event.get("reason", "")), submaps, event)
