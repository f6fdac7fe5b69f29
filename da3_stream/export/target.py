"""Exports are whole or absent: written beside their place, and moved there when they are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ExportError


@contextmanager
def fresh_target(path: Path, *, folder: bool, overwrite: bool) -> Iterator[Path]:
    """A place beside `path` to write a file (or into a folder that is there); it becomes `path` when the block ends
    well, else it is removed.

    Raises ExportError if `path` exists already (unless `overwrite`), or where the disk refuses.
    """
    _require_free(path, folder, overwrite)
    new = path.with_name(f".{path.stem}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(new)
        if folder:
            new.mkdir()
        yield new
        if folder:
            _remove(path)
        os.replace(new, path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        _remove(new)


def _require_free(path: Path, folder: bool, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if path.is_dir() != folder:
        raise ExportError(f"{path} is a {'file' if folder else 'folder'}: give another name for the export")
    if not overwrite:
        raise ExportError(f"{path} exists already: give another name, or --overwrite to replace it")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
