"""The loops that a journal tells, read on from where it was left."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

DOUBTED = "it contradicts the rest of the map"  # says the pose graph of a loop that was accepted first

_Pair = tuple[int, int]


@dataclass(frozen=True)
class LoopLine:
    """Two frames by source index that may show one place, and what became of it."""

    earlier: int
    later: int
    accepted: bool
    reason: str  # why it was refused
    submaps: _Pair | None = None  # that an accepted one ties


@dataclass
class JournalLoops:
    """Reads only whole lines that are new; a journal that was cut back or begun again is read from its start."""

    path: Path
    _loops: list[LoopLine] = field(default_factory=list)
    _rejected: dict[int, frozenset[_Pair]] = field(default_factory=dict)  # by segment: loops of the last solution
    _end: int = 0  # of what was read
    _last: bytes = b""  # the line before that

    def read(self) -> tuple[LoopLine, ...]:
        """All loops until now; those of before where the file cannot be read."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._end - len(self._last))
                if file.read(len(self._last)) != self._last:
                    self._forget()
                    file.seek(0)
                for line in file:
                    if line.endswith(b"\n"):
                        self._take(line)
        except FileNotFoundError:
            self._forget()
        except OSError:
            pass
        doubted = frozenset[_Pair]().union(*self._rejected.values())
        return tuple(
            replace(loop, accepted=False, reason=DOUBTED) if loop.submaps in doubted else loop for loop in self._loops
        )

    def _forget(self) -> None:
        self._loops, self._rejected, self._end, self._last = [], {}, 0, b""

    def _take(self, line: bytes) -> None:
        self._end, self._last = self._end + len(line), line
        try:
            self._learn(json.loads(line))
        except (ValueError, KeyError, TypeError):
            return  # a damaged line tells of nothing

    def _learn(self, event: dict[str, Any]) -> None:
        if event["event"] == "graph":
            self._rejected[event["segment"]] = frozenset((int(a), int(b)) for a, b in event["rejected"])
        elif event["event"] == "segments joined":
            self._rejected.pop(event["joined"], None)
        elif event["event"] in ("loop", "loop refused"):
            earlier, later = event["frames"]
            a, b = event.get("nodes", (None, None))
            submaps = None if a is None else (int(a), int(b))
            accepted = event["event"] == "loop"
            self._loops.append(LoopLine(int(earlier), int(later), accepted, str(event.get("reason", "")), submaps))
