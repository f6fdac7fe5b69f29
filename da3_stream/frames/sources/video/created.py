"""When a video was recorded, as its container tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

# In the order in which they are believed: Apple's own stays when a phone exports a clip, the container's does not.
TAGS = ("com.apple.quicktime.creationdate", "creation_time")
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()  # clocks that were never set tell 1904, 1970 or 1980


def creation_time(container: Any, stream: Any) -> float | None:
    """Seconds since 1970, or None where the file tells nothing that can be true; cameras write local time as UTC."""
    return next(_times(container.metadata, stream.metadata), None)


def _times(*tags: dict[str, str]) -> Iterator[float]:
    for name in TAGS:
        for of in tags:
            seconds = _seconds(of.get(name, ""))
            if seconds is not None and seconds > EARLIEST:
                yield seconds


def _seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
