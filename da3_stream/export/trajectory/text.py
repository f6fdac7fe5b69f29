"""Rows of numbers with all their digits, as the trajectory formats want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ...store.files import replacing
from ...types import Float64

_PIECE = 1024  # rows that are text at once: as Python's numbers and texts a row takes ten times its bytes


def write_rows(path: Path, rows: Float64, header: Iterable[str] = ()) -> None:
    """Write [N,M] numbers, one row a line, in one step; every float is read back as it was, NaN is `nan`."""
    with replacing(path) as file:
        file.write("".join(f"# {line}\n" for line in header).encode())
        file.writelines(row_text(rows))


def row_text(rows: Float64) -> Iterator[bytes]:
    """The lines themselves, in pieces."""
    for start in range(0, len(rows), _PIECE):
        yield "".join(" ".join(map(repr, row)) + "\n" for row in rows[start : start + _PIECE].tolist()).encode()
