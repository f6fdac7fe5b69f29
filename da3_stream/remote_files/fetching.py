"""One remote file to a disk here: it is whole or absent under its name, and goes on where it was broken off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import RemoteFilesError
from .asking import ask
from .listing import RemoteFile, file_info

PIECE = 16_000_000  # bytes that are asked for at a time


def part_of(path: Path) -> Path:
    """Where a file is while it is not whole."""
    return path.with_name(f".{path.name}.part")


def fetch(file: RemoteFile, path: Path, told: Callable[[int], None], *, goes_on: bool) -> None:
    """Bring a file to a path, and tell the bytes as they come. With `goes_on` the part that is there is of this file.

    Raises RemoteFilesError where it cannot be read, has changed meanwhile, or the disk refuses.
    """
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "r+b" if goes_on and part.exists() else "wb") as here:
            told(here.seek(0, os.SEEK_END))
            ask("cannot be read", file.address, lambda: _append(file, here, told))
            os.fsync(here.fileno())
        _require_whole(file, part)
        os.replace(part, path)
    except OSError as error:
        raise RemoteFilesError(f"cannot write {path}: {error.strerror or error}") from error


def _append(file: RemoteFile, here: Any, told: Callable[[int], None]) -> None:
    """The bytes of a file that are not here yet. Raises what the file system raises."""
    with file.filesystem.open(file.path, "rb", block_size=PIECE, cache_type="none") as there:
        if here.tell():
            there.seek(here.tell())
        while here.tell() < file.size:
            piece = there.read(min(PIECE, file.size - here.tell()))
            if not piece:
                raise EOFError("it ended early")
            _write(here, piece)
            told(len(piece))


def _write(here: Any, piece: bytes) -> None:
    """Raises RemoteFilesError where the disk refuses, which asking again would not cure."""
    try:
        here.write(piece)
    except OSError as error:
        raise RemoteFilesError(f"cannot write {here.name}: {error.strerror or error}") from error


def _require_whole(file: RemoteFile, part: Path) -> None:
    """Raises RemoteFilesError where the file was replaced while it was read; the part goes, since it may be of both."""
    now = ask("cannot be read", file.address, lambda: file_info(file.filesystem, file.path))
    if now != (file.size, file.version) or part.stat().st_size != file.size:
        part.unlink()
        raise RemoteFilesError(f"'{file.address}' was replaced while it was fetched: give the same command again")
