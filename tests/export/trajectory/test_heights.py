"""Heights of files for maps: over the sea where PROJ has a grid of EGM96, never silently over the ellipsoid."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pyproj
import pytest
from pyproj import Transformer
from pyproj.exceptions import ProjError

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.export.trajectory.places import places_on_earth
from da3_stream.geometry import Sim3
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Georeference, write_submap
from tests.worlds.street import street_part, street_run, street_scene

START = "2026-05-01T09:30:00Z"
FIRST = (10.985, 47.4211, 2962.0)
KML, GPX = "{http://www.opengis.net/kml/2.2}", "{http://www.topografix.com/GPX/1/1}"
GX = "{http://www.google.com/kml/ext/2.2}"


def geoid(lon, lat):
    """The made-up sea over the ellipsoid; linear, so that it is the same between the grid's places."""
    return 40.0 + 0.5 * (lat - 47.0) + 0.25 * (lon - 11.0)


def write_gtx(path, first, shape, step_deg=1.0):
    """A grid in NOAA's format: first latitude and longitude, steps, counts, then rows from south to north."""
    lat, lon = (start + step_deg * np.arange(count) for start, count in zip(first, shape, strict=True))
    values = geoid(lon[None], lat[:, None]).astype(">f4")
    path.write_bytes(struct.pack(">4d2i", *first, step_deg, step_deg, *shape) + values.tobytes())


@pytest.fixture
def no_grid():
    if knows_the_sea():
        pytest.skip("PROJ has a grid of EGM96 on this machine")


@pytest.fixture
def grid(tmp_path):
    """PROJ finds the made-up grid by a name that EGM96 has; it would take a true one first."""
    if knows_the_sea():
        pytest.skip("PROJ has a grid of EGM96 on this machine")
    before = pyproj.datadir.get_data_dir()
    (tmp_path / "proj").mkdir()
    write_gtx(tmp_path / "proj" / "egm96_15.gtx", (-90.0, -180.0), (181, 361))
    pyproj.datadir.set_data_dir(f"{before}:{tmp_path / 'proj'}")
    yield tmp_path / "proj"
    pyproj.datadir.set_data_dir(before)


def knows_the_sea():
    try:
        Transformer.from_crs("EPSG:4979", "EPSG:4326+5773", always_xy=True, allow_ballpark=False)
    except ProjError:
        return False
    return True


def located(path, crs="EPSG:32632"):
    """A climb of 1 m a unit from the first camera on."""
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(*FIRST[:2])
    scene = replace(street_scene(), georeference=Georeference(crs, Sim3(1.0, np.eye(3), [east, north, FIRST[2]])))
    return street_run(path, scene)


def truth(run):
    """Longitude, latitude, height in the map of every camera."""
    centres = Reconstruction(run.path).world_from_camera[:, :3, 3]
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(*FIRST[:2])
    lon, lat = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True).transform(
        east + centres[:, 0], north + centres[:, 1]
    )
    return lon, lat, FIRST[2] + centres[:, 2]


def exported(run, form, **options):
    return export_run(run.path, form, None, options, overwrite=True)


def kml(path):
    """Modes, places and the description, as an XML parser has them."""
    root = ElementTree.parse(path).getroot()
    modes = {element.text for element in root.iter(f"{KML}altitudeMode")}
    texts = [element.text.split() for element in root.iter(f"{GX}coord")]
    texts += [place.split(",") for element in root.iter(f"{KML}coordinates") for place in element.text.split()]
    return modes, np.array(texts, float), root.find(f"{KML}Document/{KML}description").text


def gpx(path, name):
    """An element of every track point, as numbers."""
    points = ElementTree.parse(path).getroot().iter(f"{GPX}trkpt")
    return np.array([float(point.find(GPX + name).text) for point in points])


def line_of(path):
    """The coordinates of a GeoJSON file's first line."""
    return np.array(json.loads(path.read_text())["features"][0]["geometry"]["coordinates"])


def points_of(path):
    points = ElementTree.parse(path).getroot().iter(f"{GPX}trkpt")
    return np.array([(float(point.get("lon")), float(point.get("lat"))) for point in points])


PLACES = {"kml": lambda path: kml(path)[1], "gpx": points_of, "geojson": line_of}


@pytest.mark.slow
@pytest.mark.parametrize("altitude", ["auto", "absolute"])
@pytest.mark.parametrize("start", [{}, {"start_time": START}])
def test_with_a_grid_kml_and_gpx_are_over_the_sea(tmp_path, grid, altitude, start):
    run = located(tmp_path / "run")
    lon, lat, height = truth(run)
    path, said = exported(run, "kml", altitude=altitude, **start)
    modes, places, described = kml(path)
    assert modes == {"absolute"} and described in said and "over the sea (geoid EGM96)" in described
    np.testing.assert_allclose(places[:, :2], np.stack([lon, lat], -1), atol=1e-8)
    np.testing.assert_allclose(places[:, 2], height - geoid(lon, lat), atol=2e-3)
    path, said = exported(run, "gpx", altitude=altitude, **start)
    assert said.endswith("heights are over the sea (geoid EGM96)")
    np.testing.assert_allclose(gpx(path, "ele"), height - geoid(lon, lat), atol=2e-3)
    np.testing.assert_allclose(gpx(path, "geoidheight"), geoid(lon, lat), atol=2e-3)
    np.testing.assert_allclose(gpx(path, "ele") + gpx(path, "geoidheight"), height, atol=2e-3)
    order = ["ele", *(["time"] if start else []), "geoidheight"]  # of GPX's schema
    for point in ElementTree.parse(path).getroot().iter(f"{GPX}trkpt"):
        assert [child.tag.removeprefix(GPX) for child in point] == order


@pytest.mark.slow
def test_without_a_grid_the_path_is_on_the_ground_and_says_why(tmp_path, no_grid):
    run = located(tmp_path / "run")
    lon, lat, _ = truth(run)
    for start in ({}, {"start_time": START}):
        path, said = exported(run, "kml", **start)
        modes, places, described = kml(path)
        assert modes == {"clampToGround"} and "no grid of EGM96" in described and described in said
        np.testing.assert_allclose(places[:, :2], np.stack([lon, lat], -1), atol=1e-8)
        assert places.shape == (28, 3) and not places[:, 2].any() if start else places.shape == (28, 2)
    assert "<tessellate>1</tessellate>" in exported(run, "kml")[0].read_text()
    path, said = exported(run, "gpx")
    assert "<ele>" not in path.read_text() and "geoidheight" not in path.read_text()
    assert "'pyproj sync --file us_nga_egm96_15' fetches it" in said
    for form in ("kml", "gpx"):
        with pytest.raises(ExportError, match="heights over the sea are not known, as PROJ has no grid of EGM96"):
            exported(run, form, altitude="absolute")


def test_where_the_grid_ends_there_are_no_heights(tmp_path, grid):
    write_gtx(grid / "egm96_15.gtx", (0.0, 0.0), (20, 20))  # Africa
    assert kml(exported(located(tmp_path / "run"), "kml")[0])[0] == {"clampToGround"}


def test_heights_over_the_ellipsoid_are_said_to_be_so(tmp_path, grid):
    run = located(tmp_path / "run")
    _, _, height = truth(run)
    path, said = exported(run, "kml", altitude="ellipsoid")
    modes, places, described = kml(path)
    assert modes == {"absolute"} and described == "heights are over the WGS84 ellipsoid, not over the sea"
    np.testing.assert_allclose(places[:, 2], height, atol=1e-3)
    path, said = exported(run, "gpx", altitude="ellipsoid")
    np.testing.assert_allclose(gpx(path, "ele"), height, atol=1e-3)
    assert "geoidheight" not in path.read_text() and said.endswith("ellipsoid, not over the sea")


def test_heights_over_the_first_camera_need_no_grid(tmp_path):
    run = located(tmp_path / "run")
    modes, places, described = kml(exported(run, "kml", altitude="relative")[0])
    assert modes == {"relativeToGround"} and "over the first camera" in described
    np.testing.assert_allclose(places[:, 2], truth(run)[2] - FIRST[2], atol=0.02)
    with pytest.raises(ExportError, match="heights of gpx are over the sea: give altitude absolute, clamp"):
        exported(run, "gpx", altitude="relative")


def test_on_the_ground_there_are_no_heights(tmp_path, grid):
    run = located(tmp_path / "run")
    assert kml(exported(run, "kml", altitude="clamp")[0])[0] == {"clampToGround"}
    assert "<ele>" not in exported(run, "gpx", altitude="clamp")[0].read_text()


def test_geojson_is_over_the_ellipsoid_whatever_grids_there_are(tmp_path, grid):
    run = located(tmp_path / "run")
    path, said = exported(run, "geojson")
    np.testing.assert_allclose(line_of(path)[:, 2], truth(run)[2], atol=1e-3)
    properties = json.loads(path.read_text())["features"][0]["properties"]
    assert said.endswith(properties["heights"]) and "over the WGS84 ellipsoid" in said
    assert line_of(exported(run, "geojson", altitude="clamp")[0]).shape == (28, 2)
    for altitude in ("absolute", "relative"):
        with pytest.raises(ExportError, match="heights of geojson are over the ellipsoid"):
            exported(run, "geojson", altitude=altitude)


@pytest.mark.slow
@pytest.mark.parametrize("crs", ["EPSG:32632+5773", "EPSG:25832+5773"])
def test_a_map_with_heights_over_the_same_sea_needs_no_grid(tmp_path, no_grid, crs):
    run = located(tmp_path / "run", crs)
    modes, places, _ = kml(exported(run, "kml")[0])
    assert modes == {"absolute"}
    np.testing.assert_allclose(places[:, 2], truth(run)[2], atol=1e-3)
    path, _ = exported(run, "gpx")
    np.testing.assert_allclose(gpx(path, "ele"), truth(run)[2], atol=1e-3)
    assert "geoidheight" not in path.read_text()
    assert line_of(exported(run, "geojson")[0]).shape == (28, 2)


def test_with_its_grid_they_come_to_the_ellipsoid(tmp_path, grid):
    run = located(tmp_path / "run", "EPSG:32632+5773")
    lon, lat, height = truth(run)
    np.testing.assert_allclose(line_of(exported(run, "geojson")[0])[:, 2], height + geoid(lon, lat), atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["kml", "gpx", "geojson"])
def test_a_map_whose_geoid_proj_has_not_gives_places_without_heights(tmp_path, form):
    run = located(tmp_path / "run", "EPSG:25832+7837")
    lon, lat, _ = truth(run)
    path, said = exported(run, form)
    assert "without heights: " in said and "grid for heights of 'ETRS89 / UTM zone 32N + DHHN2016 height'" in said
    assert "<ele>" not in path.read_text()
    np.testing.assert_allclose(PLACES[form](path), np.stack([lon, lat], -1), atol=1e-8)  # two numbers each
    with pytest.raises(
        ExportError, match="heights over the ellipsoid are not known, as PROJ has no grid for heights of"
    ):
        exported(run, form, altitude="ellipsoid")


@pytest.mark.slow
def test_what_is_left_out_is_counted(tmp_path):
    run = located(tmp_path / "run")
    part = street_part(2)
    write_submap(
        run, 2, replace(part, window_from_camera=np.where(part.owned[:, None, None], np.nan, part.window_from_camera))
    )
    for form in ("kml", "gpx", "geojson"):
        assert exported(run, form)[1].startswith("20 places in 1 segment; 8 frames without a pose left out; ")


PUBLISHED = (  # by NGA, of EGM96's harmonics; its grid lies within centimetres: latitude, longitude, height
    (38.6281550, -90.2208450, -31.628),
    (-14.6212170, -54.9788860, -2.969),
    (46.8743190, 102.4487290, -43.575),
    (-23.6174460, 133.8747120, 15.871),
    (38.6254730, -0.0005000, 50.066),
    (-0.4667440, 0.0023000, 17.329),
)


def test_the_grid_of_this_machine_gives_the_published_geoid():
    if not knows_the_sea():
        pytest.skip("PROJ has no grid of EGM96 on this machine: pyproj sync --file us_nga_egm96_15")
    for lat, lon, published_m in PUBLISHED:
        at = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(lon, lat, 100.0)
        places = places_on_earth(Georeference("EPSG:4978", Sim3(1.0, np.eye(3), at)), np.zeros((1, 3)))
        assert places.over_sea[0] == pytest.approx(100.0 - published_m, abs=0.1)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32632", "EPSG:3395"])
def test_heights_over_the_sea_are_right_whatever_the_projection(grid, crs):
    """PROJ passes heights of EPSG:3857 on to the sea as they are (findings/pyproj_webmercator_heights.sh)."""
    place = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*FIRST[:2])
    found = places_on_earth(Georeference(crs, Sim3(1.0, np.eye(3), [*place, FIRST[2]])), np.zeros((1, 3)))
    np.testing.assert_allclose(found.longitude_latitude[0], FIRST[:2], atol=1e-9)
    np.testing.assert_allclose(found.over_ellipsoid, FIRST[2], atol=1e-6)
    np.testing.assert_allclose(found.over_sea, FIRST[2] - geoid(*FIRST[:2]), atol=1e-3)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32632"])
def test_without_a_grid_no_projection_has_heights_over_the_sea(no_grid, crs):
    place = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*FIRST[:2])
    assert (
        places_on_earth(Georeference(crs, Sim3(1.0, np.eye(3), [*place, FIRST[2]])), np.zeros((1, 3))).over_sea is None
    )
