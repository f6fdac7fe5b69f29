"""The loops that a journal tells, read on from where it was left."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LoopLine:
    """Two frames by source index that may show one place, and what became of it."""

    earlier: int
    later: int
    accepted: bool
    reason: str  # why it was refused


@dataclass
class JournalLoops:
    """Reads only whole lines that are new; a journal that was cut back or begun again is read from its start."""

    path: Path
    loops: list[LoopLine] = field(default_factory=list)
    _end: int = 0  # of what was read
    _last: bytes = b""  # the line before that

    def read(self) -> tuple[LoopLine, ...]:
        """All loops until now; those of before where the file cannot be read."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._end - len(self._last))
                if file.read(len(self._last)) != self._last:
                    self.loops, self._end, self._last = [], 0, b""
                    file.seek(0)
                for line in file:
                    if line.endswith(b"\n"):
                        self._take(line)
        except FileNotFoundError:
            self.loops, self._end, self._last = [], 0, b""
        except OSError:
            pass
        return tuple(self.loops)

    def _take(self, line: bytes) -> None:
        self._end, self._last = self._end + len(line), line
        loop = _loop_of(line)
        if loop is not None:
            self.loops.append(loop)


def _loop_of(line: bytes) -> LoopLine | None:
    if not line.startswith((b'{"event": "loop"', b'{"event": "loop refused"')):
        return None
    try:
        event: dict[str, Any] = json.loads(line)
        earlier, later = event["frames"]
        return LoopLine(int(earlier), int(later), event["event"] == "loop", str(event.get("reason", "")))
    except (ValueError, KeyError, TypeError):
        return None
