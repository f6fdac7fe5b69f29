"""Exports that follow what a command has computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Da3StreamError, ExportError
from .console import say

if TYPE_CHECKING:
    from ..export.exporting import ExportResult
    from ..progress import Listener


def check_formats(formats: Iterable[str]) -> None:
    """Raises ExportError for one that there is not, before anything is computed."""
    from ..export.exporting import find_format

    for format in formats:
        find_format(format)


def export_formats(directory: Path, formats: Sequence[str], quiet: bool, shown: bool, tell: Listener) -> None:
    """Write a run in these formats into DIR/export, in place of what is there: all that can be had. Raises ExportError
    at the end with the formats that cannot; where one alone was asked for, its own error."""
    from ..export.exporting import export_run

    failed = []
    for format in formats:
        try:
            result = export_run(directory, format, overwrite=True, progress=shown, listener=tell)
        except Da3StreamError as error:
            if len(formats) == 1:
                raise
            failed.append(f"{format}: {error}")
            continue
        say(f"{result.path}: {result.summary}", quiet)
        tell_export(format, result, tell)
    if failed:
        raise ExportError("; ".join(failed))


def tell_export(format: str, result: ExportResult, tell: Listener) -> None:
    """The event of an export that is done."""
    tell("export", {"format": format, "path": str(result.path), "summary": result.summary})
