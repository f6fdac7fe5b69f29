"""When photographs were taken, by their EXIF data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..images.header import read_header
from .stamps import read_date

TAKEN, TAKEN_FRACTION, TAKEN_ZONE = 0x9003, 0x9291, 0x9011  # DateTimeOriginal (DateTime is that of editing), Exif 2.32

SECOND = 10**9


def times_of_photographs(paths: Sequence[Path]) -> list[int | None]:
    """Nanoseconds since 1970 of every photograph (as if UTC, where it tells no zone), None where it tells nothing.

    Headers of all files are read only where the first and the last one tell a time.
    """
    if not paths or None in (_time_of(paths[0]), _time_of(paths[-1])):
        return [None] * len(paths)
    return [_time_of(path) for path in paths]


def time_taken(tags: Mapping[int, Any]) -> int | None:
    """The time that EXIF tags tell."""
    text, fraction, zone = (_text(tags.get(tag)) for tag in (TAKEN, TAKEN_FRACTION, TAKEN_ZONE))
    date, _, time = text.partition(" ")
    decimals = f".{fraction}" if fraction.isdecimal() else ""
    return read_date(f"{date.replace(':', '-')} {time}{decimals}{zone}")


def spread(times: Sequence[int]) -> list[int]:
    """Ascending times in whole seconds, those that are the same spread evenly until the next one, at most a second."""
    counts = Counter(times)
    distinct = sorted(counts)
    result: list[int] = []
    for time, following in zip(distinct, [*distinct[1:], distinct[-1] + SECOND], strict=True):
        length, count = min(following - time, SECOND), counts[time]
        result += [time + length * k // count for k in range(count)]
    return result


def _time_of(path: Path) -> int | None:
    header = read_header(path)
    return None if header is None else time_taken(header.exif)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return str(value).strip(" \0") if value is not None else ""
