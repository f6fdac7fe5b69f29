from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3
from da3_stream.store import RunReader, Scene, open_run, read_depth, read_poses
from tests.worlds.street import FPS, SIZE, intrinsics, street_depth, street_run, street_scene, world_from_camera


def test_poses_are_one_row_per_selected_frame(tmp_path):
    poses = read_poses(street_run(tmp_path / "run").path)
    np.testing.assert_array_equal(poses.source_index, np.arange(28))
    np.testing.assert_allclose(poses.timestamp, np.arange(28) / FPS)
    np.testing.assert_allclose(poses.world_from_camera, [world_from_camera(f) for f in range(28)], atol=1e-12)
    np.testing.assert_allclose(poses.intrinsics, np.tile(intrinsics() * [[2], [2], [1]], (28, 1, 1)))
    assert poses.has_times and poses.status == ("OK",) * 28 and (poses.segment == 0).all()


def test_selected_frames_without_a_submap_have_a_nan_row(tmp_path):
    run = street_run(tmp_path / "run")
    status = run.read_status()
    run.write_status({**status, "source_indices": list(range(30)), "timestamps": [f / FPS for f in range(30)]})
    poses = read_poses(run.path)
    assert len(poses) == 30
    assert np.isnan(poses.world_from_camera[28:]).all() and np.isnan(poses.depth_scale[28:]).all()
    assert poses.segment[28:].tolist() == [-1, -1] and poses.status[28:] == ("UNPLACED", "UNPLACED")
    np.testing.assert_allclose(poses.timestamp[28:], [2.8, 2.9])


def test_a_run_that_is_still_going_shows_the_submaps_placed_so_far(tmp_path):
    run = street_run(tmp_path / "run")
    run.write_status({"state": "running"})
    run.write_scene(Scene(submaps=street_scene().submaps[:2]))
    poses = read_poses(run.path)
    np.testing.assert_array_equal(poses.source_index, np.arange(18))
    np.testing.assert_allclose(poses.timestamp, np.arange(18) / FPS)


def test_depth_is_in_world_units(tmp_path):
    run = street_run(tmp_path / "run", street_scene(scale=3.0))
    for frame in (0, 9, 10, 17, 18, 27):
        depth, confidence, k = read_depth(run.path, frame)
        np.testing.assert_allclose(depth, 3.0 * street_depth(world_from_camera(frame)), rtol=1e-3)
        assert confidence.shape == (SIZE[1], SIZE[0])
        np.testing.assert_allclose(k, intrinsics())


def test_depth_of_one_frame_has_the_scale_of_its_pose(tmp_path):
    error = Sim3.exp([0.1, 0, 0, 0, 0, 0, 0.2])
    run = street_run(tmp_path / "run", street_scene((Sim3.identity(), error, error)))
    scales = read_poses(run.path).depth_scale
    for frame in range(28):
        unit = [1.0, 0.5, 2.5][int(frame > 9) + int(frame > 17)]
        depth, truth = read_depth(run.path, frame)[0], street_depth(world_from_camera(frame))
        valid = truth > 0
        np.testing.assert_allclose(depth[valid] / truth[valid], scales[frame] / unit, rtol=1e-3)


def test_depth_of_an_unknown_frame_is_a_key_error(tmp_path):
    run = street_run(tmp_path / "run")
    for frame in (-1, 28, 1000):
        with pytest.raises(KeyError, match="no depth"):
            read_depth(run.path, frame)


def test_a_missing_window_is_one_sentence(tmp_path):
    run = street_run(tmp_path / "run")
    run.submap_path(1).unlink()
    with pytest.raises(StoreError, match="000001.npz is missing"):
        read_poses(run.path)


def test_times_that_do_not_match_are_one_sentence(tmp_path):
    run = street_run(tmp_path / "run")
    run.write_status({"state": "running", "source_indices": [0, 1], "timestamps": [0.0]})
    with pytest.raises(StoreError, match="2 source_indices, but 1 timestamps"):
        read_poses(open_run(run.path).path)


@pytest.mark.parametrize(
    "damage",
    [{"source_indices": None}, {"source_indices": 3}, {"timestamps": ["x"]}, {"timestamps": [[0.0]]}],
    ids=str,
)
def test_damaged_lists_of_frames_are_one_sentence(tmp_path, damage):
    run = street_run(tmp_path / "run")
    run.write_status({**run.read_status(), "source_indices": [0], "timestamps": [0.0], **damage})
    with pytest.raises(StoreError, match="run.json is damaged"):
        read_poses(run.path)


@pytest.mark.parametrize("told", [None, {}, {"input": {}}, {"input": {"size": 3}}], ids=str)
def test_an_input_of_unknown_size_is_one_sentence(tmp_path, told):
    run = street_run(tmp_path / "run")
    run.write_status({"state": "finished", **(told or {})})
    with pytest.raises(StoreError, match="the size of the input's images"):
        _ = RunReader.open(run.path).input_size
