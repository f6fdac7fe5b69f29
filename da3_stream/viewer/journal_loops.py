"""The loops that a journal tells, read on from where it was left."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..store import JournalLoops, LoopLine


@dataclass
class GrowingLoops:
    """Reads only whole lines that are new; a journal that was cut back or begun again is read from its start."""

    path: Path
    _loops: JournalLoops = field(default_factory=JournalLoops)
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
        return self._loops.now()

    def _forget(self) -> None:
        self._loops, self._end, self._last = JournalLoops(), 0, b""

    def _take(self, line: bytes) -> None:
        self._end, self._last = self._end + len(line), line
        with suppress(ValueError):  # a damaged line tells of nothing
            self._loops.learn(json.loads(line))
