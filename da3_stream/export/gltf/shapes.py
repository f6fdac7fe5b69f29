"""Points, surfaces and lines as meshes of a glTF asset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import Sim3
from ...types import Float32, Float64, UInt8
from .accessors import COLOUR, INDEX, NORMAL, POSITION, AccessorStream, Layout
from .builder import GltfBuilder, node_matrix
from .colours import linear_from_srgb, vertex_colours

POINTS, LINES, TRIANGLES = 0, 1, 4  # modes of primitives
_UNLIT = "KHR_materials_unlit"
_NO_NORMAL = np.array([0, 0, 1], np.float32)  # in place of an unknown one: the standard has unit vectors only

YUP_FROM_ZUP = Sim3(1.0, np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), np.zeros(3))
"""The turn from x right, y ahead, z up to the axes of glTF: x right, y up, z back."""


class PointStream:
    """Vertices of one mesh, which come a part at a time: `count`, and of these `without_normal`, with (0, 0, 0)."""

    def __init__(self, gltf: GltfBuilder, *, normals: bool) -> None:
        self._gltf, self._normals = gltf, normals
        self._arrays: dict[str, AccessorStream] = {}  # by attribute, from the first vertex on
        self.count = self.without_normal = 0

    def write(self, xyz: ArrayLike, rgb: UInt8, normals: Float32 | None = None) -> None:
        """Append positions [M,3], colours [M,3] in sRGB bytes and, if there are normals, normals [M,3]."""
        if not len(rgb):
            return
        self._array("POSITION", POSITION).write(xyz)
        self._array("COLOR_0", COLOUR).write(vertex_colours(rgb))
        if self._normals and normals is not None:
            self._array("NORMAL", NORMAL).write(unit_normals(normals))
            self.without_normal += int((~normals.any(axis=1)).sum())
        self.count += len(rgb)

    def mesh(self, name: str, mode: int = POINTS, **primitive: int) -> int:
        """The number of a mesh of these vertices, in their own colours whatever the light."""
        attributes = {attribute: array.number for attribute, array in self._arrays.items()}
        material = add_material(self._gltf, name)
        return self._gltf.add(
            "meshes",
            {
                "name": name,
                "primitives": [{"attributes": attributes, "mode": mode, "material": material, **primitive}],
            },
        )

    def _array(self, attribute: str, layout: Layout) -> AccessorStream:
        if attribute not in self._arrays:
            self._arrays[attribute] = self._gltf.array(layout)
        return self._arrays[attribute]


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
        "mode": LINES,
        "material": add_material(gltf, name, rgb),
    }
    return gltf.add("meshes", {"name": name, "primitives": [primitive]})


def unit_normals(normals: Float32) -> Float32:
    """Normals [M,3] of unit length; +z where they are zero."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    known = length > 0
    return np.where(known, normals / np.where(known, length, np.float32(1)), _NO_NORMAL).astype(np.float32)


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
