"""Rows of numbers with all their digits, as the trajectory formats want them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..store.files import write_text
from ..types import Float64


def write_rows(path: Path, rows: Float64, header: Iterable[str] = ()) -> None:
    """Write [N,M] numbers, one row a line, in one step; every float is read back as it was, NaN is `nan`."""
    comments = [f"# {line}" for line in header]
    write_text(path, "".join([*(f"{line}\n" for line in comments), *row_lines(rows)]))


def row_lines(rows: Float64) -> list[str]:
    """The lines themselves."""
    return [" ".join(map(repr, row)) + "\n" for row in rows.tolist()]
