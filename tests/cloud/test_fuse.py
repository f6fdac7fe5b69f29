from __future__ import annotations

import hashlib

import numpy as np
import pytest
import trimesh

from da3_stream.cloud import fuse as fuse_module
from da3_stream.cloud import (
    points_in_world,
    read_page,
    read_ply,
    window_points,
    world_voxel,
    write_merged_cloud,
    write_page,
)
from da3_stream.cloud.transform import camera_distances
from da3_stream.cloud.voxels import voxel_keys
from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3, project
from da3_stream.settings import CloudSettings
from da3_stream.store import Scene, read_depth, read_poses, read_run_geometry
from tests.worlds.street import SOURCE_SIZE, run_with_pages, street_run, street_scene, street_window

SETTINGS = CloudSettings(voxel=0.02, per_pixel=None)
ERROR = Sim3.exp([0.1, 0.05, 0, 0.01, 0.02, 0, 0.05])


def test_the_cloud_lies_on_the_street(tmp_path):
    run = run_with_pages(tmp_path / "run")
    count = write_merged_cloud(run, read_run_geometry(run), SETTINGS)
    xyz, rgb = read_ply(run.path / "cloud.ply")
    assert len(xyz) == len(rgb) == count > 3000
    distance = np.minimum(abs(xyz[:, 1] - 1.5), abs(abs(xyz[:, 0]) - 4))
    assert distance.max() < world_voxel(read_run_geometry(run), SETTINGS) / 256


@pytest.mark.slow
def test_points_of_a_frame_reproject_onto_their_pixels_under_its_pose_and_intrinsics(tmp_path):
    """Also where a pose is blended and its scale is not that of its submap."""
    every_pixel = CloudSettings(voxel=1e-3, per_pixel=None, min_confidence=0.0, max_depth_step=1e9)
    run = run_with_pages(tmp_path / "run", street_scene((Sim3.identity(), ERROR, ERROR @ ERROR), 2.0), every_pixel)
    poses, geometry = read_poses(run.path), read_run_geometry(run)
    for submap in range(3):
        points = points_in_world(read_page(run, submap), geometry, submap)
        for frame in np.unique(points.frame):
            mine = points.xyz[points.frame == frame].astype(np.float64)
            pose = poses.world_from_camera[frame]
            in_camera = (mine - pose[:3, 3]) @ pose[:3, :3]
            pixels = project(in_camera, poses.intrinsics[frame]) / 2  # the input is twice the depth map
            assert SOURCE_SIZE == (96, 64)
            centres = np.floor(pixels) + 0.5
            assert abs(pixels - centres).max() < 0.01
            depth = read_depth(run.path, int(frame))[0]
            column, row = (centres - 0.5).astype(int).T
            np.testing.assert_allclose(in_camera[:, 2], depth[row, column], rtol=2e-3)


def test_one_point_stays_in_each_voxel_of_the_world_and_it_is_the_best_seen(tmp_path):
    run = run_with_pages(tmp_path / "run")
    geometry = read_run_geometry(run)
    edge = world_voxel(geometry, SETTINGS)
    pages = [points_in_world(read_page(run, submap), geometry, submap) for submap in range(3)]
    best = {}
    for page in pages:
        scores = page.confidence / camera_distances(page, geometry)
        for key, score, xyz in zip(voxel_keys(page.xyz, edge).tolist(), scores, page.xyz, strict=True):
            if key not in best or score > best[key][0]:
                best[key] = (score, xyz)
    write_merged_cloud(run, geometry, SETTINGS.model_copy(update={"fusion": "off"}))
    xyz, _ = read_ply(run.path / "cloud.ply")
    assert len(xyz) == len(best) < sum(len(page) for page in pages)
    expected = np.array([entry[1] for entry in best.values()])
    np.testing.assert_array_equal(np.sort(xyz.view("f4,f4,f4"), axis=0), np.sort(expected.view("f4,f4,f4"), axis=0))


@pytest.mark.slow
def test_tiles_change_the_order_and_nothing_else(tmp_path, monkeypatch):
    run = run_with_pages(tmp_path / "run")
    geometry = read_run_geometry(run)
    whole = positions_of(run, geometry, SETTINGS)
    monkeypatch.setattr(fuse_module, "_TILE", 1000)
    monkeypatch.setattr(fuse_module, "_SURVEY_STEP", 4)
    cut = positions_of(run, geometry, SETTINGS)
    assert (cut != whole).any()
    np.testing.assert_array_equal(np.sort(cut.view("f4,f4,f4"), axis=0), np.sort(whole.view("f4,f4,f4"), axis=0))


def positions_of(run, geometry, settings):
    write_merged_cloud(run, geometry, settings)
    return read_ply(run.path / "cloud.ply")[0]


@pytest.mark.slow
def test_equal_runs_have_equal_clouds(tmp_path):
    digests = []
    for name in "ab":
        run = run_with_pages(tmp_path / name)
        write_merged_cloud(run, read_run_geometry(run), SETTINGS)
        digests.append(hashlib.sha256((run.path / "cloud.ply").read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_trimesh_reads_the_cloud_with_the_right_count(tmp_path):
    run = run_with_pages(tmp_path / "run")
    count = write_merged_cloud(run, read_run_geometry(run), SETTINGS)
    cloud = trimesh.load(run.path / "cloud.ply")
    xyz, rgb = read_ply(run.path / "cloud.ply")
    assert cloud.vertices.shape == (count, 3)
    np.testing.assert_array_equal(cloud.vertices, xyz)
    np.testing.assert_array_equal(cloud.colors[:, :3], rgb)


@pytest.mark.slow
def test_max_points_keeps_exactly_so_many_spread_over_the_whole(tmp_path):
    run = run_with_pages(tmp_path / "run")
    geometry = read_run_geometry(run)
    write_merged_cloud(run, geometry, SETTINGS)
    whole, _ = read_ply(run.path / "cloud.ply")
    assert write_merged_cloud(run, geometry, SETTINGS.model_copy(update={"max_points": 1000})) == 1000
    some, _ = read_ply(run.path / "cloud.ply")
    assert set(map(tuple, some.tolist())) < set(map(tuple, whole.tolist()))
    for axis in range(3):
        np.testing.assert_allclose(
            np.quantile(some[:, axis], [0.2, 0.5, 0.8]), np.quantile(whole[:, axis], [0.2, 0.5, 0.8]), atol=0.8
        )


@pytest.mark.slow
def test_the_scenes_scale_scales_the_cloud(tmp_path):
    clouds = []
    for name, scale in (("a", 1.0), ("b", 4.0)):
        run = run_with_pages(tmp_path / name, street_scene(scale=scale))
        write_merged_cloud(run, read_run_geometry(run), SETTINGS)
        clouds.append(read_ply(run.path / "cloud.ply")[0])
    np.testing.assert_allclose(clouds[1], 4 * clouds[0], rtol=1e-6)


def test_the_voxel_is_in_metres_only_in_a_run_in_metres(tmp_path):
    run = run_with_pages(tmp_path / "run", street_scene(scale=2.0))
    geometry, in_metres = read_run_geometry(run), CloudSettings(voxel_m=0.3)
    relative = world_voxel(geometry, CloudSettings())
    depth = np.median([np.median(read_depth(run.path, frame)[0]) for frame in range(28)])
    assert relative == pytest.approx(0.01 * depth, rel=0.2)
    assert world_voxel(geometry, in_metres) == relative
    run.write_scene(Scene("metres", 2.0, street_scene().submaps))
    assert world_voxel(read_run_geometry(run), in_metres) == 0.3


def test_no_points_give_a_cloud_of_none(tmp_path):
    run = street_run(tmp_path / "run")
    geometry = street_window(0, 12)
    for number in range(3):
        write_page(run, number, window_points(geometry, np.zeros(12, bool), SETTINGS))
    assert write_merged_cloud(run, read_run_geometry(run), SETTINGS) == 0
    assert read_ply(run.path / "cloud.ply")[0].shape == (0, 3)


def test_points_of_frames_without_a_pose_are_left_out(tmp_path):
    run = run_with_pages(tmp_path / "run")
    geometry = read_run_geometry(run)
    geometry.frame_poses.scale[3] = np.nan
    assert 3 not in points_in_world(read_page(run, 0), geometry, 0).frame


def test_a_failed_merge_leaves_the_old_cloud_and_nothing_else(tmp_path):
    run = run_with_pages(tmp_path / "run")
    geometry = read_run_geometry(run)
    write_merged_cloud(run, geometry, SETTINGS)
    before = (run.path / "cloud.ply").read_bytes()
    run.page_path(2).write_bytes(run.page_path(2).read_bytes()[:2000])
    with pytest.raises(StoreError, match="000002.laz is damaged"):
        write_merged_cloud(run, geometry, SETTINGS)
    assert (run.path / "cloud.ply").read_bytes() == before
    assert sorted(p.name for p in (run.path / "cloud").iterdir()) == [f"{n:06d}.laz" for n in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["torn", "empty", "foreign", "missing"])
def test_a_damaged_cloud_is_one_sentence(tmp_path, damage):
    run = run_with_pages(tmp_path / "run")
    write_merged_cloud(run, read_run_geometry(run), SETTINGS)
    path = run.path / "cloud.ply"
    contents = {"torn": path.read_bytes()[:-100], "empty": b"", "foreign": b"ply\nformat ascii 1.0\nend_header\n"}
    path.unlink() if damage == "missing" else path.write_bytes(contents[damage])
    with pytest.raises(StoreError, match="damaged|not a cloud|cannot read"):
        read_ply(path)
