"""Points, surfaces and lines as meshes of a glTF asset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import Sim3
from ...types import Float32, Float64, UInt8
from .accessors import COLOUR, INDEX, NORMAL, POSITION
from .builder import GltfBuilder, node_matrix
from .colours import linear_from_srgb, vertex_colours

_POINTS, _LINES, _TRIANGLES = 0, 1, 4
_UNLIT = "KHR_materials_unlit"
_NO_NORMAL = np.array([0, 0, 1], np.float32)  # in place of an unknown one: the standard has unit vectors only

YUP_FROM_ZUP = Sim3(1.0, np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), np.zeros(3))
"""The turn from x right, y ahead, z up to the axes of glTF: x right, y up, z back."""


class PointStream:
    """Vertices of one mesh, which come a part at a time."""

    def __init__(self, gltf: GltfBuilder, *, normals: bool) -> None:
        self._gltf, self._position, self._colour = gltf, gltf.array(POSITION), gltf.array(COLOUR)
        self._normal = gltf.array(NORMAL) if normals else None

    @property
    def count(self) -> int:
        """Vertices so far."""
        return self._position.count

    def write(self, xyz: ArrayLike, rgb: UInt8, normals: Float32 | None = None) -> None:
        """Append positions [M,3], colours [M,3] in sRGB bytes and, if there are normals, normals [M,3]."""
        self._position.write(xyz)
        self._colour.write(vertex_colours(rgb))
        if self._normal is not None and normals is not None:
            self._normal.write(unit_normals(normals))

    def mesh(self, name: str, mode: int = _POINTS, **primitive: int) -> int:
        """The number of a mesh of these vertices, in their own colours whatever the light."""
        attributes = {"POSITION": self._position.number, "COLOR_0": self._colour.number}
        if self._normal is not None:
            attributes["NORMAL"] = self._normal.number
        material = add_material(self._gltf, name)
        return self._gltf.add(
            "meshes",
            {
                "name": name,
                "primitives": [{"attributes": attributes, "mode": mode, "material": material, **primitive}],
            },
        )


def add_material(gltf: GltfBuilder, name: str, rgb: tuple[int, int, int] | None = None) -> int:
    """The number of a material that shows colours as they are; for viewers that ignore that, it is matt and no metal.

    `rgb` in sRGB bytes; None for shapes that have colours of their own.
    """
    linear = [1.0] * 3 if rgb is None else linear_from_srgb(np.array(rgb, np.uint8)).tolist()
    gltf.use_extension(_UNLIT)
    return gltf.add(
        "materials",
        {
            "name": name,
            "pbrMetallicRoughness": {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0},
            "doubleSided": True,
            "extensions": {_UNLIT: {}},
        },
    )


def add_lines(gltf: GltfBuilder, name: str, xyz: Float64, ends: ArrayLike, rgb: tuple[int, int, int]) -> int:
    """The number of a mesh of lines between points [M,3]; `ends` [L,2] are indices."""
    position, index = gltf.array(POSITION), gltf.array(INDEX)
    position.write(xyz)
    index.write(np.ravel(ends))
    primitive = {
        "attributes": {"POSITION": position.number},
        "indices": index.number,
        "mode": _LINES,
        "material": add_material(gltf, name, rgb),
    }
    return gltf.add("meshes", {"name": name, "primitives": [primitive]})


def unit_normals(normals: Float32) -> Float32:
    """Normals [M,3] of unit length; +z where they are zero."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.where(length > 0, length, 1), _NO_NORMAL).astype(np.float32)


def write_points_glb(
    file: IO[bytes],
    xyz: Float64,
    rgb: UInt8,
    normals: Float32 | None = None,
    *,
    gltf_from_points: Sim3 = YUP_FROM_ZUP,
    extras: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> None:
    """Write one or more points as a GLB: the contents of a tile, say.

    Positions [M,3] are stored as float32 relative to the middle of their bounds, which is the node's translation in
    double precision; colours [M,3] are sRGB bytes. `gltf_from_points` leads to the axes of glTF; by default the points
    have z up. `extras` are the scene's. Raises ExportError where it takes more than a GLB can hold.
    """
    middle = (xyz.min(axis=0) + xyz.max(axis=0)) / 2
    with GltfBuilder(folder) as gltf:
        points = PointStream(gltf, normals=normals is not None)
        points.write(xyz - middle, rgb, normals)
        gltf_from_node = gltf_from_points @ Sim3(1.0, np.eye(3), middle)
        node = gltf.add(
            "nodes", {"name": "points", "mesh": points.mesh("points"), "matrix": node_matrix(gltf_from_node)}
        )
        gltf.write(file, {"nodes": [node], **({"extras": dict(extras)} if extras else {})})
