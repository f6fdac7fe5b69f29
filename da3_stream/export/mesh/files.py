"""Meshes as PLY and OBJ, a tile at a time, and as GLB, which is built in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...geometry import Sim3
from ...store import RunReader
from ...store.files import replacing
from ..cloud.axes import y_up
from .welding import VERTEX, Integers, TiledMesh

_MAX_GLB_TRIANGLES = 10_000_000  # some 3 GB of memory
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])

Tiles = Iterator[tuple[NDArray[np.void], Integers]]


def write_mesh(path: Path, encoding: str, mesh: TiledMesh, min_triangles: int, reader: RunReader) -> tuple[int, int]:
    """Write the mesh without components of fewer triangles; returns the counts of vertices and triangles.

    Raises ExportError where nothing is left, or too much for a GLB.
    """
    tiles = mesh.weld(min_triangles)
    with replacing(path) as file:
        if encoding == "ply":
            counts = _write_ply(file, tiles, f"da3_stream, {reader.units}", path.parent)
        elif encoding == "obj":
            counts = _write_obj(file, tiles, y_up(reader))
        else:
            counts = _write_glb(file, tiles, y_up(reader), reader.units)
        if not counts[1]:
            raise ExportError("no surface is left: give a lower min_triangles, min_views or confidence")
    return counts


def _write_ply(file: IO[bytes], tiles: Tiles, comment: str, folder: Path) -> tuple[int, int]:
    """Binary: vertices with colours, then the triangles, which are kept in a temporary file until then."""
    vertex_count = triangle_count = 0
    file.write(_ply_header(0, 0, comment))
    with tempfile.TemporaryFile(dir=folder) as faces:
        for vertices, triangles in tiles:
            file.write(vertices.data)
            records = np.empty(len(triangles), _FACE)
            records["count"], records["corners"] = 3, triangles
            faces.write(records.data)
            vertex_count, triangle_count = vertex_count + len(vertices), triangle_count + len(triangles)
        faces.seek(0)
        shutil.copyfileobj(faces, file)
    file.seek(0)
    file.write(_ply_header(vertex_count, triangle_count, comment))
    return vertex_count, triangle_count


def _ply_header(vertices: int, triangles: int, comment: str) -> bytes:
    """A header of the same length for all counts, so that it can be replaced when they are known."""
    padded = comment + " " * (40 - len(f"{vertices}{triangles}"))
    position = "".join(f"property float {axis}\n" for axis in "xyz")
    colour = "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    return (
        f"ply\nformat binary_little_endian 1.0\ncomment {padded}\nelement vertex {vertices}\n{position}{colour}"
        f"element face {triangles}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode("ascii")


def _write_obj(file: IO[bytes], tiles: Tiles, file_from_world: Sim3) -> tuple[int, int]:
    """Text; colours behind the positions, which OBJ does not define but most readers take."""
    vertex_count = triangle_count = 0
    file.write(b"# da3_stream, y up\n")
    for vertices, triangles in tiles:
        rows = np.column_stack([file_from_world.apply(vertices["xyz"]), vertices["rgb"] / 255.0])
        np.savetxt(file, rows, "v %.9g %.9g %.9g %.4f %.4f %.4f")
        np.savetxt(file, triangles + 1, "f %d %d %d")
        vertex_count, triangle_count = vertex_count + len(vertices), triangle_count + len(triangles)
    return vertex_count, triangle_count


def _write_glb(file: IO[bytes], tiles: Tiles, file_from_world: Sim3, units: str) -> tuple[int, int]:
    import trimesh

    vertex_parts, face_parts, count = [np.zeros(0, VERTEX)], [np.zeros((0, 3), np.int64)], 0
    for vertices, triangles in tiles:
        vertex_parts.append(vertices)
        face_parts.append(triangles)
        count += len(triangles)
        if count > _MAX_GLB_TRIANGLES:
            raise ExportError(
                f"the surface has over {_MAX_GLB_TRIANGLES:,} triangles, too many for a GLB: give encoding=ply"
            )
    vertices, faces = np.concatenate(vertex_parts), np.concatenate(face_parts)
    if count:
        mesh = trimesh.Trimesh(
            file_from_world.apply(vertices["xyz"]), faces, vertex_colors=vertices["rgb"], process=False
        )
        scene = trimesh.Scene(metadata={"units": units, "generator": "da3_stream"})
        scene.add_geometry(mesh, node_name="mesh", geom_name="mesh")
        file.write(scene.export(file_type="glb"))
    return len(vertices), count
