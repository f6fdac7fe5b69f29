"""What is told of a run while it goes on: lines of the journal, and the same in words in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ..slam.update import Event
from ..store import Run
from ..types import Frame, SkippedFrame, WindowGeometry
from ..windows import Window

LOOP = "loop"

log = logging.getLogger(__name__)


@dataclass
class Journal:
    """Writes journal.jsonl. Its lines depend on the input alone, but for their times."""

    run: Run
    loops: int = 0  # that were found until now

    def restore(self) -> None:
        """Count what earlier processes told, once the file is cut back to what they committed."""
        self.loops = sum(event["event"] == LOOP for event in self.run.read_events())

    def tell(self, event: Event) -> None:
        """One event."""
        self.run.append_event(event.kind, **event.fields)
        self.loops += event.kind == LOOP
        log.info("%s: %s", event.kind, ", ".join(f"{key} {_word(value)}" for key, value in event.fields.items()))

    def tell_window(self, window: Window[Frame], geometry: WindowGeometry, events: Sequence[Event]) -> None:
        """The window, and how its submaps came into the map."""
        self.tell(_window_event(window, geometry))
        self.tell_events(events)

    def tell_events(self, events: Sequence[Event]) -> None:
        """One after the other."""
        for event in events:
            self.tell(event)

    def tell_skipped(self, skipped: Sequence[SkippedFrame]) -> None:
        """Frames without a usable image, a line each."""
        for frame in skipped:
            self.tell(Event("skipped", {"index": frame.index, "name": frame.name, "reason": frame.reason}))


def _window_event(window: Window[Frame], geometry: WindowGeometry) -> Event:
    return Event(
        "window",
        {
            "window": window.number,
            "frames": (window.frames[0].index, window.frames[-1].index),
            "count": len(window.frames),
            "owned": len(window.owned),
            "left_out": sum(len(window.frames[row].left_out) for row in window.owned_rows),
            "begins_shot": window.frames[0].begins_shot,
            "status": geometry.status.value,
            "breaks": [window.frames[row].index for row in geometry.breaks if row < len(window.frames)],
            "notes": geometry.notes,
        },
    )


def _word(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
