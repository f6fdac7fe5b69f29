"""GLB files of runs of all kinds: a known point at its place and its pixels, names and times, by the standard alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from da3_stream.export.exporting import export_run
from da3_stream.geometry import project
from tests.export.gltf_files import Glb, camera_pixel, linear, read_glb
from tests.worlds.known_runs import FPS, KINDS, KnownRun, make_run, names
from tests.worlds.known_street import LANDMARK, LANDMARK_RGB, camera, off_edge, off_surface, pose


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """(the run of a kind, its GLB), each made once."""

    @cache
    def made(kind: str) -> tuple[KnownRun, Glb]:
        run = make_run(tmp_path_factory.mktemp("run"), KINDS[kind])
        return run, read_glb(export_run(run.path, "glb").path)

    return made


def record(glb):
    return glb.tree["scenes"][0]["extras"]


def in_scene(glb, point):
    return (np.array(record(glb)["file_from_world"]) @ [*point, 1])[:3]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_landmark_is_in_its_place_and_its_colour(known, kind):
    run, glb = known(kind)
    xyz, rgb = glb.placed("points"), glb.attribute("points", "COLOR_0")[:, :3]
    world = (xyz - glb.scene_from_node("world")[:3, 3]) @ np.linalg.inv(glb.scene_from_node("world")[:3, :3]).T
    assert off_surface(world).max() < 1e-3
    near = np.linalg.norm(world - LANDMARK, axis=1) < 0.15
    is_landmark = (abs(rgb - linear(LANDMARK_RGB)) <= 0.5 / 65535 + 1e-12).all(axis=1)
    assert near.sum() > 3 and is_landmark[near].all()
    assert (np.linalg.norm(world[is_landmark & (off_edge(world) > 0.01)] - LANDMARK, axis=1) < 0.3).all()
    place = in_scene(glb, LANDMARK)
    scale = np.cbrt(np.linalg.det(glb.scene_from_node("world")[:3, :3]))
    assert abs(np.linalg.norm(xyz[is_landmark].mean(axis=0) - place)) < 0.2 * scale


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["on a map, from named files", "on a map in feet, in two segments"])
def test_located_runs_are_in_metres_east_up_and_south_of_their_anchor(known, kind):
    run, glb = known(kind)
    georeference, anchor = run.kind.georeference, record(glb)["anchor"]
    on_map = georeference.geographic_from_world.apply(LANDMARK)
    found = np.array(anchor["map_from_file"]) @ [*in_scene(glb, LANDMARK), 1]
    np.testing.assert_allclose(found[:3], on_map, atol=1e-5)
    metres = 1.0 if kind == "on a map, from named files" else 1200 / 3937
    east, north, up = (on_map - anchor["origin"]) * metres
    np.testing.assert_allclose(in_scene(glb, LANDMARK), [east, up, -north], atol=1e-5)
    assert record(glb)["units"] == "metres" and record(glb)["axes"] == "map"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_still_camera_and_the_flight_see_the_landmark_at_its_pixel(known, kind):
    run, glb = known(kind)
    point, placed = in_scene(glb, LANDMARK), {}
    for child in glb.node("cameras")["children"]:
        node = glb.tree["nodes"][child]
        frame = placed[node["name"]] = node["extras"]["frame"]
        expected = project((np.linalg.inv(pose(frame)) @ [*LANDMARK, 1])[:3], camera())
        np.testing.assert_allclose(camera_pixel(glb, node["name"], point), expected, atol=0.05)
        flight = f"flight {int(frame >= 10)}" if run.kind.segments else "flight"
        moved = glb.scene_from_node("world") @ glb.moved(flight, run.time(frame) - record(glb)["start_time"])
        np.testing.assert_allclose(camera_pixel(glb, flight, point, moved), expected, atol=0.05)
    assert list(placed.values()) == run.posed


def test_cameras_have_the_names_of_the_pictures(known):
    run, glb = known("on a map, from named files")
    found = [glb.tree["nodes"][child]["name"] for child in glb.node("cameras")["children"]]
    assert len(set(map(str.casefold, found))) == len(found)
    kept = [name for name in names() if name in found]
    assert len(kept) >= len(found) - 2 and [Path(name).parent for name in found] == [Path(n).parent for n in names()]


def test_times_since_1970_begin_at_the_first_frame_also_where_it_has_no_pose(known):
    run, glb = known("with gaps at both ends")
    times = glb.values(glb.tree["animations"][0]["samplers"][0]["input"])
    np.testing.assert_allclose(times, np.array(run.posed) / FPS, atol=1e-5)
    assert record(glb)["start_time"] == run.time(0) and record(glb)["has_times"]


def test_normals_point_from_the_walls_to_the_street(known):
    _, glb = known("through a lens that bends")
    normals, xyz = glb.attribute("points", "NORMAL"), glb.attribute("points", "POSITION")
    inside = (off_surface(xyz, axis=0) < 1e-3) & (abs(xyz[:, 1]) < 1) & (normals[:, 2] < 0.99)
    assert np.median(normals[inside, 0] * -np.sign(xyz[inside, 0])) > 0.99
