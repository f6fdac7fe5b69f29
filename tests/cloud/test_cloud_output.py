from __future__ import annotations

import json

import laspy
import numpy as np
import pytest

from da3_stream.cloud import fuse as fuse_module
from da3_stream.cloud import read_ply, write_merged_cloud
from da3_stream.errors import StoreError
from da3_stream.store import read_run_geometry
from tests.worlds.street import PAGES as SETTINGS
from tests.worlds.street import run_with_pages


def merged(run, **changes):
    return write_merged_cloud(run, read_run_geometry(run), SETTINGS.model_copy(update=changes))


def rows(xyz):
    return set(map(tuple, np.round(np.asarray(xyz, np.float64), 2).tolist()))


def test_laz_holds_the_points_of_the_ply(tmp_path):
    run = run_with_pages(tmp_path / "run")
    count = merged(run)
    xyz, _ = read_ply(run.path / "cloud.ply")
    assert merged(run, format="laz") == count
    points = laspy.read(run.path / "cloud.laz")
    assert len(points.points) == count
    order, other = np.lexsort(xyz.T), np.lexsort(np.asarray(points.xyz).astype(np.float32).T)
    np.testing.assert_allclose(np.asarray(points.xyz)[other].sum(axis=0), xyz[order].sum(axis=0), rtol=1e-3)
    assert abs(points.xyz.max(axis=0) - xyz.max(axis=0)).max() < 0.01


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(fuse_module, "_TILE", 1000)
    monkeypatch.setattr(fuse_module, "_SURVEY_STEP", 4)


def test_tiles_join_without_gaps_or_doubles(tmp_path, small_tiles):
    run = run_with_pages(tmp_path / "run")
    count = merged(run, format="tiles")
    index = json.loads((run.path / "tiles" / "tiles.json").read_text())
    assert len(index["tiles"]) > 1 and index["points"] == count == sum(tile["points"] for tile in index["tiles"])
    for tile in index["tiles"]:
        xyz = np.asarray(laspy.read(run.path / "tiles" / tile["file"]).xyz)
        assert tile.keys() == {"file", "min", "max", "points"} and len(xyz) == tile["points"]
        np.testing.assert_allclose([tile["min"], tile["max"]], [xyz.min(axis=0), xyz.max(axis=0)], atol=1e-9)
    low, high = (np.array([tile[side] for tile in index["tiles"]]) for side in ("min", "max"))
    for k in range(len(low)):
        overlap = (np.minimum(high, high[k]) - np.maximum(low, low[k]) > 1e-6).all(axis=1)
        assert not np.delete(overlap, k).any()


@pytest.mark.slow
def test_max_points_holds_in_every_format(tmp_path, small_tiles):
    run = run_with_pages(tmp_path / "run")
    for kind in ("ply", "laz", "tiles"):
        assert merged(run, format=kind, max_points=777) == 777


def test_normals_are_in_the_cloud_where_asked(tmp_path):
    run = run_with_pages(tmp_path / "run", settings=SETTINGS.model_copy(update={"normals": True}))
    merged(run, normals=True, format="laz")
    points = laspy.read(run.path / "cloud.laz")
    normal = np.stack([points[name] for name in ("NormalX", "NormalY", "NormalZ")], axis=-1)
    on_ground = abs(points.y - 1.5) < 0.01
    assert np.median(-normal[on_ground, 1]) > 0.98  # up is -y
    merged(run, normals=True)
    assert b"property float nz\n" in (run.path / "cloud.ply").read_bytes()[:500]
    assert len(read_ply(run.path / "cloud.ply")[0]) == len(points.points)


def test_normals_that_no_page_has_are_refused(tmp_path):
    run = run_with_pages(tmp_path / "run")
    with pytest.raises(StoreError, match="the pages hold no normals"):
        merged(run, normals=True)


@pytest.mark.slow
def test_equal_runs_have_equal_files(tmp_path, small_tiles):
    digests = []
    for name in "ab":
        run = run_with_pages(tmp_path / name)
        for kind in ("ply", "laz", "tiles"):
            merged(run, format=kind)
        files = sorted(run.path.glob("tiles/*")) + [run.path / "cloud.laz", run.path / "cloud.ply"]
        digests.append([file.read_bytes() for file in files])
    assert digests[0] == digests[1]


def test_one_point_and_none(tmp_path):
    run = run_with_pages(tmp_path / "run")
    assert merged(run, max_points=1) == 1
    for submap in range(3):
        run.page_path(submap).unlink()
    with pytest.raises(StoreError, match=r"000000\.laz is missing"):
        merged(run, format="tiles")
    assert not (run.path / "tiles").exists() and not list(run.path.glob(".tiles*"))
