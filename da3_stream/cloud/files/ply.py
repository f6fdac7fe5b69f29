"""cloud.ply: binary little endian, x y z float32, where asked nx ny nz float32, red green blue uint8."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import StoreError
from ...store.files import replacing
from ...types import Float32, UInt8
from ..axes import FileAxes

_COLOUR = ("rgb", "u1", 3)
_PLAIN = np.dtype([("xyz", "<f4", 3), _COLOUR])
_WITH_NORMALS = np.dtype([("xyz", "<f4", 3), ("normal", "<f4", 3), _COLOUR])
_POSITION = b"".join(b"property float %b\n" % name for name in (b"x", b"y", b"z"))
_NORMAL = b"".join(b"property float %b\n" % name for name in (b"nx", b"ny", b"nz"))
_RGB = b"".join(b"property uchar %b\n" % name for name in (b"red", b"green", b"blue"))
_HEADER = re.compile(
    rb"ply\nformat binary_little_endian 1\.0\n(?:comment [^\n]*\n)+element vertex (\d+)\n"
    + _POSITION
    + b"(%b)?" % _NORMAL
    + _RGB
    + b"end_header\n"
)
_LONGEST = 1 << 16  # no header of ours is longer
_RUN = 64  # neighbouring vertices read together where a cloud is sampled


class PlyWriter:
    """Writes points to a PLY file, chunk by chunk; the header, of fixed length, is completed when all are written."""

    def __init__(self, file: BinaryIO, comments: Sequence[str], normals: bool) -> None:
        self._file, self._comments, self._normals = file, comments, normals
        self.count = 0
        self._file.write(_header(0, comments, normals))

    def write(self, xyz: NDArray[np.floating], rgb: UInt8, normal: Float32 | None = None) -> None:
        """Add points [M,3] with their colours, and normals [M,3] where the file has them."""
        vertices = np.empty(len(xyz), _WITH_NORMALS if self._normals else _PLAIN)
        vertices["xyz"], vertices["rgb"] = xyz, rgb
        if self._normals:
            vertices["normal"] = 0 if normal is None else normal
        self._file.write(vertices.data)
        self.count += len(vertices)

    def finish(self) -> None:
        """Write the count."""
        self._file.seek(0)
        self._file.write(_header(self.count, self._comments, self._normals))


@contextlib.contextmanager
def create_ply(path: Path, comments: Sequence[str], *, normals: bool = False) -> Iterator[PlyWriter]:
    """Write a PLY file, which appears at `path` when the block ends, and not before; comments are lines in ASCII."""
    with replacing(path) as file:
        writer = PlyWriter(file, comments, normals)
        yield writer
        writer.finish()


def read_ply(path: Path, limit: int | None = None) -> tuple[Float32, UInt8]:
    """(xyz [M,3], rgb [M,3]) of a cloud that this package wrote; with `limit` an even sample of at most that many.

    Raises StoreError if the file is absent, torn or of another layout.
    """
    with _open(path) as file:
        count, layout = _layout(path, file)
        stored = (os.fstat(file.fileno()).st_size - file.tell()) // layout.itemsize
        if stored < count:
            raise StoreError(f"{path} is damaged: its header promises {count} points, it holds {stored}")
        vertices = _read_evenly(file, count, layout, count if limit is None else min(count, limit))
    return vertices["xyz"].copy(), vertices["rgb"].copy()


def count_vertices(path: Path) -> int:
    """How many points a cloud of this package holds, by its header. Raises StoreError as `read_ply` does."""
    with _open(path) as file:
        return _layout(path, file)[0]


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def ply_comments(axes: FileAxes) -> list[str]:
    """The comments of a cloud or a mesh: who wrote it, the units, and its frame of reference."""
    return [f"da3_stream, {axes.units}", *axes.comments()]


def _header(count: int, comments: Sequence[str], normals: bool) -> bytes:
    """The header; the first comment is padded so that every count gives the same length."""
    padded = [comments[0] + " " * (20 - len(str(count))), *comments[1:]]
    lines = "".join(f"comment {comment}\n" for comment in padded)
    opening = f"ply\nformat binary_little_endian 1.0\n{lines}element vertex {count}\n"
    return opening.encode("ascii") + _POSITION + (_NORMAL if normals else b"") + _RGB + b"end_header\n"


def _layout(path: Path, file: BinaryIO) -> tuple[int, np.dtype[np.void]]:
    """The number of vertices and what each holds; the file is left at the first one."""
    match = _HEADER.match(file.read(_LONGEST))
    if not match:
        raise StoreError(f"{path} is not a cloud of this program: expected binary x y z float, red green blue uchar")
    file.seek(match.end())
    return int(match[1]), _WITH_NORMALS if match[2] else _PLAIN


def _read_evenly(file: BinaryIO, count: int, layout: np.dtype[np.void], wanted: int) -> NDArray[np.void]:
    """`wanted` of `count` vertices, in short runs spread evenly over the whole file."""
    if wanted == count:
        return np.fromfile(file, layout, count)
    first, parts = file.tell(), []
    for taken in range(0, wanted, _RUN):
        file.seek(first + taken * count // wanted * layout.itemsize)
        parts.append(file.read(min(_RUN, wanted - taken) * layout.itemsize))
    return np.frombuffer(b"".join(parts), layout)
