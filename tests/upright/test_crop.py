"""Exports of a part of the scene: boxes and balls in the coordinates of the file, and what the cameras circle."""

from __future__ import annotations

from dataclasses import replace

import laspy
import numpy as np
import pytest
import trimesh

from da3_stream.cloud import read_region
from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference, RunReader
from da3_stream.upright import up_of_run
from tests.worlds.exported_run import EVERY_PIXEL, whole_run
from tests.worlds.street import street_scene
from tests.worlds.table_run import BALL, DISTANCE, SIZE, WORLD_FROM_TABLE, K, run_round_the_table
from tests.worlds.table_top import degrees_between

PLACE = Sim3(2.0, np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), np.array([691_000.25, 5_334_000.75, 519.5]))
SUFFIXES = {"ply": ".ply", "laz": ".laz", "copc": ".copc.laz"}


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("street") / "run", EVERY_PIXEL)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return run_round_the_table(tmp_path_factory.mktemp("table") / "run")


def points_of(run, format, path, **options):
    result = export_run(run, format, path / f"cloud{SUFFIXES[format]}", options, overwrite=True)
    if format == "ply":
        return np.asarray(trimesh.load(result.path).vertices), result.summary
    las = laspy.read(result.path)
    return np.stack([las.x, las.y, las.z], axis=1), result.summary


def rows(points):
    return set(map(tuple, np.round(points, 4).tolist()))


@pytest.mark.slow
@pytest.mark.parametrize("format", SUFFIXES)
@pytest.mark.parametrize("kind", ["box", "sphere"])
def test_a_region_is_in_the_coordinates_of_the_file(street, tmp_path, format, kind):
    whole, _ = points_of(street.path, format, tmp_path)
    middle = np.round(np.median(whole, axis=0), 3)
    near = abs(whole - middle).max(axis=1) if kind == "box" else np.linalg.norm(whole - middle, axis=1)
    numbers = [*(middle + 1.5), *(middle - 1.5)] if kind == "box" else [*middle, 1.5]
    crop = f"{kind}:{','.join(f'{number:.4f}' for number in numbers)}"
    part, summary = points_of(street.path, format, tmp_path, crop=crop)
    assert rows(whole[near < 1.4999]) <= rows(part) <= rows(whole[near < 1.5001])
    assert 10 < len(part) < len(whole) and f"cropped to {kind}:" in summary


@pytest.mark.slow
def test_a_region_of_a_located_run_is_on_the_map(tmp_path):
    run = whole_run(tmp_path / "run", EVERY_PIXEL)
    run.write_scene(replace(street_scene(), georeference=Georeference("EPSG:32632", PLACE)))
    whole, _ = points_of(run.path, "laz", tmp_path)
    low, high = np.quantile(whole, 0.3, axis=0) - 0.0555, np.quantile(whole, 0.9, axis=0) + 0.0555
    part, summary = points_of(run.path, "laz", tmp_path, crop="box:" + ",".join(f"{v:.3f}" for v in [*low, *high]))
    assert len(part) == pytest.approx(((whole >= low) & (whole <= high)).all(axis=1).sum(), rel=2e-3)
    assert "cropped to box:690992." in summary


@pytest.mark.slow
def test_the_object_is_the_ball_that_the_cameras_circle(table, tmp_path):
    points, summary = points_of(table, "ply", tmp_path, crop="object")
    radius = DISTANCE * np.sin(np.arctan(SIZE[1] / K[1, 1] / 2))
    centre = WORLD_FROM_TABLE[:3, 3]
    assert np.linalg.norm(points - centre, axis=1).max() <= radius * 1.01
    assert (abs(np.linalg.norm(points - centre, axis=1) - BALL) < 0.01).sum() > 300  # the whole ball is there
    numbers = read_region(summary.split("cropped to ")[1])
    np.testing.assert_allclose([*numbers.centre, numbers.radius], [*centre, radius], atol=0.02)
    again, _ = points_of(table, "ply", tmp_path, crop=summary.split("cropped to ")[1])
    assert abs(len(again) - len(points)) <= 0.01 * len(points)


@pytest.mark.slow
def test_the_table_is_upright_with_the_ball_on_it(table, tmp_path):
    up = up_of_run(RunReader.open(table))
    assert degrees_between(up.direction, WORLD_FROM_TABLE[:3, 2]) < 1.0
    assert up.sign_probability > 0.99
    points, _ = points_of(table, "laz", tmp_path, crop="object")
    heights = points[:, 2] - np.median(points[:, 2])  # most is table
    assert heights.max() == pytest.approx(2 * BALL, abs=0.03) and heights.min() > -0.03


@pytest.mark.slow
def test_a_mesh_is_cropped_too(table, tmp_path):
    options = {"voxel": 0.01, "min_triangles": 10, "min_views": 1}
    whole = trimesh.load(export_run(table, "mesh", tmp_path / "whole.ply", options).path)
    result = export_run(table, "mesh", tmp_path / "part.ply", {**options, "crop": "object"})
    part, ball = trimesh.load(result.path), read_region(result.summary.split("cropped to ")[1])
    assert 100 < len(part.faces) < len(whole.faces)
    assert np.linalg.norm(part.vertices - ball.centre, axis=1).max() < ball.radius + 1e-3


def test_cameras_that_circle_nothing_have_no_object(street, tmp_path):
    with pytest.raises(ExportError, match="circle nothing, so there is no object to crop to"):
        export_run(street.path, "ply", tmp_path / "a.ply", {"crop": "object"})
    assert not (tmp_path / "a.ply").exists()


def test_a_crop_without_points_is_refused(street, tmp_path):
    with pytest.raises(ExportError, match="no point lies in sphere:1000,0,0,1, in the coordinates of the file"):
        export_run(street.path, "laz", tmp_path / "a.laz", {"crop": "sphere:1000,0,0,1"})


@pytest.mark.parametrize(
    "text", ["box:1,2,3", "sphere:1,2,3,-1", "ball:1,2,3,4", "object:3", "sphere:a,b,c,d", "", "box:1,2,3,4,5,nan"]
)
def test_other_regions_are_refused_with_what_is_expected(street, tmp_path, text):
    with pytest.raises(ExportError, match="option crop of ply: expected box:X,Y,Z,X,Y,Z"):
        export_run(street.path, "ply", tmp_path / "a.ply", {"crop": text})
