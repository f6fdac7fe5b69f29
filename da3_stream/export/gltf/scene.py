"""The root of a glTF asset: coordinates of a run's world, untouched, below a node that leads to the file's axes."""

from __future__ import annotations

from typing import IO

from ...cloud import FileAxes
from .builder import GltfBuilder, node_matrix


class GltfScene:
    """The scene of an asset of a run. Its root node `world` has `file_from_world` as its matrix; what is added below it
    is in the run's own coordinates."""

    def __init__(self, gltf: GltfBuilder, axes: FileAxes) -> None:
        self._gltf, self._axes = gltf, axes.y_up()
        matrix = node_matrix(self._axes.file_from_world)
        self._root = gltf.add("nodes", {"name": "world", "matrix": matrix})

    def add(self, name: str, mesh: int | None = None, **entry: object) -> int:
        """A node below the root, with a mesh or with other properties; returns its number."""
        return self._gltf.add_child(self._root, name, entry if mesh is None else {"mesh": mesh, **entry})

    def write(self, file: IO[bytes], **extras: object) -> None:
        """Write the asset; the scene's extras are the record of its axes, and these. Raises ExportError where it takes
        more than a GLB can hold."""
        self._gltf.write(file, {"name": "da3_stream", "nodes": [self._root], "extras": {**self._axes.json(), **extras}})
