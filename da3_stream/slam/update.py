"""What a run tells of itself while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """A line for the journal."""

    kind: str
    fields: dict[str, Any]
