"""A mesh as binary glTF, a tile at a time: normals, linear colours, unlit and visible from both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...cloud import FileAxes
from ..gltf import INDEX, TRIANGLES, GltfBuilder, GltfScene, PointStream


def write_glb_mesh(
    file: IO[bytes], tiles: Iterator[tuple[NDArray[np.void], NDArray[np.int64]]], axes: FileAxes, folder: Path
) -> tuple[int, int]:
    """Write a welded mesh (see `TiledMesh.weld`), nothing where it has no triangles; returns the counts of vertices and
    triangles.

    Positions are in the run's world, below a node with the matrix of the axes. Arrays wait in unnamed files in
    `folder`. Raises ExportError where it takes more than a GLB can hold.
    """
    with GltfBuilder(folder) as gltf:
        scene, vertices, corners = GltfScene(gltf, axes), PointStream(gltf, normals=True), gltf.array(INDEX)
        for new, triangles in tiles:
            vertices.write(new["xyz"], new["rgb"], new["normal"])
            corners.write(triangles.ravel())
        if corners.count:
            scene.add("mesh", vertices.mesh("mesh", TRIANGLES, indices=corners.number))
            scene.write(file)
    return vertices.count, corners.count // 3
