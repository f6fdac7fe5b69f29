"""Clouds of a run that lies on a map: in its coordinates and its units."""

from __future__ import annotations

import json
from dataclasses import replace

import laspy
import numpy as np
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference
from tests.worlds.exported_run import off_the_street, whole_run
from tests.worlds.street import street_scene

EAST_NORTH_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
PLACE = Sim3(2.0, EAST_NORTH_UP, np.array([691_000.25, 5_334_000.75, 519.5]))


def located(path, crs="EPSG:32632"):
    """The street, in relative units, two units of the map long where it is one."""
    run = whole_run(path)
    run.write_scene(replace(street_scene(), georeference=Georeference(crs, PLACE)))
    return run


def note_of(path):
    with laspy.open(path) as reader:
        return json.loads(next(v.record_data for v in reader.header.vlrs if v.user_id == "da3_stream"))


def test_a_located_run_is_written_in_the_coordinates_of_its_map(tmp_path):
    path, summary = export_run(located(tmp_path / "run").path, "laz")
    points = laspy.read(path)
    assert points.header.parse_crs().to_epsg() == 32632
    assert abs(points.header.offsets - PLACE.translation).max() <= 0.5
    assert summary == f"{len(points):,} points in metres, EPSG:32632"
    assert off_the_street(PLACE.inverse().apply(np.asarray(points.xyz))).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("crs", "units"), [("EPSG:32632", "metres"), ("EPSG:2263", "US survey foot")])
def test_the_units_are_those_of_the_map_and_not_of_the_run(tmp_path, crs, units):
    run = located(tmp_path / "run", crs)
    assert export_run(run.path, "ply").summary.endswith(" points in metres, z up")
    path, summary = export_run(run.path, "las")
    assert summary.endswith(f" points in {units}, {crs}") and note_of(path)["units"] == units
    folder, _ = export_run(run.path, "tiles")
    index = json.loads((folder / "tiles.json").read_text())
    assert index["units"] == note_of(folder / "000000.laz")["units"] == units and index["crs"] == crs
    bare = json.loads((export_run(whole_run(tmp_path / "bare").path, "tiles").path / "tiles.json").read_text())
    assert index["voxel"] == pytest.approx(2.0 * bare["voxel"]) and index["points"] == bare["points"]


@pytest.mark.parametrize("format", ["laz", "ply", "geojson"])
def test_a_coordinate_system_that_nobody_knows_is_one_sentence(tmp_path, format):
    with pytest.raises(
        ExportError, match="scene.json cannot be used: 'EPSG:99' is no coordinate system that pyproj"
    ) as e:
        export_run(located(tmp_path / "run", "EPSG:99").path, format)
    assert "\n" not in str(e.value)
