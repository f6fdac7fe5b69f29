"""Exports are whole or absent: written beside their place, and moved there when they are complete.

Of what is there already, a folder goes only where it is empty or an export itself, which a hidden file in it says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ExportError
from ..store.files import move_folder

FOLDER = "export"  # of a run directory, for exports that were given no other place
MARK = ".da3_stream"  # the file in every folder that an export made


def require_apart(path: Path, run: Path, inputs: Iterable[str]) -> None:
    """See that an export to `path` can harm neither the run that it is of nor the files that the run was made from.

    Raises ExportError where `path` is one of them or holds it, or lies in the run outside its folder `export`.
    """
    target, home = _real(path), _real(run)
    for what, kept in [("run", home), *(("input of the run", _real(Path(name))) for name in inputs)]:
        if kept.is_relative_to(target):
            raise ExportError(f"an export to {path} would take the place of the {what}: give another name")
    if target.is_relative_to(home) and home / FOLDER not in target.parents:
        raise ExportError(f"{path} is among the run's own files: give a place in {run / FOLDER}, or outside the run")


@contextmanager
def output_path(path: Path, *, folder: bool, overwrite: bool) -> Iterator[Path]:
    """A place beside `path` to write a file (or into a folder that is there); it becomes `path` when the block ends
    well, else it is removed.

    Raises ExportError if `path` exists already (unless `overwrite`), or is a folder that no export wrote, or where the
    disk refuses.
    """
    target = _real(path)
    new = target.with_name(f".{target.stem}.tmp{target.suffix}")
    try:
        _require_free(path, folder, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(new)
        try:
            if folder:
                new.mkdir()
            yield new
            _put(new, target, folder)
        finally:
            _remove(new)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error


def _require_free(path: Path, folder: bool, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if path.is_dir() != folder:
        raise ExportError(f"{path} is a {'file' if folder else 'folder'}: give another name for the export")
    if not overwrite:
        raise ExportError(f"{path} exists already: give another name, or --overwrite to replace it")
    if folder and any(path.iterdir()) and not (path / MARK).is_file():
        raise ExportError(f"{path} was not written by an export: remove it yourself, or give another name")


def _put(new: Path, target: Path, folder: bool) -> None:
    if folder:
        (new / MARK).write_text("da3-stream export wrote this folder, and --overwrite replaces it whole\n")
        move_folder(new, target)
    else:
        os.replace(new, target)


def _real(path: Path) -> Path:
    """Absolute, without links and dots; unlike Path.resolve it takes links that lead in a circle."""
    return Path(os.path.realpath(path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
