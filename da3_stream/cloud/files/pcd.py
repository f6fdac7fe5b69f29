"""PCD files in pieces (v0.7, binary): x y z float32, colour, where asked normals.

Open3D, the one library here that writes PCD, wants all points in memory; the format is a header of text and the points.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...store.files import replacing
from ...types import Float32, UInt8

_PLAIN = np.dtype([("xyz", "<f4", 3), ("bgra", "u1", 4)])
_WITH_NORMALS = np.dtype([*_PLAIN.descr, ("normal", "<f4", 3)])
_WIDEST = 20  # digits of a count


class PcdWriter:
    """Writes points to a PCD file, chunk by chunk; the header, of fixed length, is completed when all are written."""

    def __init__(self, file: BinaryIO, comments: Sequence[str], normals: bool) -> None:
        self._file, self._comments, self._normals = file, comments, normals
        self.count = 0
        self._file.write(self._header())

    def write(self, xyz: NDArray[np.floating], rgb: UInt8, normal: Float32 | None = None) -> None:
        """Add points [M,3] with their colours, and normals [M,3] where the file has them."""
        points = np.zeros(len(xyz), _WITH_NORMALS if self._normals else _PLAIN)
        points["xyz"], points["bgra"][:, :3] = xyz, rgb[:, ::-1]
        if self._normals and normal is not None:
            points["normal"] = normal
        self._file.write(points.data)
        self.count += len(points)

    def finish(self) -> None:
        """Write the count."""
        self._file.seek(0)
        self._file.write(self._header())

    def _header(self) -> bytes:
        """The header; the first comment is padded so that every count gives the same length.

        The colour is a float whose bytes are blue, green, red and 0, as PCL writes it.
        """
        padded = self._comments[0] + " " * 2 * (_WIDEST - len(str(self.count)))
        more = " normal_x normal_y normal_z" if self._normals else ""
        fields = 7 if self._normals else 4
        lines = [
            "# .PCD v0.7 - Point Cloud Data file format",
            *(f"# {comment}" for comment in [padded, *self._comments[1:]]),
            "VERSION 0.7",
            f"FIELDS x y z rgb{more}",
            "SIZE" + " 4" * fields,
            "TYPE" + " F" * fields,
            "COUNT" + " 1" * fields,
            f"WIDTH {self.count}",
            "HEIGHT 1",
            "VIEWPOINT 0 0 0 1 0 0 0",
            f"POINTS {self.count}",
            "DATA binary",
        ]
        return "".join(f"{line}\n" for line in lines).encode("ascii")


@contextlib.contextmanager
def create_pcd(path: Path, comments: Sequence[str], *, normals: bool = False) -> Iterator[PcdWriter]:
    """Write a PCD file, which appears at `path` when the block ends, and not before; comments are lines in ASCII."""
    with replacing(path) as file:
        writer = PcdWriter(file, comments, normals)
        yield writer
        writer.finish()
