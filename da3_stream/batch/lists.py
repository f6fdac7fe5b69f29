"""A list of videos: a CSV file with the columns input, out, priority and options."""

from __future__ import annotations

import csv
import io
import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import BatchError, Da3StreamError
from ..frames import require_there
from .videos import LONGEST, RESERVED, Parse, Video, out_names

COLUMNS = ("input", "out", "priority", "options")
DELIMITERS = ",;\t"  # as spreadsheets write them, by country


def is_list(names: Sequence[str]) -> bool:
    """Whether the arguments of a command line are one list. Raises BatchError for a list among others."""
    lists = [name for name in names if name.lower().endswith(".csv")]
    if lists and len(names) > 1:
        raise BatchError(f"'{lists[0]}' is a list: give it alone, or videos without a list")
    return bool(lists)


def read_list(path: Path, options: Sequence[str], parse: Parse) -> list[Video]:
    """The videos of a list, with the `options` of all before those of a row.

    Each row is one video, whatever `da3-stream run` would make of its input. Everything is checked here, before
    anything starts. Raises BatchError with one sentence that names the row; the first one, with the columns, is row 1.
    """
    rows = list(_rows(path))
    if not rows:
        raise BatchError(f"{path} lists no video: it needs a row for each below that with the columns' names")
    places = [f"{path}, row {number}" for number, _ in rows]
    inputs = [_input(place, row) for place, (_, row) in zip(places, rows, strict=True)]
    given = [_out(place, row) for place, (_, row) in zip(places, rows, strict=True)]
    names = [own or made for own, made in zip(given, _made_names(inputs, given), strict=True)]
    _require_apart(places, given, names)
    made = zip(places, inputs, names, rows, strict=True)
    return [_video(place, source, name, row, options, parse) for place, source, name, (_, row) in made]


def _made_names(inputs: Sequence[str], given: Sequence[str]) -> list[str]:
    """Names for the rows that give none, made of those rows' inputs alone."""
    made = iter(out_names([source for source, own in zip(inputs, given, strict=True) if not own]))
    return ["" if own else next(made) for own in given]


def _video(place: str, source: str, name: str, row: Mapping[str, str], options: Sequence[str], parse: Parse) -> Video:
    try:
        words = (*options, *shlex.split(row.get("options", "")))
        return Video((source,), name, words, parse(words), _priority(row.get("priority", "")))
    except (Da3StreamError, ValueError) as error:  # ValueError: a quotation mark that is not closed
        raise BatchError(f"{place}: {error}") from None


def _priority(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BatchError(f"the priority '{text}' is no number: higher ones come first, none is 0")
    return value


def _input(place: str, row: Mapping[str, str]) -> str:
    source = row.get("input", "")
    if not source:
        raise BatchError(f"{place}: the input is empty")
    try:
        require_there(source)
    except Da3StreamError as error:
        raise BatchError(f"{place}: {error}") from None
    return source


def _out(place: str, row: Mapping[str, str]) -> str:
    """The directory's name within the batch's, normalized; empty where the row gives none."""
    text = row.get("out", "")
    if not text:
        return ""
    name = os.path.normpath(text)
    if os.path.isabs(name) or name == "." or name.split(os.sep)[0] == "..":
        raise BatchError(f"{place}: out '{text}' must lie in the directory of the batch: give a name in it")
    if name in RESERVED or name.startswith("."):
        raise BatchError(f"{place}: out '{text}' is a name that the batch keeps for itself")
    if len(name.encode()) > LONGEST:
        raise BatchError(f"{place}: out has more than {LONGEST} bytes: give a shorter name")
    return name


def _require_apart(places: Sequence[str], given: Sequence[str], names: Sequence[str]) -> None:
    """No two rows may write into one directory, or into one within another's."""
    rows: dict[str, str] = {}
    for place, own, name in zip(places, given, names, strict=True):
        if name in rows:
            what = f"'{name}' is the directory of" if own else f"without an out it has the directory '{name}' of"
            raise BatchError(f"{place}: {what} {rows[name].rpartition(', ')[2]}, too: give each an out of its own")
        rows[name] = place
    for name, place in rows.items():
        for parent in map(str, Path(name).parents):
            if parent in rows:
                raise BatchError(f"{place}: '{name}' lies in the directory of {rows[parent].rpartition(', ')[2]}")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and cells by column of each row that is not blank."""
    text = _read(path)
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    table = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1)
    try:
        columns = _columns(path, next(table, (1, []))[1])
        for number, cells in table:
            if any(cell.strip() for cell in cells):
                if any(cell.strip() for cell in cells[len(columns) :]):
                    raise BatchError(f"{path}, row {number}: it has more cells than there are columns: quote commas")
                yield number, dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise BatchError(f"{path} is no CSV file: {error}") from None


def _columns(path: Path, cells: Sequence[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    unknown = [column for column in columns if column not in COLUMNS]
    known = ", ".join(COLUMNS)
    if "input" not in columns:
        raise BatchError(f"{path} has no column 'input': its first row names the columns, of {known}")
    if unknown or len(set(columns)) < len(columns):
        raise BatchError(f"{path} has the column '{(unknown or columns)[0]}' that is not known or there twice: {known}")
    return columns


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BatchError(f"cannot read the list {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BatchError(f"the list {path} is not text in UTF-8") from None
    if "\0" in text:
        raise BatchError(f"the list {path} is not text: it holds a byte 0")
    return text
