"""By what an input of files is known again."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

END_BYTES = 1 << 16  # bytes at either end of a single file: two recordings differ there, if not in their first picture


def digest_files(first: str, paths: Sequence[Path]) -> str:
    """16 hexadecimal digits from the digest of the first frame and what tells the files, wherever they lie.

    A single file is told by its size and its ends, several by their names and sizes. Raises OSError where one is gone.
    """
    digest = sha256(first.encode())
    for path in paths:
        digest.update(f"{path.name if len(paths) > 1 else ''}\n{path.stat().st_size}\n".encode())
    if len(paths) == 1:
        with open(paths[0], "rb") as file:
            digest.update(file.read(END_BYTES))
            file.seek(max(paths[0].stat().st_size - END_BYTES, 0))
            digest.update(file.read(END_BYTES))
    return digest.hexdigest()[:16]
