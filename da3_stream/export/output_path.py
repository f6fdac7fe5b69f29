"""Where an export is written. It is complete or absent: written under a temporary name, and renamed when complete,
its side files first.

A folder that exists is only replaced if it is empty or an export itself, which a hidden file in it tells.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ..errors import ExportError
from ..store.files import move_folder
from .unfinished import finish, unfinished_folder

FOLDER = "export"  # of a run directory: where exports go by default
MARK = ".da3_stream"  # file in every folder that an export made


def require_apart(path: Path, run: Path, inputs: Iterable[str]) -> None:
    """Check that an export to `path` can harm neither its run nor the files that the run was made from.

    Raises ExportError where `path` is one of them or holds it, or lies in the run outside its folder `export`.
    """
    target, run_dir = _real(path), _real(run)
    for what, protected in [("run", run_dir), *(("input of the run", _real(Path(name))) for name in inputs)]:
        if protected.is_relative_to(target):
            raise ExportError(f"an export to {path} would take the place of the {what}: give another name")
    if target.is_relative_to(run_dir) and run_dir / FOLDER not in target.parents:
        raise ExportError(f"{path} is among the run's own files: give a place in {run / FOLDER}, or outside the run")


def side_file(path: Path, suffix: str) -> Path:
    """The file beside an export that has its name and one suffix more: trajectory.kitti.rows."""
    return path.with_name(path.name + suffix)


@contextmanager
def output_path(
    path: Path, *, folder: bool, overwrite: bool, beside: Sequence[str] = (), job: str = ""
) -> Iterator[Path]:
    """A temporary path beside `path`, for a new file or with `folder` a new folder; it is renamed to `path` when the
    block ends without an error, else removed.

    So are its side files, of the suffixes `beside`, which the block may write, too: those of the export before go. A
    folder that was interrupted stays, and is what the same `job` gets again (see `unfinished_folder`). Raises
    ExportError if `path` or a side file exists already (unless `overwrite`), or is a folder that no export wrote, or
    where the disk refuses.
    """
    target = _real(path)
    new = target.with_name(f".{target.stem}.tmp{target.suffix}")
    sides = [(side_file(new, suffix), side_file(target, suffix)) for suffix in beside]
    try:
        _require_free(path, folder, overwrite)
        for _, side in sides:
            _require_free(side, False, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        files = [*(side for side, _ in sides), *([] if folder else [new])]
        with _temporary(*files), unfinished_folder(new, job) if folder else nullcontext():
            yield new
            _move_sides(sides)
            _move_into_place(new, target, folder)
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


def _move_sides(sides: Sequence[tuple[Path, Path]]) -> None:
    for new, target in sides:
        if new.exists():
            os.replace(new, target)
        else:
            _remove(target)


def _move_into_place(new: Path, target: Path, folder: bool) -> None:
    if folder:
        (new / MARK).write_text("da3-stream export wrote this folder, and --overwrite replaces it whole\n")
        finish(new)
        move_folder(new, target)
    else:
        os.replace(new, target)


def _real(path: Path) -> Path:
    """Absolute, without links and dots; unlike Path.resolve it accepts links that lead in a circle."""
    return Path(os.path.realpath(path))


@contextmanager
def _temporary(*files: Path) -> Iterator[None]:
    """Files that are not there before the block, and not after it."""
    try:
        for file in files:
            _remove(file)
        yield
    finally:
        for file in files:
            _remove(file)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
