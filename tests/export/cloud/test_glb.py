from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from da3_stream.cloud import read_ply
from da3_stream.errors import StoreError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import project
from da3_stream.settings import CloudSettings
from da3_stream.store import RunReader
from tests.export.gltf_files import camera_pixel, linear, read_glb
from tests.worlds.exported_run import off_the_street, whole_run
from tests.worlds.street import FPS, SOURCE_SIZE, intrinsics, run_with_pages, street_scene, world_from_camera

GLTF_FROM_WORLD = np.diag([1.0, -1, -1])  # the street's cameras stand upright
HALF_A_STEP = 0.5 / 65535 + 1e-12
K = np.diag([2.0, 2.0, 1.0]) @ intrinsics()  # the input is twice the depth map


@pytest.fixture
def run(tmp_path):
    return whole_run(tmp_path / "run")


def exported(run, **options):
    return read_glb(export_run(run.path, "glb", None, options, overwrite=True).path)


def file_from_world(glb):
    return np.array(glb.tree["scenes"][0]["extras"]["file_from_world"])


@pytest.mark.slow
def test_points_are_those_of_the_cloud_untouched_below_the_transform_that_the_scene_records(run):
    glb = exported(run)
    xyz, rgb = read_ply(export_run(run.path, "ply").path)
    np.testing.assert_array_equal(glb.attribute("points", "POSITION"), xyz)
    np.testing.assert_array_equal(glb.scene_from_node("points"), file_from_world(glb))
    np.testing.assert_allclose(glb.placed("points"), xyz @ GLTF_FROM_WORLD, atol=1e-5)
    colours = glb.attribute("points", "COLOR_0")
    assert abs(colours[:, :3] - linear(rgb)).max() <= HALF_A_STEP and (colours[:, 3] == 1).all()
    assert "NORMAL" not in glb.tree["meshes"][0]["primitives"][0]["attributes"]


@pytest.mark.slow
def test_trimesh_finds_the_points_upright(run):
    path, summary = export_run(run.path, "glb")
    scene, cloud = trimesh.load(path), trimesh.load(export_run(run.path, "ply").path)
    (points,) = [shape for shape in scene.dump() if isinstance(shape, trimesh.PointCloud)]
    assert path.name == "scene.glb" and summary.startswith(f"{len(points.vertices):,} points in relative units, y up")
    np.testing.assert_allclose(points.vertices, cloud.vertices @ GLTF_FROM_WORLD, atol=1e-5)
    assert off_the_street(points.vertices @ GLTF_FROM_WORLD).max() < 0.01
    assert points.vertices[:, 1].min() == pytest.approx(-1.5, abs=0.01)
    assert scene.metadata["units"] == "relative" and scene.metadata["axes"] == "upright"


@pytest.mark.slow
def test_normals_are_those_of_the_run_and_those_that_it_does_not_know_are_told(tmp_path):
    settings = CloudSettings(voxel=0.02, per_pixel=None, normals=True)
    run = run_with_pages(tmp_path / "run", settings=settings)
    run.write_status(
        {**run.read_status(), "input": {"size": SOURCE_SIZE, "paths": []}, "settings": {"cloud": settings}}
    )
    cloud = trimesh.load(export_run(run.path, "ply").path)
    known = np.linalg.norm(cloud.metadata["_ply_raw"]["vertex"]["data"][["nx", "ny", "nz"]].tolist(), axis=1) > 0
    path, summary = export_run(run.path, "glb")
    glb = read_glb(path)
    found, xyz = glb.attribute("points", "NORMAL"), glb.attribute("points", "POSITION")
    ground = known & (abs(xyz[:, 1] - 1.5) < 0.01) & (abs(xyz[:, 0]) < 3.5)
    assert ground.sum() > 100 and np.median(found[ground] @ [0, -1, 0]) > 0.99
    assert (found[~known] == [0, 0, 1]).all()
    unknown = f", {(~known).sum():,} points without a normal, which say +z"
    assert summary.endswith(unknown if (~known).any() else " frames")


@pytest.mark.slow
def test_a_still_camera_sees_a_known_point_at_its_pixel_by_its_angle_and_aspect(run):
    glb = exported(run, cameras=3)
    cameras = [glb.tree["nodes"][child] for child in glb.node("cameras")["children"]]
    assert [camera["extras"]["frame"] for camera in cameras] == [0, 13, 27] and len(glb.tree["cameras"]) == 1
    for camera in cameras:
        frame = camera["extras"]["frame"]
        point = (world_from_camera(frame) @ [0.7, 0.4, 5.0, 1])[:3]
        found = camera_pixel(glb, camera["name"], (file_from_world(glb) @ [*point, 1])[:3])
        np.testing.assert_allclose(found, project(np.array([0.7, 0.4, 5.0]), K), atol=0.02)
        assert camera["extras"]["timestamp"] == frame / FPS


@pytest.mark.slow
def test_frusta_stand_at_the_cameras_and_open_to_the_corners_of_the_image(run):
    ends = exported(run, cameras=3).attribute("cameras", "POSITION").reshape(3, 5, 3)
    width, height = SOURCE_SIZE
    for frame, (apex, *tips) in zip((0, 13, 27), ends, strict=True):
        pose = world_from_camera(frame)
        np.testing.assert_allclose(apex, pose[:3, 3], atol=1e-4)
        local = (np.array(tips) - pose[:3, 3]) @ pose[:3, :3]
        np.testing.assert_allclose(project(local, K), [[0, 0], [width, 0], [width, height], [0, height]], atol=0.05)


@pytest.mark.slow
def test_the_flight_is_at_the_cameras_at_the_times_of_their_frames(run):
    glb = exported(run, frames="4:28")
    assert glb.tree["scenes"][0]["extras"]["start_time"] == 4 / FPS and glb.tree["animations"][0]["name"] == "flight"
    scene_from_world = file_from_world(glb)
    for frame in (4, 5, 17, 27):
        pose = scene_from_world @ world_from_camera(frame) @ np.diag([1.0, -1, -1, 1])
        found = glb.scene_from_node("world") @ glb.moved("flight", (frame - 4) / FPS)
        np.testing.assert_allclose(found, pose, atol=2e-4)
        point = (scene_from_world @ world_from_camera(frame) @ [0.7, 0.4, 5.0, 1])[:3]
        seen = camera_pixel(glb, "flight", point, found)
        np.testing.assert_allclose(seen, project(np.array([0.7, 0.4, 5.0]), K), atol=0.02)


@pytest.mark.slow
def test_frames_without_a_pose_are_left_out_of_the_flight(run):
    scene = run.read_scene()
    run.write_scene(replace(scene, submaps=scene.submaps[:2]))
    posed = np.flatnonzero(RunReader.open(run.path).poses.has_pose)
    glb = exported(run)
    times = glb.values(glb.tree["animations"][0]["samplers"][0]["input"])
    assert len(posed) < 28
    np.testing.assert_allclose(times, posed / FPS, atol=1e-6)


def test_frames_whose_times_do_not_ascend_are_left_out_of_the_flight_and_counted(run):
    status = run.read_status()
    times = list(status["timestamps"])
    times[7] = times[6]
    run.write_status({**status, "timestamps": times})
    path, summary = export_run(run.path, "glb")
    glb = read_glb(path)
    assert len(glb.values(glb.tree["animations"][0]["samplers"][0]["input"])) == 27
    assert summary.endswith(", 28 cameras, a flight of 27 frames (1 left out, whose times do not ascend)")


def test_each_segment_has_a_flight_of_its_own(run):
    scene = street_scene()
    first, second, third = scene.submaps
    run.write_scene(replace(scene, submaps=(first, second, replace(third, segment=1, previous=None))))
    glb = exported(run)
    names = [animation["name"] for animation in glb.tree["animations"]]
    assert names == ["flight 0", "flight 1"]
    spans = [glb.values(a["samplers"][0]["input"])[[0, -1]].tolist() for a in glb.tree["animations"]]
    np.testing.assert_allclose(spans, [[0, 1.7], [1.8, 2.7]], atol=1e-6)
    targets = {c["target"]["node"] for a in glb.tree["animations"] for c in a["channels"]}
    assert {glb.tree["nodes"][k]["name"] for k in targets} == set(names)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ply", "laz", "glb", "mini_npz"])
def test_segments_that_are_put_into_one_world_are_told(run, form):
    first, second, third = street_scene().submaps
    scene = replace(street_scene(), submaps=(first, second, replace(third, segment=1, previous=None)))
    run.write_scene(scene)
    assert export_run(run.path, form)[1].endswith("; 2 segments, which nothing ties to each other")
    assert "segments" not in export_run(run.path, form, options={"frames": ":9"}, overwrite=True)[1]


def test_the_path_goes_through_all_cameras(run):
    path = exported(run).attribute("path", "POSITION")
    np.testing.assert_allclose(path, [world_from_camera(frame)[:3, 3] for frame in range(28)], atol=2e-4)


def test_max_points_and_no_cameras(run):
    glb = exported(run, max_points=100, cameras=0)
    assert len(glb.attribute("points", "POSITION")) == 100
    assert {node["name"] for node in glb.tree["nodes"]} == {"world", "points", "path", "flight"}


def test_one_point_and_one_frame(run):
    glb = exported(run, frames="5:6", max_points=1)
    assert len(glb.attribute("points", "POSITION")) == 1
    assert [node["name"] for node in glb.tree["nodes"]] == ["world", "points", "cameras", "000005"]
    assert (
        "animations" not in glb.tree
        and "flight" not in export_run(run.path, "glb", overwrite=True, options={"frames": "5:6"}).summary
    )


@pytest.mark.slow
def test_equal_runs_give_equal_bytes(run, tmp_path):
    once = export_run(run.path, "glb").path.read_bytes()
    assert export_run(whole_run(tmp_path / "other").path, "glb").path.read_bytes() == once


def test_a_failure_leaves_the_old_one(run):
    path, _ = export_run(run.path, "glb")
    before = path.read_bytes()
    run.page_path(1).unlink()
    with pytest.raises(StoreError, match=r"000001\.laz is missing"):
        export_run(run.path, "glb", overwrite=True)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["scene.glb"]
