"""Paths on the Earth and depth maps, by GDAL."""

from __future__ import annotations

import json

import cv2
import numpy as np

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.exported import Array, Exported
from tests.worlds.known_street import pose


def places(wkb: str) -> Array:
    """Positions [N,2 or 3] of a line, or of lines, in hexadecimal WKB (OGC 06-103r4): little endian."""
    data = bytes.fromhex(wkb)

    def line(at: int) -> tuple[Array, int]:
        kind = int(np.frombuffer(data, "<u4", 1, at + 1)[0])
        dimensions = 3 if kind & 0x80000000 or kind // 1000 == 1 else 2
        shape = kind & 0xFF if kind & 0x80000000 else kind % 1000
        if shape == 5:  # several lines
            count, at, parts = int(np.frombuffer(data, "<u4", 1, at + 5)[0]), at + 9, []
            for _ in range(count):
                part, at = line(at)
                parts.append(part)
            return np.concatenate(parts), at
        if shape == 1:  # a point
            return np.frombuffer(data, "<f8", dimensions, at + 5).reshape(1, -1), at + 5 + 8 * dimensions
        count = int(np.frombuffer(data, "<u4", 1, at + 5)[0])
        end = at + 9 + 8 * dimensions * count
        return np.frombuffer(data, "<f8", dimensions * count, at + 9).reshape(count, dimensions), end

    return line(0)[0]


def path(bench: Workbench, exported: Exported) -> None:
    """Every place of the path is where PROJ says, in longitude and latitude."""
    from pyproj import Transformer

    place = exported.run.kind.georeference
    assert place is not None
    on_map = place.geographic_from_world.apply(np.stack([pose(index)[:3, 3] for index in exported.run.posed]))
    to_degrees = Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True).transform
    expected = np.stack(to_degrees(*on_map.T[:2]), axis=1)
    layers = bench.python("gdal.py", "vectors", exported.path)["layers"]
    found = np.concatenate([places(wkb)[:, :2] for layer in layers.values() for wkb in layer["wkb"]])
    for at in expected:
        assert np.abs(found - at).max(axis=1).min() < 1e-8, at


def depth(bench: Workbench, exported: Exported) -> None:
    """The same numbers that OpenCV reads."""
    entry = json.loads((exported.path / "depth.json").read_text())["frames"][0]
    file = exported.path / entry["depth"]
    found = bench.python("gdal.py", "raster", file)
    values = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found["dtype"] == "float32" and tuple(found["shape"]) == values.shape
    np.testing.assert_allclose(found["sum"], values.astype(np.float64).sum())


READERS = (
    Reader(
        "GDAL",
        "python",
        {"geojson": {"frame": path}, "kml": {"frame": path}, "gpx": {"frame": path}, "depth": {"units": depth}},
    ),
)
