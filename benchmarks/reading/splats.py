"""Splats: splat-transform (npm), whose own axes are those of PLY files: it turns SPZ half around x."""

from __future__ import annotations

import numpy as np

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.clouds import Cloud, check_colours, check_frame
from tests.export.table.exported import Exported
from tests.export.table.splats import MEAN, tiles_of

SPZ_FROM_PLY = np.array([1.0, -1, -1])


def by_splat_transform(bench: Workbench, exported: Exported) -> Cloud:
    """All tiles, in the coordinates of the files: as it writes as text what it read."""
    parts = []
    for entry in tiles_of(exported.path):
        found = bench.node("read_splats.cjs", exported.path / entry["file"], bench.folder / "splats.csv")
        assert found["count"] == entry["splats"]
        xyz, dc = np.array(found["points"]).reshape(-1, 3), np.array(found["dc"]).reshape(-1, 3)
        xyz = xyz * SPZ_FROM_PLY if entry["file"].endswith(".spz") else xyz
        parts.append((xyz + entry.get("origin", 0.0), 255 * (0.5 + MEAN * dc)))
    return np.concatenate([xyz for xyz, _ in parts]), np.concatenate([rgb for _, rgb in parts])


def places(bench: Workbench, exported: Exported) -> None:
    """The same points as the truth, in the files' coordinates."""
    found = by_splat_transform(bench, exported)
    check_frame(lambda _: found)(exported)


def colours(bench: Workbench, exported: Exported) -> None:
    found = by_splat_transform(bench, exported)
    check_colours(lambda _: found)(exported)


CELLS = {"frame": places, "colours": colours}
READERS = (Reader("splat-transform (npm)", "npm", {"gs_ply": CELLS, "spz": CELLS}),)
