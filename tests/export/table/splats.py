"""Splats, read by a reader of PLY, or of SPZ, and tiles.json beside them."""

from __future__ import annotations

import gzip
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.export.table.clouds import Cloud

MEAN = 0.5 / np.sqrt(np.pi)  # the harmonic of degree 0


def by_trimesh_tiles(path: Path) -> Cloud:
    """All PLY tiles; boxes and counts in tiles.json are theirs."""
    import trimesh

    def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
        vertices: Any = trimesh.load(file).metadata["_ply_raw"]["vertex"]["data"]
        xyz, dc = (columns(vertices, names) for names in (["x", "y", "z"], [f"f_dc_{k}" for k in range(3)]))
        assert "initial splats" in file.read_bytes()[:4000].decode("ascii", "replace")
        return xyz, dc

    return _tiles(path, read)


def by_spz_tiles(path: Path) -> Cloud:
    """All SPZ tiles, with their origins."""

    def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
        splats = read_spz(file)
        return splats["means"], splats["dc"]

    return _tiles(path, read)


def read_spz(path: Path) -> dict[str, np.ndarray]:
    """Version 3 as Niantic describes it: a header of 16 bytes, then all of one kind after the other, all of it zipped.

    (Not by gsply, whose reader is compiled for half a minute when it is first used.)
    """
    raw = gzip.decompress(path.read_bytes())
    magic, version, count, degree, bits, _, _ = struct.unpack("<4sIIBBBB", raw[:16])
    assert (magic, version) == (b"NGSP", 3)
    rest = 3 * ((degree + 1) ** 2 - 1)
    ends = 16 + np.cumsum([0, *(count * size for size in (9, 1, 3, 3, 4, rest))])
    assert len(raw) == ends[-1]
    parts = [np.frombuffer(raw[a:b], np.uint8).reshape(count, -1).astype(np.int64) for a, b in pairwise(ends.tolist())]
    places = (parts[0].reshape(count, 3, 3) * [1, 1 << 8, 1 << 16]).sum(axis=2)
    return {
        "means": (places - (places >> 23 << 24)) / 2.0**bits,
        "opacity": parts[1] / 255,
        "dc": (parts[2] / 255 - 0.5) / 0.15,
        "scales": np.exp(parts[3] / 16 - 10),
        "rest": ((parts[5] - 128) / 128).reshape(count, -1, 3),
    }


def columns(vertices: Any, names: list[str]) -> np.ndarray:
    """Properties [M,...] of the vertices of a PLY file."""
    return np.stack([np.asarray(vertices[name], np.float64).ravel() for name in names], axis=1)


def tiles_of(path: Path) -> list[dict[str, Any]]:
    """What tiles.json says of each file."""
    tiles: list[dict[str, Any]] = json.loads((path / "tiles.json").read_text())["tiles"]
    return tiles


def _tiles(path: Path, read: Any) -> Cloud:
    parts = []
    for entry in tiles_of(path):
        xyz, dc = read(path / entry["file"])
        assert len(xyz) == entry["splats"]
        np.testing.assert_allclose([entry["min"], entry["max"]], [xyz.min(axis=0), xyz.max(axis=0)], atol=2e-4)
        parts.append((xyz + entry.get("origin", 0.0), 255 * (0.5 + MEAN * dc)))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
