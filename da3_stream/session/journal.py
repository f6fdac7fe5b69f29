"""What is told of a run while it goes on: lines of the journal, and the same in words in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ..slam.update import Event
from ..store import Run
from ..types import Frame, SkippedFrame, WindowGeometry
from ..windows import Window

log = logging.getLogger(__name__)


@dataclass
class Journal:
    """Writes journal.jsonl. Its lines depend on the input alone, but for their times."""

    run: Run
    skipped: Sequence[SkippedFrame]  # grows while the source is read
    told: int = 0  # of the skipped frames

    def tell(self, event: Event) -> None:
        """One event."""
        self.run.append_event(event.kind, **event.fields)
        log.info("%s: %s", event.kind, ", ".join(f"{key} {_word(value)}" for key, value in event.fields.items()))

    def tell_window(self, window: Window[Frame], geometry: WindowGeometry, events: Sequence[Event]) -> None:
        """The frames skipped so far, the window, and how its parts were placed."""
        self.tell_skipped(window.frames[-1].index)
        self.tell(_window_event(window, geometry))
        self.tell_events(events)

    def restore(self, told: int) -> None:
        """Go on where an earlier process was."""
        self.told = told

    def tell_events(self, events: Sequence[Event]) -> None:
        """One after the other."""
        for event in events:
            self.tell(event)

    def tell_skipped(self, before: int | None = None) -> None:
        """The skipped frames not told yet; the reader is ahead by chance, so only those `before` a source index."""
        for frame in list(self.skipped)[self.told :]:
            if before is not None and frame.index >= before:
                return
            self.tell(Event("skipped", {"index": frame.index, "name": frame.name, "reason": frame.reason}))
            self.told += 1


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
