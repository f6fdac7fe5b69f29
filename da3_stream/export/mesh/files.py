"""Meshes as PLY, OBJ and GLB, a tile at a time, with normals and colours."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cloud import FileAxes
from ...cloud.files.ply import ply_comments
from ...errors import ExportError
from ...store import RunReader
from ...store.files import replacing
from ..axes import file_axes
from .glb import write_glb_mesh
from .welding import Integers, TiledMesh

if TYPE_CHECKING:
    from ..options import MeshOptions

_ROWS_AT_ONCE = 1024  # that are text at a time
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])

Tiles = Iterator[tuple[NDArray[np.void], Integers]]


def mesh_axes(reader: RunReader, options: MeshOptions) -> FileAxes:
    """The axes of a mesh: as clouds have them, but y up in GLB, and in OBJ where it is turned upright, as most readers
    of OBJ expect. Raises ExportError as `file_axes`."""
    axes = file_axes(reader, options.axes, relative="world" if options.encoding == "ply" else "upright")
    has_y_up = options.encoding == "glb" or (options.encoding == "obj" and axes.name == "upright")
    return axes.y_up() if has_y_up else axes


def write_mesh(path: Path, encoding: str, mesh: TiledMesh, min_triangles: int, axes: FileAxes) -> tuple[int, int]:
    """Write the mesh without components of fewer triangles; returns the counts of vertices and triangles.

    Raises ExportError where nothing is left, or too much for a GLB.
    """
    tiles = mesh.weld(min_triangles)
    with replacing(path) as file:
        if encoding == "ply":
            counts = _write_ply(file, tiles, axes, path.parent)
        elif encoding == "obj":
            counts = _write_obj(file, tiles, axes)
        else:
            counts = write_glb_mesh(file, tiles, axes, path.parent)
        if not counts[1]:
            raise ExportError(
                "no surface is left: give a lower min_triangles, min_views or confidence, or another crop"
            )
    return counts


def _write_ply(file: IO[bytes], tiles: Tiles, axes: FileAxes, folder: Path) -> tuple[int, int]:
    """Binary: vertices, then the triangles, which are kept in a temporary file until then."""
    vertex_count = triangle_count = 0
    file.write(_ply_header(0, 0, axes))
    with tempfile.TemporaryFile(dir=folder) as faces:
        for vertices, triangles in tiles:
            turned = vertices.copy()
            turned["xyz"], turned["normal"] = axes.apply(vertices["xyz"]), axes.rotate(vertices["normal"])
            file.write(turned.data)
            records = np.empty(len(triangles), _FACE)
            records["count"], records["corners"] = 3, triangles
            faces.write(records.data)
            vertex_count, triangle_count = vertex_count + len(vertices), triangle_count + len(triangles)
        faces.seek(0)
        shutil.copyfileobj(faces, file)
    file.seek(0)
    file.write(_ply_header(vertex_count, triangle_count, axes))
    return vertex_count, triangle_count


def _ply_header(vertices: int, triangles: int, axes: FileAxes) -> bytes:
    """A header of the same length for all counts, so that it can be replaced when they are known."""
    first, *others = ply_comments(axes)
    padded = first + " " * (40 - len(f"{vertices}{triangles}"))
    comments = "".join(f"comment {comment}\n" for comment in [padded, *others])
    position = "".join(f"property float {axis}\n" for axis in ("x", "y", "z", "nx", "ny", "nz"))
    colour = "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    return (
        f"ply\nformat binary_little_endian 1.0\n{comments}element vertex {vertices}\n{position}{colour}"
        f"element face {triangles}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode("ascii")


def _write_obj(file: IO[bytes], tiles: Tiles, axes: FileAxes) -> tuple[int, int]:
    """Text; colours behind the positions, which OBJ does not define but most readers take."""
    vertex_count = triangle_count = 0
    file.writelines(f"# {comment}\n".encode("ascii") for comment in ply_comments(axes))
    for vertices, triangles in tiles:
        rows = np.column_stack([axes.apply(vertices["xyz"]), vertices["rgb"] / 255.0])
        file.writelines(_lines("v %.9g %.9g %.9g %.4f %.4f %.4f\n", rows))
        file.writelines(_lines("vn %.4f %.4f %.4f\n", axes.rotate(vertices["normal"]).astype(np.float64)))
        file.writelines(_lines("f %d//%d %d//%d %d//%d\n", np.repeat(triangles + 1, 2, axis=1)))
        vertex_count, triangle_count = vertex_count + len(vertices), triangle_count + len(triangles)
    return vertex_count, triangle_count


def _lines(form: str, rows: NDArray[Any]) -> Iterator[bytes]:
    """The rows as text, many at a time, which takes half as long as one by one."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        yield (form * len(some) % tuple(some.ravel().tolist())).encode("ascii")
