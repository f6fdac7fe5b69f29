"""One frame of reference: what `FileAxes` says is what its transform does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pyproj import Transformer

from da3_stream.errors import ExportError
from da3_stream.export.axes import ecef_from_file, file_axes, map_axes
from da3_stream.export.exporting import export_run
from da3_stream.export.placed import placed_reader
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference, RunReader
from tests.worlds.exported_run import whole_run
from tests.worlds.street import street_scene

EAST_NORTH_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # the street runs to the north
PLACES = {
    "EPSG:32632": np.array([691_000.25, 5_334_000.75, 519.5]),
    "EPSG:2263": np.array([983_000.0, 200_000.0, 30.0]),  # US survey feet
    "EPSG:4978": np.array([4_177_000.0, 855_000.0, 4_728_000.0]),
}
POINT = np.array([1.0, 2.0, 30.0])


def located(path, crs="EPSG:32632"):
    run = whole_run(path)
    place = Sim3(2.0, EAST_NORTH_UP, PLACES[crs])
    run.write_scene(replace(street_scene(), georeference=Georeference(crs, place)))
    return RunReader.open(run.path), place


def metres(crs):
    return 1200 / 3937 if crs == "EPSG:2263" else 1.0


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:2263"])
def test_the_map_is_in_metres_along_the_grid_from_whole_numbers(tmp_path, crs):
    reader, place = located(tmp_path / "run", crs)
    axes = file_axes(reader, None, relative="world")
    assert (axes.name, axes.units, axes.up, axes.crs) == ("map", "metres", "z", None)
    np.testing.assert_array_equal(axes.anchor.origin, np.rint(PLACES[crs]))
    np.testing.assert_allclose(axes.apply(POINT), metres(crs) * (place.apply(POINT) - np.rint(PLACES[crs])), atol=1e-8)


def test_the_map_of_a_geocentric_system_is_its_horizon(tmp_path):
    reader, place = located(tmp_path / "run", "EPSG:4978")
    axes = file_axes(reader, "map", relative="world")
    to_earth = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    here, up, north = (
        np.array(to_earth.transform(*place.apply(axes.file_from_world.inverse().apply(file))))
        for file in ([0, 0, 0], [0, 0, 1.0], [0, 1.0, 0])
    )
    np.testing.assert_allclose(up - here, [0, 0, 1], atol=1e-6)
    assert north[1] > here[1] and abs(north[0] - here[0]) < 1e-9 and abs(north[2] - here[2]) < 1e-6
    np.testing.assert_allclose([axes.anchor.longitude, axes.anchor.latitude, axes.anchor.height], here, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["world", "upright", "map"])
@pytest.mark.parametrize("crs", PLACES)
def test_the_record_leads_from_the_file_to_the_map(tmp_path, name, crs):
    reader, place = located(tmp_path / "run", crs)
    for axes in (file_axes(reader, name, relative="world"), file_axes(reader, name, relative="world").y_up()):
        record = json.loads(axes.text())
        assert record["units"] == "metres" and axes.file_from_world.scale == pytest.approx(2 * metres(crs))
        in_file = np.array(record["file_from_world"]) @ [*POINT, 1]
        np.testing.assert_allclose(in_file[:3], axes.apply(POINT), atol=1e-9)
        on_map = np.array(record["anchor"]["map_from_file"]) @ in_file
        np.testing.assert_allclose(on_map[:3], place.apply(POINT), atol=1e-6)
        assert record["anchor"]["crs"] == crs


@pytest.mark.parametrize("crs", PLACES)
def test_the_file_lies_on_the_earth_where_the_map_says(tmp_path, crs):
    reader, place = located(tmp_path / "run", crs)
    axes = file_axes(reader, "map", relative="world")
    system = "EPSG:4978" if crs == "EPSG:4978" else f"{crs}"
    ecef = (ecef_from_file(axes) @ [*axes.apply(POINT), 1])[:3]
    x, y, z = place.apply(POINT)
    if crs == "EPSG:4978":
        np.testing.assert_allclose(ecef, [x, y, z], atol=1e-6)
    else:
        lon, lat = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x, y)
        expected = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(lon, lat, z * metres(crs))
        np.testing.assert_allclose(ecef, expected, atol=1e-3 * np.linalg.norm(POINT))


def test_the_coordinates_of_the_map_itself(tmp_path):
    reader, place = located(tmp_path / "run", "EPSG:2263")
    axes = map_axes(reader)
    np.testing.assert_array_equal(axes.apply(POINT), place.apply(POINT))
    assert (axes.units, axes.crs) == ("US survey foot", "EPSG:2263")


def test_heights_over_a_geoid_whose_grid_is_not_here_are_left_out(tmp_path):
    run = whole_run(tmp_path / "run")
    place = Sim3(2.0, EAST_NORTH_UP, PLACES["EPSG:32632"])
    run.write_scene(replace(street_scene(), georeference=Georeference("EPSG:32632+3855", place)))
    anchor = file_axes(RunReader.open(run.path), None, relative="world").anchor
    assert anchor.latitude == pytest.approx(48.12, abs=0.1) and (anchor.height is None or 500 < anchor.height < 620)


def test_axes_of_a_bare_run(tmp_path):
    reader = RunReader.open(whole_run(tmp_path / "run").path)
    world, upright = (file_axes(reader, name, relative="world") for name in (None, "upright"))
    np.testing.assert_array_equal(world.file_from_world.matrix(), np.eye(4))
    np.testing.assert_allclose(upright.apply(POINT), EAST_NORTH_UP @ POINT, atol=1e-6)
    np.testing.assert_allclose(world.y_up().apply(POINT), upright.y_up().apply(POINT), atol=1e-6)
    assert (world.up, upright.up, upright.y_up().up, world.units) == ("-y", "z", "y", "relative")
    assert 0.5 < upright.y_up().json()["up_sigma_deg"] < 5 and "up_sigma_deg" not in world.json()
    with pytest.raises(ExportError, match="axes=map needs a run that is located"):
        file_axes(reader, "map", relative="world")


@pytest.mark.parametrize("name", ["world", "upright", "map"])
def test_a_run_in_the_axes_of_a_file_sees_the_same_scene(tmp_path, name):
    reader, _ = located(tmp_path / "run")
    axes = file_axes(reader, name, relative="world")
    placed = placed_reader(reader, axes)
    assert placed.units == "metres" and placed.geometry.scene.georeference.crs == "EPSG:32632"
    assert placed.geometry.median_depth() == pytest.approx(2 * reader.geometry.median_depth())
    for frame in (0, 11, 27):
        (depth, _, k), (there, _, same_k) = reader.depth(frame), placed.depth(frame)
        np.testing.assert_allclose(there, 2 * depth, rtol=1e-6)
        np.testing.assert_array_equal(k, same_k)
        here = Sim3.from_matrix(reader.poses.world_from_camera[frame]).apply([1.0, 2.0, 3.0])
        moved = Sim3.from_matrix(placed.poses.world_from_camera[frame]).apply([2.0, 4.0, 6.0])
        np.testing.assert_allclose(moved, axes.apply(here), atol=1e-8)
    on_map = [r.geometry.scene.georeference.geographic_from_world for r in (reader, placed)]
    np.testing.assert_allclose(on_map[1].apply(axes.apply(POINT)), on_map[0].apply(POINT), atol=1e-6)


@pytest.mark.parametrize("kind", ["tum", "kitti", "euroc"])
def test_trajectories_are_in_metres_and_say_so(tmp_path, kind):
    reader, _ = located(tmp_path / "run")
    path = export_run(reader.path, kind, tmp_path / "t").path
    if kind == "tum":
        said = dict(
            line[2:].split(": ", 1) for line in path.read_text().splitlines() if line.startswith("# ") and ": " in line
        )
        record = {key: json.loads(said[key]) for key in ("axes", "units", "file_from_world", "anchor")}
    else:
        record = json.loads((tmp_path / "t.json").read_text())
    assert (record["axes"], record["units"]) == ("world", "metres") and record["anchor"]["crs"] == "EPSG:32632"
    first = {"tum": slice(1, 4), "kitti": slice(3, 12, 4), "euroc": slice(1, 4)}[kind]
    row = np.loadtxt(path, delimiter="," if kind == "euroc" else None)[20, first]
    centre = Sim3.from_matrix(record["file_from_world"]).apply(reader.poses.world_from_camera[20, :3, 3])
    np.testing.assert_allclose(row, centre, atol=1e-9)


def test_a_run_in_its_own_axes_is_not_touched(tmp_path):
    reader = RunReader.open(whole_run(tmp_path / "run").path)
    placed = placed_reader(reader, file_axes(reader, None, relative="world"))
    assert placed.poses is reader.poses and placed.geometry is reader.geometry


def test_comments_are_short_lines_that_say_the_same(tmp_path):
    axes = map_axes(located(tmp_path / "run")[0])
    lines = replace(axes, crs="Ü" * 2000).comments()
    assert max(map(len, lines)) < 1000 and all(line.isascii() for line in lines)
    whole = "\n".join(lines).replace("\n+ ", "").splitlines()
    said = {key: json.loads(value) for key, _, value in (line.partition(": ") for line in whole)}
    assert said == replace(axes, crs="Ü" * 2000).json()
