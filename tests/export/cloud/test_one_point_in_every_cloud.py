"""Points of the world lie where the record of each file says, in every format of clouds, by other readers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from da3_stream.cloud import Points as CloudPoints
from da3_stream.cloud import write_page
from da3_stream.cloud.files.laz import LasLayout
from da3_stream.errors import ExportError, StoreError
from da3_stream.export.exporting import export_run
from da3_stream.export.mesh import tsdf as mesh_module
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference, Run, RunReader
from tests.worlds.exported_run import whole_run
from tests.worlds.street import PAGES, street_scene

EAST_NORTH_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
TILT = np.array([[1.0, 0, 0], [0, 0.9984, -0.0565], [0, 0.0565, 0.9984]])
U, _, V = np.linalg.svd(EAST_NORTH_UP @ TILT)
PLACE = Sim3(4.687, U @ V, np.array([691_000.25, 5_334_000.75, 519.5]))
SYSTEMS = {
    None: None,
    "EPSG:32632": PLACE,
    "EPSG:2263": PLACE,
    "EPSG:4978": Sim3(4.687, U @ V, [4.177e6, 8.55e5, 4.728e6]),
}
Points = NDArray[np.float64]
Found = tuple[Points, NDArray[np.uint8], dict[str, Any]]  # positions, colours, record


def comments(lines: list[str]) -> dict[str, Any]:
    """`key: value` of comments whose long lines go on after "+ "."""
    whole = "\n".join(lines).replace("\n+ ", "").splitlines()
    return {key: json.loads(text) for key, colon, text in (line.partition(": ") for line in whole) if colon}


def by_ply(path: Path) -> Found:
    header = path.read_bytes().partition(b"end_header\n")[0].decode().splitlines()
    cloud = trimesh.load(path)
    record = comments([line.removeprefix("comment ") for line in header if line.startswith("comment ")])
    return np.asarray(cloud.vertices), np.asarray(cloud.colors)[:, :3], record


def by_pcd(path: Path) -> Found:
    """By the format's description: nothing small reads PCD."""
    head, _, data = path.read_bytes().partition(b"DATA binary\n")
    lines = head.decode().splitlines()
    facts = {line.split()[0]: line.split()[1:] for line in lines if not line.startswith("#")}
    assert (facts["FIELDS"][:4], set(facts["SIZE"]), facts["HEIGHT"]) == (["x", "y", "z", "rgb"], {"4"}, ["1"])
    count, width = int(facts["POINTS"][0]), 4 * len(facts["FIELDS"])
    assert facts["WIDTH"] == facts["POINTS"] and len(data) == count * width
    rows = np.frombuffer(data, np.uint8).reshape(count, width)
    xyz = rows[:, :12].copy().view("<f4").astype(np.float64)
    return xyz, rows[:, 14:11:-1], comments([line.removeprefix("# ") for line in lines if line.startswith("# ")])


def by_e57(path: Path) -> Found:
    pye57 = pytest.importorskip("pye57", reason="pye57 is not installed")
    with pye57.E57(str(path)) as file:
        scan = file.read_scan(0, colors=True, ignore_missing_fields=True)
        header = file.get_header(0)
        xyz, rgb = (
            np.stack([scan[name] for name in names], axis=-1)
            for names in (("cartesianX", "cartesianY", "cartesianZ"), ("colorRed", "colorGreen", "colorBlue"))
        )
        bounds = [
            [header["cartesianBounds"][f"{axis}{end}"].value() for axis in "xyz"] for end in ("Minimum", "Maximum")
        ]
        np.testing.assert_allclose(bounds + header.translation, [xyz.min(axis=0), xyz.max(axis=0)], atol=1e-9)
        assert np.abs(bounds).max() < 1000 and header.point_count == len(xyz)
        record = json.loads(header["description"].value())
        assert bool(file.root["coordinateMetadata"].value()) == (record["crs"] is not None)
        return xyz, rgb, record


def by_las(path: Path) -> Found:
    with laspy.open(path) as reader:
        points, header = reader.read(), reader.header
        record = json.loads(next(v.record_data for v in header.vlrs if v.user_id == "da3_stream"))
        crs = header.parse_crs()
        assert (crs is None) == (record["crs"] is None) and (crs is None or f"EPSG:{crs.to_epsg()}" == record["crs"])
    rgb = np.stack([points.red, points.green, points.blue], axis=-1)
    return np.asarray(points.xyz), (rgb // 257).astype(np.uint8), record


def by_tiles(folder: Path) -> Found:
    index, parts = json.loads((folder / "tiles.json").read_text()), []
    for tile in index["tiles"]:
        xyz, rgb, record = by_las(folder / tile["file"])
        np.testing.assert_allclose([tile["min"], tile["max"]], [xyz.min(axis=0), xyz.max(axis=0)], atol=1e-8)
        assert tile["points"] == len(xyz) and record.items() <= index.items()
        parts.append((xyz, rgb))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), index


READERS: dict[str, tuple[str, dict[str, Any], Callable[[Path], Found]]] = {
    "ply": ("ply", {}, by_ply),
    "pcd": ("pcd", {}, by_pcd),
    "e57": ("e57", {}, by_e57),
    "las 1.4": ("las", {}, by_las),
    "las 1.2": ("las", {"version": 1.2}, by_las),
    "laz 1.4": ("laz", {}, by_las),
    "laz 1.2": ("laz", {"version": "1.2"}, by_las),
    "tiles": ("tiles", {}, by_tiles),
    "tiles 1.2": ("tiles", {"version": 1.2}, by_tiles),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return whole_run(tmp_path_factory.mktemp("run"))


def located(run: Run, crs: str | None) -> Run:
    known = None if crs is None else Georeference(crs, SYSTEMS[crs])
    run.write_scene(replace(street_scene(), georeference=known))
    return run


CASES = [(name, crs, None) for name in READERS for crs in SYSTEMS] + [
    (name, crs, axes)
    for name in ("ply", "e57", "las 1.4")
    for crs in (None, "EPSG:2263")
    for axes in ("world", "upright")
]


@pytest.fixture(scope="module")
def world(run: Run) -> tuple[Points, NDArray[np.uint8]]:
    """The run's own cloud."""
    there = trimesh.load(export_run(located(run, None).path, "ply", run.path.parent / "world.ply").path)
    return np.asarray(there.vertices), np.asarray(there.colors)[:, :3]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "crs", "axes"), CASES)
def test_every_point_lies_where_the_record_says(
    name: str, crs: str | None, axes: str | None, run: Run, world: tuple[Points, NDArray[np.uint8]], tmp_path: Path
) -> None:
    kind, options, read = READERS[name]
    path = export_run(located(run, crs).path, kind, tmp_path / "out", options | {"axes": axes}).path
    path = path if path.is_dir() else path.rename(path.with_suffix(f".{kind}"))
    xyz, rgb, record = read(path)
    found = Sim3.from_matrix(record["file_from_world"]).inverse().apply(xyz)
    distance, nearest = cKDTree(world[0]).query(found)
    assert len(xyz) == len(world[0]) == len(set(nearest))
    assert distance.max() < 1e-4 * RunReader.open(run.path).geometry.median_depth()
    np.testing.assert_array_equal(rgb, world[1][nearest])
    if crs is not None:
        on_map = Sim3.from_matrix(record["anchor"]["map_from_file"]).apply(xyz)
        np.testing.assert_allclose(on_map, SYSTEMS[crs].apply(found), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pcd", "e57", "las"])
def test_equal_runs_give_equal_bytes_and_a_cloud_may_be_empty(kind: str, tmp_path: Path) -> None:
    if kind == "e57":
        pytest.importorskip("pye57", reason="pye57 is not installed")
    run = located(whole_run(tmp_path / "run"), "EPSG:32632")
    one, two = (export_run(run.path, kind, tmp_path / f"{n}.{kind}").path.read_bytes() for n in "ab")
    assert one == two
    for submap in range(3):
        write_page(run, submap, CloudPoints.empty(0.1))
    if kind == "e57":
        with pytest.raises(StoreError, match="no points to write"):
            export_run(run.path, kind, tmp_path / f"c.{kind}")
        return
    path, summary = export_run(run.path, kind, tmp_path / f"c.{kind}")
    assert summary.startswith("0 points") and len({"pcd": by_pcd, "las": by_las}[kind](path)[0]) == 0


@pytest.mark.slow
def test_normals_of_a_pcd_turn_with_its_axes_and_an_e57_has_no_place_for_them(tmp_path: Path) -> None:
    run = whole_run(tmp_path / "run", PAGES.model_copy(update={"normals": True}))
    head, _, data = export_run(run.path, "pcd", None, {"axes": "upright"}).path.read_bytes().partition(b"DATA binary\n")
    rows = np.frombuffer(data, "<f4").reshape(-1, 7)
    assert b"FIELDS x y z rgb normal_x normal_y normal_z\n" in head
    assert np.median(rows[abs(rows[:, 2] + 1.5) < 0.01, 6]) > 0.98
    pytest.importorskip("pye57", reason="pye57 is not installed")
    assert export_run(run.path, "e57").summary.endswith("without normals")
    with pytest.raises(ExportError, match="e57 has no place for normals"):
        export_run(run.path, "e57", None, {"normals": True}, overwrite=True)


@pytest.mark.slow
def test_open3d_reads_the_pcd(tmp_path: Path) -> None:
    open3d = mesh_module.import_open3d()
    path = export_run(whole_run(tmp_path / "run").path, "pcd").path
    cloud, (xyz, rgb, _) = open3d.io.read_point_cloud(str(path)), by_pcd(path)
    np.testing.assert_array_equal(np.asarray(cloud.points), xyz)
    np.testing.assert_allclose(np.asarray(cloud.colors) * 255, rgb, atol=1e-6)


@pytest.mark.slow
def test_las_1_4_names_its_system_in_wkt_1_and_las_1_2_by_numbers(run: Run, tmp_path: Path) -> None:
    located(run, "EPSG:32632")
    new, old = (
        laspy.open(export_run(run.path, "las", tmp_path / v, {"version": v}).path).header for v in ("1.4", "1.2")
    )
    (wkt,) = new.vlrs.get("WktCoordinateSystemVlr")
    assert wkt.string.startswith("PROJCS[") and new.global_encoding.wkt and new.point_format.id == 7
    assert old.vlrs.get("GeoKeyDirectoryVlr") and not old.vlrs.get("WktCoordinateSystemVlr")
    assert str(old.version) == "1.2" and old.point_format.id == 2 and not old.global_encoding.wkt
    points = laspy.read(tmp_path / "1.2")
    assert all((np.asarray(points[name]) == 1).all() for name in ("return_number", "number_of_returns"))
    assert {"confidence", "frame"} <= set(points.point_format.dimension_names)


@pytest.mark.slow
def test_las_1_2_refuses_a_system_without_a_number(run: Run, tmp_path: Path) -> None:
    system = "+proj=tmerc +lat_0=1 +lon_0=2 +ellps=GRS80 +units=m"
    run.write_scene(replace(street_scene(), georeference=Georeference(system, PLACE)))
    with pytest.raises(StoreError, match=r"by their EPSG numbers, and 'unknown' has none: give version=1\.4"):
        export_run(run.path, "las", tmp_path / "a.las", {"version": 1.2})
    assert laspy.open(export_run(run.path, "las", tmp_path / "b.las").path).header.parse_crs().is_projected


@pytest.mark.slow
def test_coordinates_that_no_integer_holds_are_refused() -> None:
    layout = LasLayout(0.001)
    for bad in (np.nan, np.inf, 3e6):
        with pytest.raises(StoreError, match="not finite, or too large"):
            layout.steps(np.array([[0.0, bad, 0.0]]))
    assert layout.steps(np.array([[-2147483.647, 2147483.647, 0.0]])).tolist() == [[-(2**31) + 1, 2**31 - 1, 0]]
