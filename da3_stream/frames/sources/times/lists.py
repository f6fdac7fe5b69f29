"""Files that list times: one a line, or times with the names of pictures, as TUM, EuRoC, KITTI and others write."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from ....errors import FramesError
from ..images.formats import IMAGE_SUFFIXES
from .stamps import Unit, nanoseconds, plain_unit, read_date, read_number

EXPECTED = "expected a time on every line, or a time and the name of a picture"
POSE_COLUMNS = (7, 8, 12, 13, 16, 17)  # of trajectories with and without times
LONG_STEP = 1000  # whole seconds between frames; so many are some smaller unit that is not said
_UNIT = re.compile(r"(?:[\[(]|(?:time|stamp|timestamp|^t)[_ ])(ns|us|ms|s)(?:ec)?(?:[\])]|\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A line of a list (counted from 1): its time in nanoseconds, and the picture that it names, if any."""

    line: int
    time: int
    name: str | None


@dataclass(frozen=True)
class _Line:
    number: int
    fields: Sequence[str]


@dataclass(frozen=True)
class _Columns:
    time: int
    name: int | None


def read_list(path: Path, stems: frozenset[str] = frozenset(), names_only: bool = False) -> list[Row]:
    """The rows of a list, in its order; `stems` are the names of the input's pictures, without suffixes. With
    `names_only` there are none where the list names no pictures.

    A head, comments (#) and empty lines are passed over; a file without any time gives none. Raises FramesError with
    the line where a time is missing or is none, where a time or a picture stands twice, and where times without names
    do not ascend.
    """
    head, lines = _read_lines(path)
    if not lines:
        return []
    columns = _find_columns(lines, stems)
    if names_only and columns.name is None:
        return []
    _refuse_poses(path, lines[0], columns)
    texts = [_field(path, line, columns.time, "time") for line in lines]
    unit = _find_unit(path, head, texts)
    names = [None if columns.name is None else _field(path, line, columns.name, "name") for line in lines]
    rows = [
        Row(line.number, _read_time(path, line.number, text, unit), name)
        for line, text, name in zip(lines, texts, names, strict=True)
    ]
    if columns.name is None:
        _require_order(path, rows)
    else:
        _require_single(path, rows)
    return rows


def _read_lines(path: Path) -> tuple[str, list[_Line]]:
    """What stands before the first row, and the rows."""
    head = ""
    lines: list[_Line] = []
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        fields = [] if line.lstrip().startswith("#") else _split(line.strip())
        if fields and (lines or any(_is_time(field) or _is_picture(field) for field in fields)):
            lines.append(_Line(number, fields))
        elif not lines:
            head += line + "\n"
    return head, lines


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FramesError(
            f"the list of times {path} cannot be read ({error.strerror or error}): check the path"
        ) from None
    except UnicodeDecodeError:
        raise FramesError(f"{path} is no text: {EXPECTED}") from None


def _split(line: str) -> list[str]:
    """The fields of a line: between commas, semicolons or tabs, else between blanks."""
    for delimiter in (",", ";", "\t"):
        if delimiter in line:
            return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
    if _is_time(line):  # a date with a time of day
        return [line]
    words = line.split()
    if sum(map(_is_picture, words)) == 1 and len(words) > 2:
        first, rest = words[0], line[len(words[0]) :].strip()
        return [first, rest] if _is_time(first) and _is_picture(rest) else words  # a name with blanks
    return words


def _is_time(text: str) -> bool:
    return read_number(text) is not None or read_date(text) is not None


def _is_picture(text: str) -> bool:
    return Path(text).suffix.lower() in IMAGE_SUFFIXES


def _find_columns(lines: Sequence[_Line], stems: frozenset[str]) -> _Columns:
    fields = lines[0].fields
    pictures = [k for k, field in enumerate(fields) if _is_picture(field)]
    if pictures:
        name = next((k for k in pictures if Path(fields[k]).stem in stems), pictures[0])
        return _Columns(
            next((k for k in range(len(fields)) if k != name and _is_time(fields[k])), 1 - min(name, 1)), name
        )
    if len(fields) > 1:
        firsts = [line.fields[0] for line in lines]
        if sum(first in stems for first in firsts) > len(firsts) / 2:
            return _Columns(1, 0)
        if firsts == [str(k) for k in range(int(firsts[0] == "1"), len(firsts) + int(firsts[0] == "1"))]:
            return _Columns(1, None)
    return _Columns(0, None)


def _field(path: Path, line: _Line, column: int, what: str) -> str:
    if column >= len(line.fields) or not line.fields[column]:
        raise FramesError(f"line {line.number} of {path} has no {what}: {EXPECTED}")
    return line.fields[column]


def _refuse_poses(path: Path, line: _Line, columns: _Columns) -> None:
    if columns.name is None and len(line.fields) in POSE_COLUMNS:
        raise FramesError(
            f"line {line.number} of {path} has {len(line.fields)} columns, as a trajectory has: {EXPECTED}"
        )


def _find_unit(path: Path, head: str, texts: Sequence[str]) -> Unit:
    """That in which the times are of our years; else as the head says, else seconds."""
    numbers = [number for number in map(read_number, texts) if number is not None]
    plain = {plain_unit(number) for number in numbers}
    if len(plain) == 1 and (unit := plain.pop()):
        return unit
    told = _UNIT.search(head)
    if told:
        return told[1].lower()  # type: ignore[return-value]
    _require_seconds(path, numbers)
    return "s"


def _require_seconds(path: Path, numbers: Sequence[Decimal]) -> None:
    steps = np.diff([float(number) for number in numbers])
    if len(steps) and all(number == number.to_integral_value() for number in numbers):
        step = abs(float(np.median(steps)))
        if step >= LONG_STEP:
            raise FramesError(
                f"the times of {path} are {step:.0f} apart, too much for seconds: say their unit in a first line, such "
                "as '# timestamp [ns]'"
            )


def _read_time(path: Path, line: int, text: str, unit: Unit) -> int:
    number = read_number(text)
    time = read_date(text) if number is None else nanoseconds(number, unit)
    if time is None:
        raise FramesError(f"line {line} of {path} has '{text[:40]}' for a time: {EXPECTED}")
    return time


def _require_order(path: Path, rows: Sequence[Row]) -> None:
    for before, row in zip(rows, rows[1:], strict=False):
        if row.time <= before.time:
            how = "repeats the time of" if row.time == before.time else "goes back behind"
            raise FramesError(
                f"line {row.line} of {path} {how} line {before.line}: expected times that ascend, one for each frame"
            )


def _require_single(path: Path, rows: Sequence[Row]) -> None:
    for what, keys in (("picture", [row.name for row in rows]), ("time", [row.time for row in rows])):
        lines: dict[str | int | None, int] = {}
        for row, key in zip(rows, keys, strict=True):
            if key in lines:
                raise FramesError(
                    f"line {row.line} of {path} has the {what} of line {lines[key]} again: expected each only once"
                )
            lines[key] = row.line
