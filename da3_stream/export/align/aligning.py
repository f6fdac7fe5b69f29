"""`da3-stream align`: a PLY file turned such that z is up, with the level plane at z = 0, and cropped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...cloud import Ball, Box, read_region
from ...errors import ExportError
from ...geometry import Sim3
from ...store.files import write_text
from ...types import Float64
from ...upright import Up
from ..output_path import output_path
from .faces import kept_faces
from .header import PlyHeader, read_header
from .record import turned_comments
from .rows import ROWS, read_rows, write_rows
from .source import AlignSource, find_up
from .turning import VertexTurn, vectors

_SAMPLE = 200_000  # points, about, from which up is estimated


@dataclass(frozen=True, eq=False)
class Aligned:
    """What `align_ply` did: out = matrix · (x, y, z, 1) of the input."""

    path: Path
    matrix: Float64  # [4,4], rigid
    up: Up  # in the input's coordinates
    points: int
    summary: str  # for people


def align_ply(
    source: Path,
    out: Path,
    *,
    up: str = "auto",
    crop: str | None = None,
    run: Path | None = None,
    overwrite: bool = False,
) -> Aligned:
    """Turn a PLY file upright, with all of its properties, in its own format; some 65,000 rows are in memory at a time.

    `up` is "auto" or the direction x,y,z that is up, roughly, in the file: then its sign is given. `crop` is a region
    in the coordinates of the new file. `run` is the directory of the run that the file is of, whose cameras decide;
    without it that in which the file lies, if any. The matrix is written beside, as OUT.matrix.txt. Raises ExportError,
    in one sentence, for files that could not be turned rightly.
    """
    try:
        with open(source, "rb") as file:
            return _align(file, AlignSource.of(Path(source), run), Path(out), up, crop, overwrite)
    except OSError as error:
        raise ExportError(f"cannot read {source}: {error.strerror or error}") from error


def _align(file: BinaryIO, source: AlignSource, out: Path, up_text: str, crop: str | None, overwrite: bool) -> Aligned:
    header = read_header(file, source.path)
    turn, start = VertexTurn.of(header, source.path), file.tell()
    if not header.elements[0].count:
        raise ExportError(f"{source.path} holds no points: there is nothing to turn")
    source = source.with_comments(header.comments)
    up, how = find_up(source, up_text, _sample(file, header, source.path))
    matrix = _upright(up)
    region = _region(crop, source, matrix)
    rows = _Rows(file, header, source.path, start, turn, matrix, region)
    kept = rows.count()
    if not kept:
        raise ExportError(f"no point lies in {region}, in the coordinates of the turned file: nothing to write")
    with output_path(out, folder=False, overwrite=overwrite) as new, open(new, "wb") as written:
        rows.write(written, turned_comments(header.comments, matrix), kept)
    text = matrix_text(matrix.matrix())
    write_text(out.with_name(f"{out.name}.matrix.txt"), text)
    cropped = "" if region is None else f", cropped to {region}"
    floor = "" if up.floor is None or up.source == "map" else "; the level plane is at z = 0"
    return Aligned(out, matrix.matrix(), up, kept, f"{kept:,} points{cropped}, z up{floor}\n{how}")


def matrix_text(matrix: Float64) -> str:
    """Four lines of four numbers, as CloudCompare reads them."""
    return "".join(" ".join(f"{value:.17g}" for value in row) + "\n" for row in matrix + 0.0)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The data of a file as it is written."""

    file: BinaryIO
    header: PlyHeader
    path: Path
    start: int  # of the data in the file
    turn: VertexTurn
    matrix: Sim3
    region: Box | Ball | None

    def count(self) -> int:
        """How many vertices are kept."""
        if self.region is None:
            return self.header.elements[0].count
        return sum(int(inside.sum()) for _, inside in self._turned())

    def write(self, out: IO[bytes], comments: tuple[str, ...], kept: int) -> None:
        """The whole file, with these comments."""
        header = PlyHeader(self.header.format, comments, self.header.elements)
        if self.region is None:
            out.write(header.encoded())
            for rows, _ in self._turned():
                write_rows(out, header, rows)
            shutil.copyfileobj(self.file, out)  # elements behind the vertices stay as they are
            return
        faces = kept_faces(self.file, header, self.path, (inside for _, inside in self._turned()))
        out.write(header.with_counts([kept, *faces.counts]).encoded())
        for rows, inside in self._turned():
            write_rows(out, header, rows[inside])
        for rows in faces.rows():
            write_rows(out, header, rows)

    def _turned(self) -> Iterator[tuple[NDArray[np.void], NDArray[np.bool_]]]:
        """The vertices, turned, and which of them are kept."""
        self.file.seek(self.start)
        for rows in read_rows(self.file, self.header, self.header.elements[0], self.path):
            turned = self.turn.apply(rows, self.matrix)
            inside = np.ones(len(rows), np.bool_) if self.region is None else self.region.contains(vectors(turned))
            yield turned, inside


def _sample(file: BinaryIO, header: PlyHeader, path: Path) -> Float64:
    """Positions [M,3] of vertices evenly over the file."""
    vertex = header.elements[0]
    every = max(-(-vertex.count // _SAMPLE), 1)
    parts, first = [np.zeros((0, 3))], 0
    for rows in read_rows(file, header, vertex, path):
        parts.append(vectors(rows[-first % every :: every]))
        first += ROWS
    return np.concatenate(parts)


def _upright(up: Up) -> Sim3:
    """The least turn after which z is up, and the level plane at z = 0 (but on a map, whose heights stay)."""
    x, y, z = up.direction / np.linalg.norm(up.direction)
    if z < -1 + 1e-12:
        rotation = np.diag([1.0, -1, -1])
    else:
        k = 1 / (1 + z)
        rotation = np.array([[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]])
    lowered = 0.0 if up.floor is None or up.source == "map" else -up.floor
    return Sim3(1.0, rotation, np.array([0.0, 0.0, lowered]))


def _region(crop: str | None, source: AlignSource, matrix: Sim3) -> Box | Ball | None:
    if crop is None:
        return None
    try:
        region = read_region(crop)
    except ValueError as error:
        raise ExportError(f"--crop: {error}") from None
    if region is not None:
        return region
    ball = source.object()
    return Ball(matrix.apply(ball.centre), ball.radius)
