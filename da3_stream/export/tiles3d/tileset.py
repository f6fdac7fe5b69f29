"""tileset.json and the points of each tile as GLB.

OGC 22-025r4, "3D Tiles Specification 1.1" (2023). A tile adds the points of a node of the octree to those of the tiles
above it; its box holds its points and those of all tiles below, as they are stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...cloud.octree.building import Octree, OctreeNode
from ...cloud.octree.lattice import Lattice
from ...store.files import json_page, write_text
from ...types import Float32, Float64
from ..gltf import write_points_glb
from .placing import EarthPlacing

_ROUNDING = 2.0**-22  # of a tile's extent: single precision, relative to its middle
_LEAST = 1e-6  # metres: half an edge of a box is more than nothing

Key = tuple[int, int, int, int]  # level, x, y, z of a node


@dataclass
class _Tile:
    """What is known of a node: its bounds, its files, and the nodes below it."""

    low: Float64 = field(default_factory=lambda: np.full(3, np.inf))
    high: Float64 = field(default_factory=lambda: np.full(3, -np.inf))
    files: list[str] = field(default_factory=list)
    below: set[Key] = field(default_factory=set)

    def enclose(self, low: Float64, high: Float64) -> None:
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)


class TilesetWriter:
    """Writes the nodes of an octree, in any order, into a folder; each at once, with positions [M,3] in metres."""

    def __init__(self, folder: Path, tree: Octree, lattice: Lattice, placing: EarthPlacing) -> None:
        self._folder, self._lattice, self._placing, self._spacing = folder, lattice, placing, tree.spacing
        self._tiles: dict[Key, _Tile] = {}

    def write(self, node: OctreeNode) -> None:
        """Write a node's points; each part as a file of its own."""
        key = (node.level, *node.position)
        tile = self._tile(key)
        for number, records in enumerate(node.parts):
            xyz = self._placing.place(self._lattice.positions(records))
            name = "-".join(map(str, key)) + (f"+{number}" if number else "") + ".glb"
            with open(self._folder / name, "wb") as file:
                write_points_glb(file, xyz, records["rgb"], _normals(records))
            margin = _ROUNDING * (xyz.max(axis=0) - xyz.min(axis=0)) + _LEAST
            tile.enclose(xyz.min(axis=0) - margin, xyz.max(axis=0) + margin)
            tile.files.append(name)

    def finish(self, ecef_from_root: Float64, extras: dict[str, Any]) -> None:
        """Write tileset.json; `extras` say what the coordinates are."""
        root = self._json((0, 0, 0, 0)) | {"refine": "ADD", "transform": ecef_from_root.T.ravel().tolist()}
        size = float(np.linalg.norm(self._tiles[0, 0, 0, 0].high - self._tiles[0, 0, 0, 0].low))
        tileset = {
            "asset": {"version": "1.1", "generator": "da3_stream"},
            "geometricError": max(size, 2 * root["geometricError"]),
            "extras": extras,
            "root": root,
        }
        write_text(self._folder / "tileset.json", json_page(tileset))

    def _tile(self, key: Key) -> _Tile:
        """A node's entry, which those above it know of."""
        if key not in self._tiles:
            self._tiles[key] = _Tile()
            if key[0]:
                level, x, y, z = key
                self._tile((level - 1, x >> 1, y >> 1, z >> 1)).below.add(key)
        return self._tiles[key]

    def _json(self, key: Key) -> dict[str, Any]:
        """A tile and those below it. Its error is what it shows without them: gaps of the spacing of its points."""
        tile = self._tiles[key]
        children = [*self._more_parts(tile), *(self._json(other) for other in sorted(tile.below))]
        for other in tile.below:
            tile.enclose(self._tiles[other].low, self._tiles[other].high)
        entry: dict[str, Any] = {"boundingVolume": {"box": _box(tile)}}
        entry["geometricError"] = self._spacing / 2 ** key[0] if children else 0.0
        if tile.files:
            entry["content"] = {"uri": tile.files[0]}
        return entry | ({"children": children} if children else {})

    def _more_parts(self, tile: _Tile) -> Iterator[dict[str, Any]]:
        """The files of a node that has more than one, as tiles below it."""
        for name in tile.files[1:]:
            yield {"boundingVolume": {"box": _box(tile)}, "geometricError": 0.0, "content": {"uri": name}}


def _box(tile: _Tile) -> list[float]:
    """Middle, and half the edges along x, y and z."""
    values: list[float] = [*((tile.low + tile.high) / 2), *np.diag((tile.high - tile.low) / 2).ravel()]
    return values


def _normals(records: Any) -> Float32 | None:
    return records["normal"].astype(np.float32) if "normal" in records.dtype.names else None
