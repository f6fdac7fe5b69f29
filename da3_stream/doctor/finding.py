"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How it is with one thing."""

    OK = "ok"
    NOTE = "note"  # runs go without it
    WARNING = "warning"  # runs go, but slower, shorter, or not all of them
    BROKEN = "broken"  # no run, until that is cured


@dataclass(frozen=True)
class Finding:
    """What was found, in words; where something is to be done about it an `advice`, and the `command` that does it.

    `facts` are the same for programs, under stable names.
    """

    name: str
    text: str
    state: State = State.OK
    advice: str | None = None
    command: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {**asdict(self), "state": self.state.value}
