"""3D Tiles: what stands where on the Earth, by trimesh and pyproj, which know nothing of the writer."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import partial

import laspy
import numpy as np
import pytest
import trimesh
from pyproj import Transformer
from scipy.spatial import cKDTree

from da3_stream.cloud import detail
from da3_stream.cloud.octree.buckets import OctreeLimits
from da3_stream.cloud.octree.building import build_octree
from da3_stream.errors import ExportError
from da3_stream.export.axes import ecef_from_file, ecef_of, file_axes
from da3_stream.export.exporting import export_run
from da3_stream.export.tiles3d.placing import EarthPlacing
from da3_stream.store import Georeference, RunReader
from tests.export.cloud.test_located_clouds import PLACE, located
from tests.export.test_axes import located as located_anywhere
from tests.worlds.exported_run import whole_run
from tests.worlds.street import PAGES, street_scene

Z_UP_FROM_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # as viewers turn contents


@pytest.fixture
def small_nodes(monkeypatch):
    limits = OctreeLimits(leaf=300, bucket=2000, chunk=500, sample=300)
    monkeypatch.setattr(detail, "build_octree", partial(build_octree, limits=limits))


def tiles_of(path):
    """Every tile with those above it, as (tile, ancestors)."""
    pending = [(json.loads((path / "tileset.json").read_text())["root"], [])]
    while pending:
        tile, above = pending.pop()
        yield tile, above
        pending += [(child, [*above, tile]) for child in tile.get("children", [])]


def content(path, tile):
    """Positions [M,3] in the tile set's own axes, as trimesh loads them."""
    scene = trimesh.load(path / tile["content"]["uri"])
    (name,) = scene.graph.nodes_geometry
    matrix, geometry = scene.graph[name]
    return trimesh.transform_points(np.asarray(scene.geometry[geometry].vertices, np.float64), Z_UP_FROM_Y_UP @ matrix)


def root_transform(path):
    return np.array(json.loads((path / "tileset.json").read_text())["root"]["transform"]).reshape(4, 4).T


def in_box(xyz, tile):
    box = np.array(tile["boundingVolume"]["box"])
    local = np.linalg.solve(box[3:].reshape(3, 3).T, (xyz - box[:3]).T).T
    return (np.abs(local) <= 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:2263"])
def test_every_point_stands_where_the_map_has_it(tmp_path, small_nodes, crs):
    run = located(tmp_path / "run", crs)
    path, summary = export_run(run.path, "3dtiles")
    contents = [content(path, tile) for tile, _ in tiles_of(path) if "content" in tile]
    mine = trimesh.transform_points(np.concatenate(contents), root_transform(path))
    las = laspy.read(export_run(run.path, "las").path)
    units = [1.0, 1.0, las.header.parse_crs().axis_info[0].unit_conversion_factor]
    x, y, height = (np.asarray(las.xyz) * units).T
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    earth = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(longitude, latitude, height)
    assert len(mine) == len(las.points) and len(contents) > 8
    assert summary.endswith(f"{len(contents):,} tiles") and summary.startswith(f"{len(mine):,} points in metres")
    away, nearest = cKDTree(np.stack(earth, axis=-1)).query(mine)
    assert len(np.unique(nearest)) > 0.99 * len(mine)
    assert away.max() < 0.002


@pytest.mark.slow
def test_a_tile_holds_its_points_and_those_below_and_its_error_falls(tmp_path, small_nodes):
    path, _ = export_run(located(tmp_path / "run").path, "3dtiles")
    tileset = json.loads((path / "tileset.json").read_text())
    assert tileset["asset"]["version"] == "1.1" and tileset["root"]["refine"] == "ADD"
    assert tileset["geometricError"] > tileset["root"]["geometricError"]
    for tile, above in tiles_of(path):
        assert "content" not in tile or all(in_box(content(path, tile), holder) for holder in [tile, *above])
        assert all(tile["geometricError"] < holder["geometricError"] for holder in above)
        assert (tile["geometricError"] > 0) == bool(tile.get("children"))


@pytest.mark.slow
def test_a_geocentric_map_is_not_bent(tmp_path, small_nodes):
    reader, place = located_anywhere(tmp_path / "run", "EPSG:4978")
    path, _ = export_run(reader.path, "3dtiles")
    contents = [content(path, tile) for tile, _ in tiles_of(path) if "content" in tile]
    mine = trimesh.transform_points(np.concatenate(contents), root_transform(path))
    ply = trimesh.load(export_run(reader.path, "ply", None, {"axes": "world"}).path)
    scale = 1 / place.scale  # which is in metres there
    away, _ = cKDTree(place.apply(np.asarray(ply.vertices) * scale)).query(mine)
    assert len(mine) == len(ply.vertices) and away.max() < 0.002


def test_the_record_tells_where_a_point_of_the_run_is(tmp_path):
    run = located(tmp_path / "run")
    path, _ = export_run(run.path, "3dtiles")
    record, point = json.loads((path / "tileset.json").read_text())["extras"], np.array([0.5, 1.5, 20.0, 1.0])
    ecef = root_transform(path) @ np.array(record["file_from_world"]) @ point
    east, north, up = PLACE.apply(point[:3])
    longitude, latitude = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True).transform(east, north)
    earth = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(longitude, latitude, up)
    np.testing.assert_allclose(ecef[:3], earth, atol=1e-3)


def test_over_kilometres_points_follow_the_round_earth(tmp_path):
    axes = file_axes(RunReader.open(located(tmp_path / "run").path), "map", relative="world")
    low, high, rng = np.array([-9000.0, -6000, -50]), np.array([8000.0, 9000, 150]), np.random.default_rng(0)
    placing, root = EarthPlacing(ecef_from_file(axes), partial(ecef_of, axes), low, high), ecef_from_file(axes)
    for edge, error in ((20.0, 1e-4), (300.0, 0.01)):
        tile = low + (high - low - edge) * rng.random(3) + edge * rng.random((50, 3))
        bent = trimesh.transform_points(placing.place(tile), root)
        assert np.abs(bent - ecef_of(axes, tile)).max() < error
    far = np.array([[8000.0, 9000.0, 0.0]])
    assert np.linalg.norm(placing.place(far) - far) > 5  # what a flat Earth would be wrong by
    here = np.array([[0.0, 0.0, 0.0]])
    np.testing.assert_allclose(placing.place(here), here, atol=1e-3)


@pytest.mark.slow
def test_equal_runs_give_equal_tiles(tmp_path, small_nodes):
    files = []
    for name in "ab":
        path, _ = export_run(located(tmp_path / name).path, "3dtiles", None, {"max_points": 3000})
        files.append({file.name: file.read_bytes() for file in path.iterdir()})
    assert files[0] == files[1] and len(files[0]) > 5


def test_normals_come_along_in_the_axes_of_the_points(tmp_path):
    settings = PAGES.model_copy(update={"normals": True})
    run = whole_run(tmp_path / "run", settings)
    run.write_scene(replace(street_scene(), georeference=Georeference("EPSG:32632", PLACE)))
    path, _ = export_run(run.path, "3dtiles", None, {"normals": True})
    data = (path / "0-0-0-0.glb").read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    tree = json.loads(data[20 : 20 + length])
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]

    def vectors(name):
        accessor = tree["accessors"][attributes[name]]
        place = 28 + length + tree["bufferViews"][accessor["bufferView"]]["byteOffset"]
        return np.frombuffer(data, "<f4", 3 * accessor["count"], place).reshape(-1, 3)

    height, up = vectors("POSITION")[:, 2], vectors("NORMAL")[:, 2]  # z is up until the node's matrix
    assert np.median(up[height < height.min() + 0.05]) > 0.98


def test_a_run_that_is_not_located_is_one_sentence(tmp_path):
    run = whole_run(tmp_path / "run")
    with pytest.raises(ExportError, match=r"3D Tiles stand on the Earth, and .* is not located .* export copc"):
        export_run(run.path, "3dtiles")
    with pytest.raises(ExportError, match="option axes of 3dtiles"):
        export_run(located(tmp_path / "located").path, "3dtiles", None, {"axes": "world"})
    assert not (run.path / "export" / "3dtiles").exists()
