"""A folder while an export is written into it. What an interruption leaves is gone on with by the same job."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ExportError
from ..store.files import write_text
from .frame_log import LOG, FrameLog

JOB, LOCK = ".job", ".lock"


@contextmanager
def unfinished_folder(folder: Path, job: str) -> Iterator[None]:
    """A folder that nobody else writes meanwhile: a new one, or one that the same job left, with its whole frames.

    It stays where an interruption ends the block and some frame is whole; an error removes it.
    Raises ExportError where another process writes it, OSError where the disk refuses.
    """
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        folder.mkdir()
    with _locked(folder):
        _begin(folder, job)
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            if not len(FrameLog(folder)):
                shutil.rmtree(folder, ignore_errors=True)  # it may stand in its place already
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def finish(folder: Path) -> None:
    """Remove what only an unfinished folder has."""
    for name in (LOG, JOB, LOCK):
        (folder / name).unlink(missing_ok=True)


def _begin(folder: Path, job: str) -> None:
    known = folder / JOB
    if not known.is_file() or known.read_text() != job:
        (folder / LOG).unlink(missing_ok=True)
    FrameLog(folder).clean({LOCK})
    write_text(known, job)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ExportError(f"another process is writing {folder}: wait for it, or give another name") from None
    try:
        yield
    finally:
        lock.release()
