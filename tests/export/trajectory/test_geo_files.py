from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fastkml
import fastkml.validator
import gpxpy
import numpy as np
import pytest
from lxml import etree
from pyproj import Transformer
from scipy.spatial.transform import Rotation

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import Sim3
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Georeference
from tests.worlds.street import SUBMAPS, street_run, street_scene

ZUGSPITZE = (10.985, 47.4211, 2962.0)  # longitude, latitude, height
START = "2026-05-01T09:30:00Z"
ELLIPSOID = {"altitude": "ellipsoid"}


def utm():
    """The first camera on the mountain, looking north by east: world x right, y down, z ahead."""
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(*ZUGSPITZE[:2])
    east_north_up_from_world = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    turn = Rotation.from_euler("z", -20, degrees=True).as_matrix() @ east_north_up_from_world
    return Georeference("EPSG:32632", Sim3(2.0, turn, [east, north, ZUGSPITZE[2]]))


def ecef():
    """The same mountain; the camera's path leads straight up."""
    centre = np.array(Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(*ZUGSPITZE))
    lon, lat = np.radians(ZUGSPITZE[:2])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    east = np.array([-np.sin(lon), np.cos(lon), 0])
    return Georeference("EPSG:4978", Sim3(3.0, np.stack([east, np.cross(up, east), up], axis=1), centre))


def located(path: Path, georeference=None, cut=False):
    scene = replace(street_scene(), georeference=georeference or utm())
    if cut:
        submaps = (*scene.submaps[:2], replace(scene.submaps[2], segment=1, previous=None))
        scene = replace(scene, submaps=submaps)
    return street_run(path, scene)


def exported(run, form, **options):
    path, _ = export_run(run.path, form, None, options)
    return path


@pytest.mark.parametrize("georeference", [utm, ecef])
@pytest.mark.parametrize("form", ["geojson", "kml", "gpx"])
def test_the_first_camera_is_where_it_was_put(tmp_path, georeference, form):
    path = exported(located(tmp_path / "run", georeference()), form, altitude="ellipsoid")
    np.testing.assert_allclose(READERS[form](path)[0][0][:2], ZUGSPITZE[:2], atol=1e-7)
    assert READERS[form](path)[0][0][2] == pytest.approx(ZUGSPITZE[2], abs=1e-3)


@pytest.mark.parametrize("form", ["geojson", "kml", "gpx"])
def test_every_camera_is_where_proj_says_and_segments_are_apart(tmp_path, form):
    run = located(tmp_path / "run", cut=True)
    lines = READERS[form](exported(run, form, altitude="ellipsoid"))
    rec = Reconstruction(run.path)
    place = utm().geographic_from_world.apply(rec.world_from_camera[:, :3, 3])
    truth = np.stack(Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True).transform(*place.T[:2]), axis=-1)
    assert [len(line) for line in lines] == [SUBMAPS[1][3], 28 - SUBMAPS[1][3]]
    np.testing.assert_allclose(np.concatenate(lines)[:, :2], truth, atol=1e-7)
    np.testing.assert_allclose(np.concatenate(lines)[:, 2], place[:, 2], atol=1e-3)


def test_a_path_straight_up_keeps_its_place_and_gains_its_length(tmp_path):
    run = located(tmp_path / "run", ecef())
    (line,) = from_geojson(exported(run, "geojson"))
    gained = Reconstruction(run.path).world_from_camera[-1, 2, 3] * 3.0
    assert line[-1][2] - line[0][2] == pytest.approx(gained, abs=1e-3)


@pytest.mark.parametrize(("crs", "metres"), [("EPSG:32618", 1.0), ("EPSG:2263", 1200 / 3937)])
def test_heights_are_in_the_unit_of_the_maps_plane(tmp_path, crs, metres):
    east, north = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(-73.98, 40.75)
    climbing = Georeference(crs, Sim3(1 / metres, np.eye(3), [east, north, 120.0 / metres]))  # ahead is up
    run = located(tmp_path / "run", climbing)
    (line,) = from_geojson(exported(run, "geojson"))
    np.testing.assert_allclose(line[0][:2], [-73.98, 40.75], atol=1e-7)
    heights = 120.0 + Reconstruction(run.path).world_from_camera[:, 2, 3]
    np.testing.assert_allclose([place[2] for place in line], heights, atol=1e-3)


def test_a_crs_as_wkt_and_one_of_another_datum_are_read(tmp_path):
    from pyproj import CRS

    wkt = replace(utm(), crs=CRS.from_epsg(25832).to_wkt())
    (line,) = from_geojson(exported(located(tmp_path / "run", wkt), "geojson"))
    np.testing.assert_allclose(line[0][:2], ZUGSPITZE[:2], atol=1e-7)  # ETRS89 is taken for WGS84 by PROJ


def test_geojson_keeps_to_its_standard(tmp_path):
    page = json.loads(exported(located(tmp_path / "run", cut=True), "geojson", start_time=START).read_text())
    assert page["type"] == "FeatureCollection" and "crs" not in page
    kinds = [feature["geometry"]["type"] for feature in page["features"]]
    assert kinds == ["LineString", "LineString", "Point", "Point"]
    for feature in page["features"]:
        assert set(feature) == {"type", "geometry", "properties"} and feature["type"] == "Feature"
    line, _, first, last = page["features"]
    assert line["properties"]["frames"] == list(range(18)) and line["properties"]["segment"] == 0
    assert line["properties"]["coordTimes"][1] == "2026-05-01T09:30:00.100Z"
    assert (first["properties"]["frame"], last["properties"]["frame"]) == (0, 27)
    assert last["properties"]["timestamp"] == 2.7 and last["properties"]["time"] == "2026-05-01T09:30:02.700Z"
    assert first["geometry"]["coordinates"] == line["geometry"]["coordinates"][0]


@pytest.mark.slow
def test_times_are_only_said_where_they_are_known(tmp_path):
    run = located(tmp_path / "run")
    assert "coordTimes" not in exported(run, "geojson").read_text()
    assert "<time>" not in exported(run, "gpx").read_text()
    assert "when" not in exported(run, "kml").read_text()
    track = gpxpy.parse(export_run(run.path, "gpx", tmp_path / "t.gpx", {"start_time": START}).path.read_text())
    points = track.tracks[0].segments[0].points
    assert points[27].time == datetime(2026, 5, 1, 9, 30, 2, 700_000, UTC)
    path, _ = export_run(run.path, "kml", tmp_path / "t.kml", {"start_time": "2026-05-01T11:30:00+02:00"})
    (found,) = etree.parse(path).iter("{http://www.google.com/kml/ext/2.2}Track")
    assert len(found.findall("{*}when")) == len(found.findall("{*}coord")) == 28
    assert found.find("{*}when").text == "2026-05-01T09:30:00.000Z"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"start_time": START}, {"frames": "4:5"}, {"altitude": "ellipsoid"}, {"start_time": START} | ELLIPSOID],
)
def test_kml_keeps_to_the_schema_and_gpx_to_its_elements(tmp_path, options):
    run = located(tmp_path / "run & <more>", cut=True)
    assert fastkml.validator.validate(file_to_validate=exported(run, "kml", **options))
    root = etree.parse(exported(run, "gpx", **options)).getroot()
    space = "{http://www.topografix.com/GPX/1/1}"
    assert root.tag == f"{space}gpx" and root.attrib == {"version": "1.1", "creator": "da3_stream"}
    (trk,) = root
    assert [child.tag.removeprefix(space) for child in trk][:2] == ["name", "desc"]
    assert all(child.tag == f"{space}trkseg" for child in trk[2:])
    order = [name for name, key in (("ele", "altitude"), ("time", "start_time")) if key in options]
    for point in trk.iter(f"{space}trkpt"):
        assert [child.tag.removeprefix(space) for child in point] == order and set(point.attrib) == {"lat", "lon"}
    assert trk[0].text == "run & <more>"


def test_one_frame_is_a_point_and_no_line(tmp_path):
    run = located(tmp_path / "run")
    page = json.loads(exported(run, "geojson", frames="3:4").read_text())
    assert [feature["geometry"]["type"] for feature in page["features"]] == ["Point", "Point"]
    assert "<Point>" in exported(run, "kml", frames="3:4").read_text()


@pytest.mark.parametrize("form", ["geojson", "kml", "gpx"])
def test_a_run_that_is_not_located_is_one_sentence(tmp_path, form):
    run = street_run(tmp_path / "run")
    with pytest.raises(ExportError, match="the map is not located: scene.json of .* has no georeference"):
        export_run(run.path, form)
    assert not (run.path / "export" / "path.gpx").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("georeference", "said"),
    [
        (replace(utm(), crs="EPSG:99999999"), "cannot be used"),
        (replace(utm(), crs="nonsense"), "cannot be used"),
        (replace(utm(), crs="EPSG:4326"), "neither projected nor geocentric"),
        (Georeference("EPSG:32632", Sim3(1.0, np.eye(3), [1e30, 0, 0])), "leads to places"),
    ],
)
def test_a_georeference_that_leads_nowhere_is_one_sentence(tmp_path, georeference, said):
    with pytest.raises(ExportError, match=said) as error:
        export_run(located(tmp_path / "run", georeference).path, "gpx")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_times_are_to_the_microsecond_and_exact_where_the_input_is(tmp_path):
    run = located(tmp_path / "run")
    exact = 1_403_636_579_763_555_584 + 33_333_333 * np.arange(28)
    times = {"timestamps": (exact / 1e9).tolist(), "nanoseconds": exact.tolist()}
    run.write_status({**run.read_status(), **times})
    start = {"start_time": "1970-01-01T00:00:00Z"}
    track = gpxpy.parse(exported(run, "gpx", **start).read_text()).tracks[0].segments[0]
    found = [point.time for point in track.points]
    assert [moment.microsecond for moment in found] == [(ns + 500) // 1000 % 1_000_000 for ns in exact.tolist()]
    assert found[0].replace(microsecond=0) == datetime(2014, 6, 24, 19, 2, 59, tzinfo=UTC)
    assert [line for line in exported(run, "kml", **start).read_text().splitlines() if "when" in line][1] == (
        "<when>2014-06-24T19:02:59.796889Z</when>"
    )
    line, *_ = json.loads(exported(run, "geojson", **start).read_text())["features"]
    assert line["properties"]["timestamps"] == times["timestamps"]
    with pytest.raises(ExportError, match="start_time 9999-12-31.* lead beyond the calendar"):
        export_run(run.path, "gpx", tmp_path / "x", {"start_time": "9999-12-31T00:00:00Z"})


def test_times_that_were_assumed_are_not_written(tmp_path):
    run = located(tmp_path / "run")
    run.write_status({**run.read_status(), "has_times": False})
    assert "timestamp" not in exported(run, "geojson").read_text()


def test_times_of_a_run_without_times_or_without_a_zone_are_refused(tmp_path):
    run = located(tmp_path / "run")
    with pytest.raises(ExportError, match="start_time"):
        export_run(run.path, "gpx", None, {"start_time": "2026-05-01T09:30:00"})
    run.write_status({**run.read_status(), "has_times": False})
    with pytest.raises(ExportError, match="start_time needs times"):
        export_run(run.path, "gpx", None, {"start_time": START})


def from_geojson(path):
    features = json.loads(path.read_text())["features"]
    return [f["geometry"]["coordinates"] for f in features if f["geometry"]["type"] == "LineString"]


def from_kml(path):
    document = fastkml.KML.parse(path).features[0]
    return [list(mark.geometry.coords) for mark in document.features]


def from_gpx(path):
    segments = gpxpy.parse(path.read_text()).tracks[0].segments
    return [[(p.longitude, p.latitude, p.elevation) for p in segment.points] for segment in segments]


READERS = {"geojson": from_geojson, "kml": from_kml, "gpx": from_gpx}
