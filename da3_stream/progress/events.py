"""What goes on, for programs: events with a name and fields that are ready for JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

PACE_S = 1.0

Listener = Callable[[str, Mapping[str, Any]], None]  # (name of the event, its fields)


def ignore(event: str, fields: Mapping[str, Any]) -> None:
    """The listener who is not there."""


def paced(listener: Listener, pace_s: float = PACE_S) -> Listener:
    """A listener who hears of `progress` at most every so many seconds, and when all is done; of the rest, always."""
    last = -float("inf")

    def hear(event: str, fields: Mapping[str, Any]) -> None:
        nonlocal last
        if event == "progress":
            now = time.monotonic()
            if now - last < pace_s and fields["done"] != fields["total"]:
                return
            last = now
        listener(event, fields)

    return hear
