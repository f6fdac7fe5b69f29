"""What tells one input from another."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

END_BYTES = 1 << 16  # at either end of a single file: two recordings differ there, if not in their first image


def digest_of_files(first: str, paths: Sequence[Path]) -> str:
    """16 hexadecimal digits that identify the input by its first frame's digest and its files, wherever they lie.

    A single file is identified by its size and the bytes at its ends, several files by their names and sizes. Raises
    OSError where one is missing.
    """
    digest = sha256(first.encode())
    for path in paths:
        digest.update(
            f"{path.name if len(paths) > 1 else ''}\n{path.stat().st_size}\n".encode(errors="surrogateescape")
        )
    if len(paths) == 1:
        with open(paths[0], "rb") as file:
            digest.update(file.read(END_BYTES))
            file.seek(max(paths[0].stat().st_size - END_BYTES, 0))
            digest.update(file.read(END_BYTES))
    return digest.hexdigest()[:16]
