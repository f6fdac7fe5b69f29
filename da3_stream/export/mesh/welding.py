"""The surfaces of tiles, kept on disk, welded along their seams, and counted by what hangs together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...cloud.fusion.tiling import SMALLEST
from ...types import Float32, UInt8

VERTEX = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
_KEY = np.dtype((np.void, 12))  # a position, to the last bit
_ON_SEAM = 1e-3  # voxels from the border of a cube

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Piece:
    """Where a tile's surface is in the file, and its vertices on seams."""

    offset: int  # bytes
    vertices: int
    triangles: int
    parts: int
    first_part: int  # parts are numbered through all tiles
    seam: Integers  # [S] of its vertices
    keys: NDArray[np.void]  # [S] their positions
    seam_parts: Integers  # [S]
    part_triangles: Integers  # [parts]


class Pieces:
    """Takes surfaces tile by tile. Vertices on seams are kept in memory (some 40 bytes each), the others in `file`."""

    def __init__(self, file: IO[bytes], voxel: float) -> None:
        self._file, self._cube = file, voxel * (1 << SMALLEST)
        self._within = _ON_SEAM * voxel
        self._pieces: list[_Piece] = []

    def add(self, xyz: Float32, rgb: UInt8, triangles: Integers) -> None:
        """A tile's vertices [V,3] with colours, and its triangles [T,3]; unused vertices go, equal ones become one."""
        vertices, triangles = _tidy(xyz, rgb, triangles)
        if not len(triangles):
            return
        count, part = _connected(triangles, len(vertices))
        cubes = vertices["xyz"].astype(np.float64) / self._cube
        seam = np.flatnonzero((np.abs(cubes - np.rint(cubes)) * self._cube < self._within).any(axis=1))
        self._pieces.append(
            _Piece(
                self._file.seek(0, 2),
                len(vertices),
                len(triangles),
                count,
                sum(piece.parts for piece in self._pieces[-1:]) + (self._pieces[-1].first_part if self._pieces else 0),
                seam,
                _keys(vertices["xyz"][seam]),
                part[seam],
                np.bincount(part[triangles[:, 0]], minlength=count),
            )
        )
        for array in (vertices, part.astype(np.int32), triangles.astype(np.int32)):
            self._file.write(array.data)

    @property
    def count(self) -> int:
        """Surfaces that hang together within a tile."""
        return sum(piece.parts for piece in self._pieces)

    def welded(self, min_triangles: int) -> Iterator[tuple[NDArray[np.void], Integers]]:
        """Tile by tile the new vertices and the triangles, which count vertices through all tiles; without what hangs
        together in fewer triangles, across tiles."""
        if not self._pieces:
            return
        together, group = np.unique(np.concatenate([piece.keys for piece in self._pieces]), return_inverse=True)
        kept = self._large(group, len(together)) >= min_triangles
        number, end, first = np.full(len(together), -1), 0, 0
        for piece in self._pieces:
            vertices, part, triangles = self._read(piece)
            stays, groups = kept[part + piece.first_part], group[first : first + len(piece.seam)]
            place = np.full(len(vertices), -1)
            place[piece.seam] = number[groups]
            new = np.flatnonzero(stays & (place < 0))
            place[new] = end + np.arange(len(new))
            number[groups] = np.where(stays[piece.seam], place[piece.seam], number[groups])
            end, first = end + len(new), first + len(piece.seam)
            yield vertices[new], place[triangles[stays[triangles[:, 0]]]]

    def _large(self, group: Integers, groups: int) -> Integers:
        """[parts] triangles of all that hangs together with a part."""
        parts = np.concatenate([piece.seam_parts + piece.first_part for piece in self._pieces])
        total = self.count
        joined = coo_array((np.ones(len(parts), np.int32), (parts, total + group)), shape=(total + groups,) * 2)
        label = connected_components(joined, directed=False)[1][:total]
        triangles = np.concatenate([piece.part_triangles for piece in self._pieces])
        return np.bincount(label, triangles).astype(np.int64)[label]

    def _read(self, piece: _Piece) -> tuple[NDArray[np.void], Integers, Integers]:
        self._file.seek(piece.offset)
        vertices = self._take(VERTEX, piece.vertices)
        part = self._take(np.dtype(np.int32), piece.vertices).astype(np.int64)
        return vertices, part, self._take(np.dtype(np.int32), 3 * piece.triangles).astype(np.int64).reshape(-1, 3)

    def _take(self, kind: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.frombuffer(self._file.read(count * kind.itemsize), kind)


def _tidy(xyz: Float32, rgb: UInt8, triangles: Integers) -> tuple[NDArray[np.void], Integers]:
    """The vertices in use, once each, by position; triangles of three of them, in order."""
    xyz = xyz + np.float32(0)  # no negative zeros
    used, triangles = np.unique(triangles, return_inverse=True)
    _, first, same = np.unique(_keys(xyz[used]), return_index=True, return_inverse=True)
    triangles = same[triangles.reshape(-1, 3)]
    a, b, c = triangles.T
    triangles = np.unique(triangles[(a != b) & (b != c) & (c != a)], axis=0)
    still, triangles = np.unique(triangles, return_inverse=True)
    chosen = used[first[still]]
    vertices = np.empty(len(chosen), VERTEX)
    vertices["xyz"], vertices["rgb"] = xyz[chosen], rgb[chosen]
    return vertices, triangles.reshape(-1, 3)


def _keys(xyz: Float32) -> NDArray[np.void]:
    return np.ascontiguousarray(xyz, "<f4").view(_KEY).ravel()


def _connected(triangles: Integers, vertices: int) -> tuple[int, Integers]:
    """How many parts the surface has, and the part [V] of each vertex."""
    ends = triangles[:, [0, 1, 1, 2]].reshape(-1, 2)
    edges = coo_array((np.ones(len(ends), np.int32), (ends[:, 0], ends[:, 1])), shape=(vertices, vertices))
    count, part = connected_components(edges, directed=False)
    return int(count), part.astype(np.int64)
