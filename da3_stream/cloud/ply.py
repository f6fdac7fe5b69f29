"""cloud.ply: binary little endian, x y z float32, red green blue uint8."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..store.files import replacing
from ..types import Float32, UInt8

VERTEX = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
_PROPERTIES = b"".join(b"property float %c\n" % c for c in b"xyz") + b"".join(
    b"property uchar %b\n" % name for name in (b"red", b"green", b"blue")
)
_OPENING = re.compile(rb"ply\nformat binary_little_endian 1\.0\ncomment [^\n]*\nelement vertex (\d+)\n")
_LONGEST = 1024  # no header of ours is longer


class PlyWriter:
    """Takes vertices as they come; the header, of fixed length, is completed when all are there."""

    def __init__(self, file: BinaryIO, comment: str) -> None:
        self._file = file
        self._comment = comment
        self.count = 0
        self._file.write(_header(0, comment))

    def write(self, vertices: NDArray[np.void]) -> None:
        """Add vertices (dtype VERTEX)."""
        self._file.write(vertices.tobytes())
        self.count += len(vertices)

    def finish(self) -> None:
        """Write the count."""
        self._file.seek(0)
        self._file.write(_header(self.count, self._comment))


@contextlib.contextmanager
def writing_ply(path: Path, comment: str) -> Iterator[PlyWriter]:
    """A PLY file that stands at `path` when the block ends, and not before."""
    with replacing(path) as file:
        writer = PlyWriter(file, comment)
        yield writer
        writer.finish()


def read_ply(path: Path, limit: int | None = None) -> tuple[Float32, UInt8]:
    """(xyz [M,3], rgb [M,3]) of a cloud that this package wrote; with `limit` only that many from its beginning.

    Raises StoreError if the file is absent, torn or of another layout.
    """
    with _opened(path) as file:
        count = _count(path, file)
        wanted = count if limit is None else min(count, limit)
        vertices = np.fromfile(file, VERTEX, wanted)
    if len(vertices) != wanted:
        raise StoreError(f"{path} is damaged: its header promises {count} points, it holds {len(vertices)}")
    return vertices["xyz"].copy(), vertices["rgb"].copy()


def count_vertices(path: Path) -> int:
    """How many points such a cloud holds, by its header. Raises StoreError as `read_ply` does."""
    with _opened(path) as file:
        return _count(path, file)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _header(count: int, comment: str) -> bytes:
    """The comment is padded so that every count gives the same length."""
    padded = comment + " " * (20 - len(str(count)))
    opening = f"ply\nformat binary_little_endian 1.0\ncomment {padded}\nelement vertex {count}\n"
    return opening.encode("ascii") + _PROPERTIES + b"end_header\n"


def _count(path: Path, file: BinaryIO) -> int:
    """The number of vertices; the file is left at the first one."""
    opening, end, _ = file.read(_LONGEST).partition(_PROPERTIES + b"end_header\n")
    match = _OPENING.fullmatch(opening)
    if not match or not end:
        raise StoreError(f"{path} is not a cloud of this program: expected binary x y z float, red green blue uchar")
    file.seek(len(opening) + len(end))
    return int(match[1])
