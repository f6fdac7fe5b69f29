"""What became of each video: a row for each, in summary.json and summary.csv, renewed as videos end.

A batch goes on by these rows: what they tell as finished, from the same input and options, is not run again.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import BatchError
from ..store.files import json_line, write_text
from .videos import Video

PATIENCE = 20  # so many times as long as writing took passes before the next time, so that thousands of videos can end


class State(StrEnum):
    """Of a video."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    EMPTY = "empty"  # the run ended well, and no frame could be placed
    FAILED = "failed"
    INTERRUPTED = "interrupted"


DONE = (State.FINISHED, State.EMPTY)  # and not to be run again


@dataclass
class Row:
    """What became of a video. `seconds` are those of all its processes by the wall clock, `trust` the share of its
    poses that are to be trusted, `attempts` how often a process was started for it."""

    input: str | list[str]
    out: str
    name: str
    state: State = State.WAITING
    seconds: float = 0.0
    frames: int | None = None
    placed: int | None = None
    segments: int | None = None
    points: int | None = None
    trust: float | None = None
    attempts: int = 0
    exports: list[str] = field(default_factory=list)
    error: str | None = None
    priority: float = 0.0
    options: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, video: Video, place: Path | str) -> Row:
        """Of a video that nothing was done for, whose run goes below a directory, or an address."""
        return cls(
            video.input, f"{place}/{video.name}", video.name, priority=video.priority, options=list(video.options)
        )

    def take_result(self, result: Mapping[str, Any]) -> None:
        """Figures of a run, as `da3-stream run` tells them."""
        self.frames, self.placed = result.get("frames"), result.get("placed")
        self.segments, self.points = result.get("segments"), result.get("points")
        self.trust = (result.get("trust") or {}).get("share")

    def is_of(self, video: Video) -> bool:
        """Whether it tells of the same input and options."""
        return self.input == video.input and self.options == list(video.options)


@dataclass
class Summary:
    """The rows of a batch and, kept as they are, those of videos that earlier commands ran into its directory."""

    folder: Path
    rows: Sequence[Row]
    others: Sequence[Row] = ()
    also: Path | None = None
    is_old: bool = False  # rows changed since they were written
    _next: float = 0.0

    def renew(self) -> None:
        """Write rows that changed, if the last time is long enough ago. Raises StoreError where the disk refuses."""
        if self.is_old and time.monotonic() >= self._next:
            self.write()

    def write(self) -> None:
        """Replace the files, each in one step. Raises StoreError where the disk refuses."""
        start, self.is_old = time.monotonic(), False
        rows = [*self.rows, *self.others]
        write_text(self.folder / "summary.json", _as_json(rows))
        write_text(self.folder / "summary.csv", _as_csv(rows))
        if self.also is not None:
            write_text(self.also, _as_json(self.rows))
        end = time.monotonic()
        self._next = end + PATIENCE * (end - start)


def read_rows(folder: Path) -> dict[str, Row]:
    """The rows that an earlier command left, by name; none in a new directory. Raises BatchError for a damaged file."""
    path = folder / "summary.json"
    try:
        rows = [_row(row) for row in json.loads(path.read_text())]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BatchError(
            f"{path} cannot be read ({error}): remove it, and the runs beside it tell themselves which are finished"
        ) from None
    return {row.name: row for row in rows}


def _row(tree: Mapping[str, Any]) -> Row:
    known = {entry.name for entry in fields(Row)}
    if not isinstance(tree["name"], str) or not all(
        isinstance(tree[key], int | float) for key in ("seconds", "attempts")
    ):
        raise TypeError("a row has values of another kind")
    return Row(**{**{key: value for key, value in tree.items() if key in known}, "state": State(tree["state"])})


def _as_json(rows: Iterable[Row]) -> str:
    """A list with a line for each row."""
    lines = [f"  {json_line(asdict(row))}" for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _as_csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(entry.name for entry in fields(Row))
    for row in rows:
        table.writerow(_cell(value) for value in asdict(row).values())
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return value.value if isinstance(value, State) else value
