"""Clouds: CloudCompare, loaders.gl, the npm package copc."""

from __future__ import annotations

import shutil

import numpy as np

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.clouds import Cloud, check_colours, check_frame
from tests.export.table.exported import Exported


def by_cloudcompare(bench: Workbench, exported: Exported) -> Cloud:
    """As it writes as text what it read: with its global shift undone."""
    copy = bench.folder / f"cloud{exported.path.suffix}"
    shutil.copyfile(exported.path, copy)
    words = ["-SILENT", "-O", "-GLOBAL_SHIFT", "AUTO", copy, "-C_EXPORT_FMT", "ASC", "-PREC", "6", "-NO_TIMESTAMP"]
    bench.run([bench.installed.program("CloudCompare"), *words, "-SAVE_CLOUDS", "FILE", bench.folder / "read.asc"])
    rows = np.loadtxt(bench.folder / "read.asc", ndmin=2)
    return rows[:, :3], rows[:, 3:6]


def cloudcompare(bench: Workbench, exported: Exported) -> None:
    """The same points as the truth, in the file's coordinates."""
    found = by_cloudcompare(bench, exported)
    check_frame(lambda _: found, slack=10.0)(exported)  # it computes in single precision


def cloudcompare_colours(bench: Workbench, exported: Exported) -> None:
    found = by_cloudcompare(bench, exported)
    check_colours(lambda _: found, share=0.97)(exported)


def by_copc(bench: Workbench, exported: Exported) -> Cloud:
    """All nodes; each point inside its node's cube, and as many as the header says."""
    found = bench.node("read_copc.cjs", exported.path)
    assert found["header"] == found["count"] and not found["outside"], found["outside"]
    return np.array(found["points"]), np.array(found["colours"]) / 257.0


def copc(bench: Workbench, exported: Exported) -> None:
    found = by_copc(bench, exported)
    check_frame(lambda _: found)(exported)
    check_colours(lambda _: found)(exported)


def pypcd4(bench: Workbench, exported: Exported) -> None:
    file = bench.folder / "read.npz"
    bench.python("pcd.py", exported.path, file)
    found = np.load(file)
    cloud = found["xyz"].astype(np.float64), found["rgb"].astype(np.float64)
    check_frame(lambda _: cloud)(exported)
    check_colours(lambda _: cloud)(exported)


def loaders_las(bench: Workbench, exported: Exported) -> None:
    """LAS 1.2, which is what loaders.gl reads."""
    found = bench.node("read_las.cjs", exported.path)
    points = np.array(found["points"]).reshape(-1, 3)
    colours = np.array(found["colours"]).reshape(len(points), -1)[:, :3]
    cloud = points, colours / (257.0 if colours.max() > 255 else 1.0)
    check_frame(lambda _: cloud)(exported)
    check_colours(lambda _: cloud)(exported)


def loaders_tiles(bench: Workbench, exported: Exported) -> None:
    """The tile set opens, errors shrink towards the leaves, every tile has its points, and its root is on the Earth."""
    found = bench.node("read_tiles.cjs", exported.path / "tileset.json")
    assert found["asset"]["version"] == "1.1" and found["tiles"]
    assert all(tile["above"] is None or tile["error"] < tile["above"] for tile in found["tiles"])
    assert sum(tile.get("points", 0) for tile in found["tiles"]) > 1000
    root = np.array(found["tiles"][0]["transform"]).reshape(4, 4).T
    assert abs(np.linalg.norm(root[:3, 3]) - 6.37e6) < 3e4


CELLS = {"frame": cloudcompare, "colours": cloudcompare_colours}
READERS = (
    Reader("CloudCompare", "debian", {"ply": CELLS}),
    Reader("pypcd4", "python", {"pcd": {"frame": pypcd4, "colours": pypcd4}}),
    Reader("copc (npm)", "npm", {"copc": {"frame": copc, "colours": copc}}),
    Reader(
        "loaders.gl",
        "npm",
        {"las 1.2": {"frame": loaders_las, "colours": loaders_las}, "3dtiles": {"frame": loaders_tiles}},
    ),
)
