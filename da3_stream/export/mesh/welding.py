"""A mesh in tiles: kept on disk, welded along the seams between tiles, without small connected components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...cloud.octree.cube import DEPTH, TILE_DEPTH
from ...types import Float32, Float64, UInt8

VERTEX = np.dtype([("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3)])
_KEY = np.dtype((np.void, 12))  # the bytes of a position
_ON_SEAM = 1e-3  # voxels from the face of a cube; beside what float32 rounds there

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _TileMesh:
    """Where a tile's mesh is in the file, its connected components, and its vertices on seams."""

    offset: int  # bytes
    vertices: int
    triangles: int
    components: int
    first_component: int  # components are numbered through all tiles
    seam: Integers  # [S] indices of its vertices on seams
    keys: NDArray[np.void]  # [S] their positions
    seam_normals: Float64  # [S,3] area-weighted sums over its own triangles
    seam_components: Integers  # [S]
    component_triangles: Integers  # [components] counts


class TiledMesh:
    """A mesh that is added tile by tile, kept in `file` but for vertices on seams (in memory, some 70 bytes each).

    Tiles are unions of the smallest tiles of the merged cloud with this `voxel`: vertices on faces of cubes may be
    shared with other tiles.
    """

    def __init__(self, file: IO[bytes], voxel: float) -> None:
        self._file, self._cube = file, voxel * (1 << DEPTH - TILE_DEPTH)
        self._voxel = voxel
        self._tiles: list[_TileMesh] = []

    def add(self, xyz: Float32, rgb: UInt8, triangles: Integers) -> None:
        """Add a tile's vertices [V,3] with colours and its triangles [T,3], without unused vertices and duplicates."""
        vertices, triangles = _clean(xyz, rgb, triangles)
        if not len(triangles):
            return
        normals = _normal_sums(vertices["xyz"].astype(np.float64), triangles)
        vertices["normal"] = _unit(normals)
        count, component = _components(triangles, len(vertices))
        cubes = vertices["xyz"].astype(np.float64) / self._cube
        away = np.abs(cubes - np.rint(cubes)) * self._cube
        seam = np.flatnonzero((away < seam_width(vertices["xyz"], self._voxel)).any(axis=1))
        self._tiles.append(
            _TileMesh(
                self._file.seek(0, 2),
                len(vertices),
                len(triangles),
                count,
                self.count,
                seam,
                _keys(vertices["xyz"][seam]),
                normals[seam],
                component[seam],
                np.bincount(component[triangles[:, 0]], minlength=count),
            )
        )
        for array in (vertices, component.astype(np.int32), triangles.astype(np.int32)):
            self._file.write(array.data)

    @property
    def count(self) -> int:
        """How many connected components the tiles have, each tile by itself."""
        return sum(tile.components for tile in self._tiles)

    def weld(self, min_triangles: int) -> Iterator[tuple[NDArray[np.void], Integers]]:
        """Tile by tile the new vertices, and the triangles by indices of the vertices of all tiles so far.

        Without connected components, across tiles, of fewer triangles. A vertex's normal is the mean of those of its
        triangles, of all tiles, weighted by their areas; it points to where the cameras were.
        """
        if not self._tiles:
            return
        points, point = np.unique(np.concatenate([tile.keys for tile in self._tiles]), return_inverse=True)
        kept = self._triangle_counts(point, len(points)) >= min_triangles
        normals = self._seam_normals(point, len(points))
        point_index, end, first = np.full(len(points), -1), 0, 0
        for tile in self._tiles:
            vertices, component, triangles = self._read(tile)
            is_kept, seam_points = kept[component + tile.first_component], point[first : first + len(tile.seam)]
            vertices["normal"][tile.seam] = normals[seam_points]
            index = np.full(len(vertices), -1)
            index[tile.seam] = point_index[seam_points]  # those that an earlier tile wrote
            new = np.flatnonzero(is_kept & (index < 0))
            index[new] = end + np.arange(len(new))
            point_index[seam_points] = np.where(is_kept[tile.seam], index[tile.seam], point_index[seam_points])
            end, first = end + len(new), first + len(tile.seam)
            yield vertices[new], index[triangles[is_kept[triangles[:, 0]]]]

    def _seam_normals(self, point: Integers, points: int) -> Float32:
        """Unit normals of the distinct points on seams, from the triangles of all tiles."""
        sums = np.concatenate([tile.seam_normals for tile in self._tiles])
        return _unit(np.stack([np.bincount(point, column, points) for column in sums.T], axis=1))

    def _triangle_counts(self, point: Integers, points: int) -> Integers:
        """[components] triangles of all that each one is connected with across seams.

        `point` [S of all tiles] tells which of the distinct points on seams each seam vertex is. Components and points
        are the nodes of one graph: two components are connected if they share a point.
        """
        components = np.concatenate([tile.seam_components + tile.first_component for tile in self._tiles])
        total = self.count
        graph = coo_array(
            (np.ones(len(components), np.int32), (components, total + point)), shape=(total + points,) * 2
        )
        label = connected_components(graph, directed=False)[1][:total]
        triangles = np.concatenate([tile.component_triangles for tile in self._tiles])
        return np.bincount(label, triangles).astype(np.int64)[label]

    def _read(self, tile: _TileMesh) -> tuple[NDArray[np.void], Integers, Integers]:
        """Vertices [V], their components [V] and triangles [T,3]."""
        self._file.seek(tile.offset)
        vertices = self._read_array(VERTEX, tile.vertices)
        component = self._read_array(np.dtype(np.int32), tile.vertices).astype(np.int64)
        triangles = self._read_array(np.dtype(np.int32), 3 * tile.triangles).astype(np.int64)
        return vertices, component, triangles.reshape(-1, 3)

    def _read_array(self, kind: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.frombuffer(bytearray(self._file.read(count * kind.itemsize)), kind)


def seam_width(xyz: NDArray[np.floating], voxel: float) -> Float64:
    """How far coordinates [...,3] of something on a seam may lie from it, in the world."""
    return _ON_SEAM * voxel + np.spacing(np.abs(xyz).astype(np.float32)).astype(np.float64)


def _clean(xyz: Float32, rgb: UInt8, triangles: Integers) -> tuple[NDArray[np.void], Integers]:
    """The vertices in use, once per position; triangles of three distinct ones, each once, sorted."""
    xyz = xyz + np.float32(0)  # no negative zeros
    used, triangles = np.unique(triangles, return_inverse=True)
    _, first, distinct = np.unique(_keys(xyz[used]), return_index=True, return_inverse=True)
    triangles = distinct[triangles.reshape(-1, 3)]
    a, b, c = triangles.T
    triangles = _distinct(triangles[(a != b) & (b != c) & (c != a)])
    remaining, triangles = np.unique(triangles, return_inverse=True)
    kept = used[first[remaining]]
    vertices = np.empty(len(kept), VERTEX)
    vertices["xyz"], vertices["rgb"] = xyz[kept], rgb[kept]
    return vertices, triangles.reshape(-1, 3)


def _distinct(triangles: Integers) -> Integers:
    """Triangles [T,3] once each, whichever corner they begin with, sorted; two that face away from each other cancel.

    Where the surface goes through corners of voxels exactly, triangles of neighbouring cells have the same three
    vertices: the same side twice, or both sides of nothing.
    """
    corners = np.sort(triangles, axis=1)
    a, b, c = triangles.T
    is_even = ((a < b) & (b < c)) | ((b < c) & (c < a)) | ((c < a) & (a < b))  # turned, not mirrored, by sorting
    corners, which = np.unique(corners, axis=0, return_inverse=True)
    side = np.bincount(which.ravel(), np.where(is_even, 1, -1), len(corners))
    distinct = np.where(side[:, None] > 0, corners, corners[:, [0, 2, 1]])
    return distinct[side != 0]


def _normal_sums(xyz: Float64, triangles: Integers) -> Float64:
    """Sums [V,3] of the normals of each vertex's triangles, as long as twice their areas."""
    a, b, c = (xyz[corner] for corner in triangles.T)
    normal = np.cross(b - a, c - a)
    ends = triangles.T.ravel()
    return np.stack([np.bincount(ends, np.tile(column, 3), len(xyz)) for column in normal.T], axis=1)


def _unit(vectors: Float64) -> Float32:
    """Vectors [V,3] of length 1; (0, 0, 0) where triangles have no area."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)


def _keys(xyz: Float32) -> NDArray[np.void]:
    """Positions [V,3] as bytes [V], which are equal where they are equal to the last bit."""
    return np.ascontiguousarray(xyz, "<f4").view(_KEY).ravel()


def _components(triangles: Integers, vertices: int) -> tuple[int, Integers]:
    """How many connected components the triangles [T,3] make, and that of each vertex [V]."""
    ends = triangles[:, [0, 1, 1, 2]].reshape(-1, 2)
    edges = coo_array((np.ones(len(ends), np.int32), (ends[:, 0], ends[:, 1])), shape=(vertices, vertices))
    count, component = connected_components(edges, directed=False)
    return int(count), component.astype(np.int64)
