"""The rows of a PLY file's elements, some at a time, as text or binary."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from .header import Element, PlyHeader

ROWS = 1 << 16  # at a time
_TEXT = {"f4": "%.9g", "f8": "%.17g"}


def read_rows(file: BinaryIO, header: PlyHeader, element: Element, path: Path) -> Iterator[NDArray[np.void]]:
    """The rows of an element, from where the file is. Raises ExportError where it ends before, or holds what the header
    does not tell."""
    dtype, left = element.dtype(header.order), element.count
    while left:
        wanted = min(left, ROWS)
        if header.format == "ascii":
            rows = _text_rows(list(islice(file, wanted)), dtype)
        else:
            data = file.read(wanted * dtype.itemsize)
            rows = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)
        if rows is None or len(rows) < wanted:
            raise ExportError(f"{path} is damaged: its header promises {element.count:,} rows of {element.name}")
        yield rows
        left -= wanted


def write_rows(file: IO[bytes], header: PlyHeader, rows: NDArray[np.void]) -> None:
    """Write rows in the file's own format."""
    if header.format != "ascii":
        file.write(rows.data)
        return
    columns, formats = list[NDArray[Any]](), list[str]()
    for name in rows.dtype.names or ():
        column = rows[name].reshape(len(rows), -1)
        columns.append(column)
        formats += [_TEXT.get(column.dtype.str[1:], "%d")] * column.shape[1]
    line = " ".join(formats) + "\n"
    values = zip(*(column[:, k].tolist() for column in columns for k in range(column.shape[1])), strict=True)
    file.write("".join(line % row for row in values).encode("ascii"))


def _text_rows(lines: list[bytes], dtype: np.dtype[np.void]) -> NDArray[np.void] | None:
    """Rows of numbers, one a line; None where a line has more or fewer of them, or other words."""
    words = [line.split() for line in lines]
    rows, at = np.empty(len(lines), dtype), 0
    try:
        table = np.array(words, np.float64)
    except ValueError:
        return None
    for name in dtype.names or ():
        width = int(np.prod(rows[name].shape[1:], dtype=int))
        if table.ndim != 2 or table.shape[1] < at + width:
            return None
        rows[name] = table[:, at : at + width].reshape(rows[name].shape)
        at += width
    return rows if table.shape[1] == at else None
