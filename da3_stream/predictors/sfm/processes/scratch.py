"""Folders that a piece of work needs for as long as it is done: in memory where that is possible, and named after their
process, so that what a killed process leaves can be found and removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "da3_stream_sfm_"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}_", dir=_memory_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders() -> None:
    """Free the memory that the scratch folders of killed processes hold."""
    memory = _memory_folder()
    for folder in Path(memory).glob(f"{PREFIX}*") if memory else ():
        owner = folder.name.removeprefix(PREFIX).partition("_")[0]
        if owner.isdecimal() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
