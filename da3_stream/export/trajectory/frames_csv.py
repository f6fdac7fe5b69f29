"""frames.csv: which image of the input every row of the trajectory is, and how far its pose can be believed; in an
export, also which of its files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...store import PoseTable
from ...store.files import replacing

FILE = "file"  # the first column in exports
HEADER = ("row", "source", "source_index", "time_s", "status", "segment", "confidence")
_ROWS_AT_ONCE = 1024  # that are text at a time

FindSource = Callable[[int], tuple[str, int]]


def write_frames_csv(poses: PoseTable, find_source: FindSource, path: Path) -> None:
    """One line per row of the trajectories, after the header; `segment` is -1 and `confidence` 0 without a pose.

    `find_source` gives, for the index of a frame in the input, the name of the file (or device) that it comes from, and
    its number there from 0. Texts are quoted as Python's csv module does, UTF-8; every number is read back as it was
    (the confidence has single precision).
    """
    with replacing(path) as file:
        file.write(_text([HEADER]))
        for start in range(0, len(poses), _ROWS_AT_ONCE):
            file.write(_text(_rows(poses, find_source, range(start, min(start + _ROWS_AT_ONCE, len(poses))))))


def write_exported_frames(poses: PoseTable, find_source: FindSource, files: Mapping[int, str], path: Path) -> None:
    """The lines of `write_frames_csv` of those frames that an export shows, each behind the file that does: a path from
    the folder of the export, by the frame's index in the input."""
    rows = np.searchsorted(poses.source_index, sorted(files)).tolist()
    with replacing(path) as file:
        file.write(_text([(FILE, *HEADER)]))
        for index, row in zip(sorted(files), rows, strict=True):
            file.write(_text((files[index], *line) for line in _rows(poses, find_source, range(row, row + 1))))


def read_sources(path: Path, poses: PoseTable) -> list[tuple[str, int]] | None:
    """What `find_source` said of every row of the poses; None where there is no such file, or it is of other rows (as
    while a run is gone on with)."""
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = list(csv.DictReader(file))
        listed = [(row["source"], int(row["source_index"])) for row in rows]
        times = [float(row["time_s"]) for row in rows]
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return listed if np.array_equal(times, poses.timestamp, equal_nan=True) else None


def _rows(poses: PoseTable, find_source: FindSource, numbers: range) -> Iterator[tuple[Any, ...]]:
    some = slice(numbers.start, numbers.stop)
    columns = (poses.source_index[some], poses.timestamp[some], poses.segment[some])
    confidences = map(str, poses.confidence[some].astype(np.float32))
    listed = zip(numbers, *(column.tolist() for column in columns), poses.status[some], confidences, strict=True)
    for row, index, time_s, segment, status, confidence in listed:
        yield row, *find_source(index), time_s, status, segment, confidence


def _text(rows: Iterable[Iterable[Any]]) -> bytes:
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append))  # its lines end in \r\n, so it quotes both characters
    writer.writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines).encode("utf-8", "surrogateescape")
