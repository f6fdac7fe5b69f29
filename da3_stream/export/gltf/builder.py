"""A glTF asset in the making: what its JSON lists, and arrays in temporary files until it is written as one GLB."""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ...errors import ExportError
from ...geometry import Sim3
from ...store.files import json_line
from .accessors import AccessorStream, Layout

_IN_MEMORY = 1 << 22  # bytes of an array that need no file
_MAX_BYTES = (1 << 32) - 4  # of a GLB, whose header has 32 bits for its length
_JSON, _BINARY = b"JSON", b"BIN\0"


class GltfBuilder:
    """Nodes, meshes, materials, cameras and animations by their numbers, and their arrays.

    A context: arrays above some MB are in unnamed files in `folder` (default: the system's) until it is left.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._files = folder, ExitStack()
        self._lists: dict[str, list[dict[str, Any]]] = {}
        self._streams: list[AccessorStream] = []
        self._extensions: set[str] = set()

    def __enter__(self) -> GltfBuilder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.close()

    def array(self, layout: Layout) -> AccessorStream:
        """A new, empty array. It must have a row when the asset is written: the standard knows no empty ones."""
        folder = None if self._folder is None else str(self._folder)
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115
        self._files.enter_context(file)
        self._streams.append(AccessorStream(len(self._streams), layout, file))
        return self._streams[-1]

    def add(self, kind: str, entry: Mapping[str, Any]) -> int:
        """Append to one of the lists of the JSON ("nodes", "meshes", ...); returns the entry's number."""
        entries = self._lists.setdefault(kind, [])
        entries.append(dict(entry))
        return len(entries) - 1

    def add_child(self, parent: int, name: str, entry: Mapping[str, Any]) -> int:
        """Append a node below another; returns its number."""
        number = self.add("nodes", {"name": name, **entry})
        self._lists["nodes"][parent].setdefault("children", []).append(number)
        return number

    def use_extension(self, name: str) -> None:
        """Say that the asset uses an extension, which readers may ignore."""
        self._extensions.add(name)

    def write(self, file: IO[bytes], scene: Mapping[str, Any]) -> None:
        """Write the asset: a header, the JSON and the arrays. `scene` is the one that viewers show: its `nodes`, name
        and extras. Raises ExportError where it takes more than a GLB can hold."""
        size = sum(stream.nbytes for stream in self._streams)
        text = json_line(self._tree(scene, size)).strip().encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + (8 + size if size else 0)
        if total > _MAX_BYTES:
            raise ExportError(
                f"{total / 1e9:.1f} GB are more than the 4.29 GB that a GLB can hold: give fewer points (max_points, "
                "frames, a larger voxel), or write PLY"
            )
        file.write(struct.pack("<4sII", b"glTF", 2, total))
        file.write(struct.pack("<I4s", len(text), _JSON) + text)
        if size:
            file.write(struct.pack("<I4s", size, _BINARY))
        for stream in self._streams:
            stream.file.seek(0)
            shutil.copyfileobj(stream.file, file, 1 << 20)

    def _tree(self, scene: Mapping[str, Any], size: int) -> dict[str, Any]:
        """The JSON; lists that would be empty are left out, as the standard wants."""
        views, offset = [], 0
        for stream in self._streams:
            views.append(stream.view_json(offset))
            offset += stream.nbytes
        lists = {
            "extensionsUsed": sorted(self._extensions),
            **self._lists,
            "accessors": [stream.as_json() for stream in self._streams],
            "bufferViews": views,
            "buffers": [{"byteLength": size}] if size else [],
        }
        asset = {"version": "2.0", "generator": "da3_stream"}
        filled = {name: entries for name, entries in lists.items() if entries}
        return {"asset": asset, "scene": 0, "scenes": [dict(scene)], **filled}


def node_matrix(parent_from_child: Sim3) -> list[float]:
    """A node's `matrix`: column by column."""
    matrix: list[float] = parent_from_child.matrix().T.ravel().tolist()
    return matrix
