"""E57 files in pieces (ASTM E2807): one scan of x y z float32 and colours, by libE57 (optional extra `e57`: pye57).

pye57's own `write_scan_raw` takes all points at once, gives every file other identifiers, and turns the bounds with the
pose; so the nodes are put together here. Coordinates are kept from `origin`, the pose's translation, since single
precision has steps of 0.25 m in coordinates of a map. Equal points give equal bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import StoreError
from ...types import Float64, UInt8

_AT_ONCE = 1 << 16  # points in the buffers
_COLOURS = ("colorRed", "colorGreen", "colorBlue")
_PLACES = ("cartesianX", "cartesianY", "cartesianZ")


@dataclass(frozen=True, eq=False)
class E57Layout:
    """What a file says of itself: `origin` is added to the stored coordinates by all who read it."""

    origin: Float64  # [3]
    description: str  # of the scan
    coordinate_metadata: str = ""  # WKT of the system of the coordinates, origin added


class E57Writer:
    """Writes points to an E57 file, chunk by chunk."""

    def __init__(self, path: Path, layout: E57Layout) -> None:
        self._e57 = load_libe57()
        self._file = self._e57.ImageFile(str(path), "w")
        self._layout, self._digest = layout, hashlib.sha256(layout.description.encode())
        self._bounds = np.array([[np.inf] * 3, [-np.inf] * 3])
        self.count = 0
        self._scan = self._file_head()
        self._arrays = {name: np.zeros(_AT_ONCE, np.float32) for name in _PLACES}
        self._arrays |= {name: np.zeros(_AT_ONCE, np.uint8) for name in _COLOURS}
        self._writer = self._points_writer()

    def write(self, xyz: NDArray[np.floating], rgb: UInt8) -> None:
        """Add points [M,3] in the file's coordinates, with their colours."""
        local = (xyz - self._layout.origin).astype(np.float32)
        for start in range(0, len(local), _AT_ONCE):
            places, colours = local[start : start + _AT_ONCE], rgb[start : start + _AT_ONCE]
            for names, values in ((_PLACES, places), (_COLOURS, colours)):
                for axis, name in enumerate(names):
                    self._arrays[name][: len(values)] = values[:, axis]
            self._writer.write(len(places))
            self._digest.update(np.ascontiguousarray(places).data)
            self._bounds = np.stack(
                [np.minimum(self._bounds[0], places.min(axis=0)), np.maximum(self._bounds[1], places.max(axis=0))]
            )
        self.count += len(local)

    def finish(self) -> None:
        """Complete the file: identifiers, and the box of the points, in the scan's own coordinates as the standard has
        it."""
        self._writer.close()
        identifier = uuid.uuid5(uuid.NAMESPACE_URL, self._digest.hexdigest())
        for node in (self._file.root(), self._scan):
            node.set("guid", self._text(f"{{{identifier}}}"))
        if self.count:
            box = {
                f"{axis}{end}": float(value)
                for end, corner in zip(("Minimum", "Maximum"), self._bounds, strict=True)
                for axis, value in zip("xyz", corner, strict=True)
            }
            self._scan.set("cartesianBounds", self._structure(box))
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _file_head(self) -> Any:
        """The root's entries; returns the one scan."""
        e57, file = self._e57, self._file
        root, scans, scan = file.root(), e57.VectorNode(file, True), e57.StructureNode(file)
        file.extensionsAdd("", e57.E57_V1_0_URI)
        root.set("formatName", self._text("ASTM E57 3D Imaging Data File"))
        root.set("versionMajor", e57.IntegerNode(file, e57.E57_FORMAT_MAJOR))
        root.set("versionMinor", e57.IntegerNode(file, e57.E57_FORMAT_MINOR))
        root.set("e57LibraryVersion", self._text(e57.E57_LIBRARY_ID))
        root.set("coordinateMetadata", self._text(self._layout.coordinate_metadata))
        root.set("data3D", scans)
        root.set("images2D", e57.VectorNode(file, True))
        scan.set("name", self._text("da3_stream"))
        scan.set("description", self._text(self._layout.description))
        pose = e57.StructureNode(file)
        pose.set("rotation", self._structure({"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0}))
        pose.set("translation", self._structure(dict(zip("xyz", self._layout.origin.tolist(), strict=True))))
        scan.set("pose", pose)
        limits = e57.StructureNode(file)
        for name in _COLOURS:
            limits.set(f"{name}Minimum", e57.IntegerNode(file, 0))
            limits.set(f"{name}Maximum", e57.IntegerNode(file, 255))
        scan.set("colorLimits", limits)
        scans.append(scan)
        return scan

    def _points_writer(self) -> Any:
        e57, file = self._e57, self._file
        kinds, buffers = e57.StructureNode(file), e57.VectorSourceDestBuffer()
        for name, array in self._arrays.items():
            is_place = name in _PLACES
            far = float(np.finfo(np.float32).max)
            single = (0.0, e57.E57_SINGLE, -far, far)
            kinds.set(name, e57.FloatNode(file, *single) if is_place else e57.IntegerNode(file, 0, 0, 255))
            buffers.append(e57.SourceDestBuffer(file, name, array, _AT_ONCE, True, True))
        points = e57.CompressedVectorNode(file, kinds, e57.VectorNode(file, True))
        self._scan.set("points", points)
        return points.writer(buffers)

    def _structure(self, values: dict[str, float]) -> Any:
        node = self._e57.StructureNode(self._file)
        for name, value in values.items():
            node.set(name, self._e57.FloatNode(self._file, value))
        return node

    def _text(self, text: str) -> Any:
        return self._e57.StringNode(self._file, text)


def load_libe57() -> Any:
    """libE57 as pye57 has it. Raises StoreError where that is not installed."""
    try:
        from pye57 import libe57
    except ImportError:
        raise StoreError("e57 needs the package pye57: pip install 'da3_stream[e57]'") from None
    return libe57


@contextlib.contextmanager
def create_e57(path: Path, layout: E57Layout) -> Iterator[E57Writer]:
    """Write a new E57 file. Raises StoreError where pye57 is not installed, and where the disk refuses."""
    e57 = load_libe57()
    try:
        writer = E57Writer(path, layout)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()
    except e57.E57Exception as error:
        raise StoreError(f"cannot write {path}: {error}") from error
