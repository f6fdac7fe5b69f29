"""Files that are there twice."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence
from pathlib import Path

from ..chain import LeftOutFile

END_BYTES = 1 << 16  # at either end of a file: recordings differ there, though cameras make files of one size


def without_copies(paths: Sequence[Path]) -> tuple[list[Path], list[LeftOutFile]]:
    """Of files with the same content the one with the shortest name, and the others, which may be links or copies."""
    copies: list[LeftOutFile] = []
    kept: set[Path] = set()
    seen: dict[object, Path] = {}
    for path in sorted(paths, key=lambda path: (path.is_symlink(), len(path.name))):
        try:
            key = _outline(path)
            twin = seen.get(key)
            is_copy = twin is not None and (os.path.samefile(path, twin) or filecmp.cmp(path, twin, shallow=False))
        except OSError:  # whoever opens it tells why
            is_copy, key = False, path
        if is_copy:
            copies.append(LeftOutFile(str(path), "given twice" if path == twin else f"the same as {twin}"))
        else:
            kept.add(path)
            seen.setdefault(key, path)
    return [path for path in dict.fromkeys(paths) if path in kept], copies


def _outline(path: Path) -> object:
    """What two files must have in common to have the same content; an empty file has nothing in common with any."""
    size = path.stat().st_size
    if not size:
        return path
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(size - END_BYTES, 0))
        return size, head, file.read(END_BYTES)
