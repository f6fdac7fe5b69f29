"""Trajectories and paths on the Earth, read without this package."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from tests.export.table.exported import Array, Exported
from tests.worlds.known_runs import FRAMES
from tests.worlds.known_street import pose

CLOSE = 1e-6


def rows_of_tum(path: Path) -> Array:
    return np.loadtxt(path, ndmin=2)


def _pose(place: Array, xyzw: Array) -> Array:
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = Rotation.from_quat(xyzw).as_matrix(), place
    return found


def poses_of_tum(path: Path) -> list[Array]:
    return [_pose(row[1:4], row[4:8]) for row in rows_of_tum(path)]


def poses_of_euroc(path: Path) -> list[Array]:
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return [_pose(row[1:4], np.roll(row[4:8], -1)) for row in rows]


def poses_of_kitti(path: Path) -> list[Array]:
    return [np.vstack([row.reshape(3, 4), [0, 0, 0, 1]]) for row in np.loadtxt(path, ndmin=2)]


POSES = {"tum": poses_of_tum, "kitti": poses_of_kitti, "euroc": poses_of_euroc}


def kitti_rows(exported: Exported) -> list[int]:
    """The frames of the rows, as the file beside it tells."""
    return np.loadtxt(exported.path.with_name(exported.path.name + ".rows"), ndmin=1).astype(int).tolist()


def check_poses(exported: Exported) -> None:
    """Every row is the pose of its frame in the run's world, in metres where they are known."""
    found = POSES[exported.name](exported.path)
    indices = exported.run.posed
    if exported.name == "kitti":  # one row a frame, of which some are real
        found = [found[row] for row in kitti_rows(exported)]
    if exported.run.kind.segments and len(found) == len(exported.run.exported):
        indices = exported.run.exported
    assert len(found) == len(indices)
    for index, given in zip(indices, found, strict=True):
        expected = pose(index)
        expected[:3, 3] *= exported.metres
        np.testing.assert_allclose(given, expected, atol=CLOSE * exported.metres)


def check_times(exported: Exported) -> None:
    """Times of the frames, to the nanosecond where there are such, else as float64 holds them."""
    run = exported.run
    expected = [run.time(index) for index in (run.exported if _one_segment(exported) else run.posed)]
    if exported.name == "tum":
        assert rows_of_tum(exported.path)[:, 0].tolist() == expected
    else:
        stamps = [int(line.split(",")[0]) for line in exported.path.read_text().splitlines() if line[0] != "#"]
        assert np.abs(np.array(stamps) - np.rint(np.array(expected) * 1e9).astype(np.int64)).max() <= 256


def _one_segment(exported: Exported) -> bool:
    rows = [line for line in exported.path.read_text().splitlines() if line[0] != "#"]
    return exported.run.kind.segments and len(rows) == len(exported.run.exported)


def check_unknown(exported: Exported) -> None:
    """No NaN, so that evo takes the file; the count that is said is that of the rows."""
    rows = [line for line in exported.path.read_text().splitlines() if line[0] != "#"]
    unreal = [row for row, line in enumerate(rows) if "nan" in line.lower()]
    if exported.name == "kitti":
        written = exported.run.exported
        assert len(rows) == FRAMES and kitti_rows(exported) == written
        assert unreal == sorted(set(range(FRAMES)) - set(written))
    else:
        assert not unreal
    counts = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", exported.summary)]
    assert len(rows) == counts[0], (exported.summary, len(rows))
    missing = len(exported.run.kind.unknown)
    assert not missing or missing in counts[1:], exported.summary


def check_euroc_units(exported: Exported) -> None:
    head = exported.path.read_text().splitlines()[0]
    assert f"p_RS_R_x [{'m' if exported.is_metric else 'relative'}]" in head


def positions_on_earth(exported: Exported) -> list[Array]:
    """Longitude, latitude and height of the places of each line."""
    if exported.name == "geojson":
        features = json.loads(exported.path.read_text())["features"]
        return [np.array(f["geometry"]["coordinates"]) for f in features if f["geometry"]["type"] == "LineString"]
    if exported.name == "kml":
        import fastkml

        return [np.array(mark.geometry.coords) for mark in fastkml.KML.parse(exported.path).features[0].features]
    import gpxpy

    segments = gpxpy.parse(exported.path.read_text()).tracks[0].segments
    return [np.array([(p.longitude, p.latitude, p.elevation or np.nan) for p in part.points]) for part in segments]


def check_places(exported: Exported) -> None:
    """Longitude and latitude are those that PROJ gives for the true places, a line for each segment."""
    from pyproj import Transformer

    run, place = exported.run, exported.run.kind.georeference
    assert place is not None
    on_map = place.geographic_from_world.apply(np.stack([pose(index)[:3, 3] for index in run.posed]))
    expected = np.stack(Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True).transform(*on_map.T[:2]), axis=1)
    lines = positions_on_earth(exported)
    assert len(lines) == (2 if run.kind.segments else 1)
    np.testing.assert_allclose(np.concatenate(lines)[:, :2], expected, atol=1e-8)


def check_heights(exported: Exported) -> None:
    """Metres over the ellipsoid in GeoJSON (RFC 7946); over the sea, or none, in the others."""
    run, place = exported.run, exported.run.kind.georeference
    assert place is not None
    on_map = place.geographic_from_world.apply(np.stack([pose(index)[:3, 3] for index in run.posed]))
    heights = np.concatenate(positions_on_earth(exported))
    if exported.name == "geojson":
        from tests.export.table.exported import map_unit

        np.testing.assert_allclose(heights[:, 2], on_map[:, 2] * map_unit(place.crs), atol=1e-3)
        return
    text = exported.path.read_text()
    assert "ellipsoid" not in exported.summary or "absolute" not in text
    if exported.name == "kml" and "geoid" not in exported.summary:
        assert "clampToGround" in text or "relativeToGround" in text
