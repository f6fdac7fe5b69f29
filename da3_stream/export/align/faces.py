"""The triangles that a crop of a mesh leaves: those all of whose vertices are kept, by the vertices' new numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from .header import PlyHeader
from .rows import read_rows

_CORNERS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True, eq=False)
class KeptFaces:
    """The rows that are kept of a file's faces, if it has any; some bytes of memory a vertex."""

    file: BinaryIO
    header: PlyHeader
    path: Path
    start: int  # of the faces in the file
    index: NDArray[np.int64]  # [vertices] new number, -1 of those that are not kept
    counts: tuple[int, ...]  # of rows that are kept: of the element behind the vertices, if there is one

    def rows(self) -> Iterator[NDArray[np.void]]:
        """The kept faces, some at a time."""
        if len(self.header.elements) < 2:
            return
        face = self.header.elements[1]
        name = next(column.name for column in face.properties if column.name in _CORNERS)
        self.file.seek(self.start)
        for rows in read_rows(self.file, self.header, face, self.path):
            if (rows[f"count of {name}"] != 3).any() or rows[name].max(initial=0) >= len(self.index):
                raise ExportError(f"{self.path} has faces that are no triangles: triangulate it before it is cropped")
            corners = self.index[rows[name].astype(np.int64)]
            kept = rows[(corners >= 0).all(axis=1)].copy()
            kept[name] = corners[(corners >= 0).all(axis=1)]
            yield kept


def kept_faces(file: BinaryIO, header: PlyHeader, path: Path, inside: Iterable[NDArray[np.bool_]]) -> KeptFaces:
    """The faces of a file whose vertices are asked one chunk after the other whether they are kept, which leaves the
    file at its faces. Raises ExportError for elements that cannot be cropped, and faces that are no triangles."""
    if len(header.elements) > 1:
        _require_triangles(header, path)
    kept = np.concatenate([np.zeros(0, np.bool_), *inside]) if len(header.elements) > 1 else np.zeros(0, np.bool_)
    index = np.where(kept, np.cumsum(kept) - 1, -1)
    faces = KeptFaces(file, header, path, file.tell(), index, ())
    counts = (sum(len(rows) for rows in faces.rows()),) if len(header.elements) > 1 else ()
    return KeptFaces(file, header, path, faces.start, index, counts)


def _require_triangles(header: PlyHeader, path: Path) -> None:
    face = header.elements[1]
    lists = [column.name for column in face.properties if column.count_type]
    if len(header.elements) > 2 or len(lists) != 1 or lists[0] not in _CORNERS:
        names = ", ".join(element.name for element in header.elements[1:])
        raise ExportError(f"{path} holds {names}: only points, and triangles with vertex_indices, can be cropped")
