from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.camera_paths import PATHS, CameraPath, camera_path, usual_length
from da3_stream.camera_paths.smoothing import smoothed
from da3_stream.errors import CameraPathError
from da3_stream.geometry import intrinsics_matrix, project

SIZE = (57, 43)  # odd, and neither square nor of square pixels
K = intrinsics_matrix(60.0, 48.0, 20.5, 25.0)
DEPTH = 6.0  # median, of the scene


def cameras(count, *, step=0.4, seed=3):
    """A walk that turns and rises, with a hand's shaking."""
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    turns = np.stack([0.1 * rng.normal(size=count), 0.15 * np.arange(count), 0.05 * rng.normal(size=count)], axis=1)
    poses[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix()
    poses[:, :3, 3] = np.cumsum(rng.normal([step, 0.02, step], 0.05, (count, 3)), axis=0)
    return CameraPath(poses, np.tile(K, (count, 1, 1)), SIZE)


def steps(path):
    return np.linalg.norm(np.diff(path.centres, axis=0), axis=1)


def turns(path):
    return Rotation.from_matrix(path.rotations[:-1].transpose(0, 2, 1) @ path.rotations[1:]).magnitude()


@pytest.mark.parametrize(
    ("name", "count"), [(name, n) for name in PATHS for n in (1, 2, 9) if (name, n) != ("interpolate", 1)]
)
def test_rotations_are_orthonormal_and_the_principal_point_stays(name, count):
    path = camera_path(name, cameras(count), DEPTH)
    product = path.rotations @ path.rotations.transpose(0, 2, 1)
    np.testing.assert_allclose(product, np.tile(np.eye(3), (len(path), 1, 1)), atol=1e-12)
    assert (np.linalg.det(path.rotations) > 0).all()
    np.testing.assert_allclose(path.intrinsics[:, :2, 2], np.tile([20.5, 25.0], (len(path), 1)), rtol=1e-12)
    np.testing.assert_allclose(
        path.camera_from_world @ path.world_from_camera, np.tile(np.eye(4), (len(path), 1, 1)), atol=1e-12
    )


def test_original_and_ends_are_those_of_depth_anything_3(shared):
    golden = np.load(shared / "goldens" / "unit_gs_paths.npz")
    for count in (2, 7):
        given = CameraPath(
            np.linalg.inv(golden[f"n{count}_in_w2c"].astype(float)), golden[f"n{count}_in_k"].astype(float), (56, 42)
        )
        relative = np.diag([1 / 56, 1 / 42, 1.0])
        for name, rows in (("original", slice(None)), ("interpolate", [0, -1])):
            path = camera_path(name, given, DEPTH)
            np.testing.assert_allclose(path.camera_from_world[rows], golden[f"n{count}_{name}_w2c"][rows], atol=2e-6)
            np.testing.assert_allclose(
                (relative @ path.intrinsics)[rows], golden[f"n{count}_{name}_k"][rows], atol=1e-6
            )
        assert len(camera_path("interpolate", given, DEPTH)) == len(golden[f"n{count}_interpolate_w2c"])
        assert len(camera_path("extend", given, DEPTH)) == len(golden[f"n{count}_extend_w2c"])
        assert len(camera_path("smooth", given, DEPTH)) == count
    assert [usual_length(name, 60) for name in ("interpolate", "extend")] == [
        golden[f"n60_{x}_frames"] for x in ("interpolate", "extend")
    ]
    alone = CameraPath(np.linalg.inv(golden["n1_in_w2c"].astype(float)), golden["n1_in_k"].astype(float), (56, 42))
    for name in ("wander", "dolly_zoom"):
        path, theirs = camera_path(name, alone, DEPTH), golden[f"n1_{name}_w2c"]
        np.testing.assert_allclose(path.camera_from_world[[0, -1]], theirs[[0, -1]], atol=2e-6)


def test_interpolate_goes_through_every_camera_at_constant_speed():
    given = cameras(9)
    path = camera_path("interpolate", given, DEPTH, count=2000)
    np.testing.assert_allclose(path.world_from_camera[[0, -1]], given.world_from_camera[[0, -1]], atol=1e-12)
    away = np.linalg.norm(path.centres[:, None] - given.centres, axis=2)
    nearest = away.argmin(axis=0)
    assert away.min(axis=0).max() < 0.6 * steps(path).mean() and (np.diff(nearest) > 0).all()
    between = Rotation.from_matrix(path.rotations[nearest].transpose(0, 2, 1) @ given.rotations).magnitude()
    assert between.max() < 0.02
    assert np.ptp(steps(path)) < 0.01 * steps(path).mean()


@pytest.mark.parametrize("name", ["wander", "orbit"])
def test_loops_are_at_constant_speed_and_end_where_they_began(name):
    path = camera_path(name, cameras(5), DEPTH)
    assert np.ptp(steps(path)) < 0.01 * steps(path).mean()
    np.testing.assert_allclose(path.world_from_camera[-1], path.world_from_camera[0], atol=1e-9)
    np.testing.assert_allclose(path.world_from_camera[0], cameras(5).world_from_camera[2], atol=1e-12)


def test_a_camera_that_only_turns_turns_steadily():
    given = cameras(6, step=0.0)
    given.world_from_camera[:, :3, 3] = 1.0
    path = camera_path("interpolate", given, DEPTH, count=500)
    assert np.ptp(turns(path)) < 0.02 * turns(path).mean() and np.allclose(path.centres, 1.0)


def test_a_stop_takes_no_pictures_and_a_turn_on_the_spot_does():
    given = cameras(6)
    stopped = given.rows(np.array([0, 1, 2, 2, 2, 2, 3, 4, 5]))
    np.testing.assert_allclose(
        camera_path("interpolate", stopped, DEPTH, count=50).world_from_camera,
        camera_path("interpolate", given, DEPTH, count=50).world_from_camera,
    )
    turned = given.rows(np.array([0, 1, 2, 2, 3, 4, 5]))
    turned.world_from_camera[3:, :3, :3] = (
        turned.world_from_camera[3:, :3, :3] @ Rotation.from_rotvec([0, 1.5, 0]).as_matrix()
    )
    assert turns(camera_path("interpolate", turned, DEPTH, count=200)).max() < 0.1


def test_a_smoothed_walk_shakes_less_and_a_steady_one_stays():
    given = cameras(60)
    path = camera_path("smooth", given, DEPTH)
    shaken, steady = (np.abs(np.diff(one.centres, 2, axis=0)).mean() for one in (given, path))
    assert steady < 0.1 * shaken and len(path) == 60
    np.testing.assert_allclose(path.world_from_camera[[0, -1]], given.world_from_camera[[0, -1]], atol=1e-9)
    line = cameras(30)
    line.world_from_camera[:, :3, 3] = np.arange(30)[:, None] * [0.3, 0.0, 0.1]
    line.world_from_camera[:, :3, :3] = Rotation.from_rotvec(np.arange(30)[:, None] * [0.0, 0.02, 0.0]).as_matrix()
    np.testing.assert_allclose(smoothed(line).world_from_camera, line.world_from_camera, atol=1e-9)


def test_a_dolly_zoom_keeps_the_size_of_what_is_at_the_median_depth():
    given = cameras(1)
    path = camera_path("dolly_zoom", given, DEPTH)
    plane = np.array([[-1.0, -1, DEPTH], [2, 1, DEPTH]]) @ given.rotations[0].T + given.centres[0]
    seen = [project((plane - c) @ r, k) for c, r, k in zip(path.centres, path.rotations, path.intrinsics, strict=True)]
    np.testing.assert_allclose(seen, np.tile(seen[0], (len(path), 1, 1)), atol=1e-9)
    assert steps(path).sum() == pytest.approx(0.6 * DEPTH, rel=0.01)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_as_large_as_its_scene(name):
    given = cameras(4)
    larger = given.moved(given.rotations, 100 * given.centres)
    path, same = camera_path(name, given, DEPTH), camera_path(name, larger, 100 * DEPTH)
    np.testing.assert_allclose(same.centres, 100 * path.centres, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(same.rotations, path.rotations, atol=1e-9)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("count", [2, 7, 200])
def test_the_length_is_known_before(name, count):
    assert len(camera_path(name, cameras(count), DEPTH)) == usual_length(name, count)


def test_an_orbit_looks_at_its_centre_about_what_is_up():
    given = cameras(3)
    path = camera_path("orbit", given, DEPTH, up=np.array([0.0, -2, 0]))
    pivot = given.centres[1] + DEPTH * given.rotations[1][:, 2]
    towards = (pivot - path.centres) / DEPTH
    np.testing.assert_allclose(path.rotations[:, :, 2], towards, atol=1e-9)
    np.testing.assert_allclose(path.centres[:, 1], given.centres[1, 1], atol=1e-9)
    swing = camera_path("orbit", given, DEPTH, degrees=40)
    angle = Rotation.from_matrix(given.rotations[1].T @ swing.rotations).magnitude()
    assert np.degrees(angle.max()) == pytest.approx(20, abs=0.1)


def test_cameras_without_a_pose_are_left_out_and_those_in_one_place_stand_still():
    given = cameras(7)
    given.world_from_camera[[0, 3]] = np.nan
    given.intrinsics[6] = np.nan
    some = cameras(7).rows(np.array([1, 2, 4, 5]))
    for name in PATHS:
        np.testing.assert_allclose(
            camera_path(name, given, DEPTH).world_from_camera, camera_path(name, some, DEPTH).world_from_camera
        )
    still = some.rows(np.zeros(4, np.int64))
    for name in ("original", "smooth", "interpolate"):
        path = camera_path(name, still, DEPTH)
        np.testing.assert_allclose(
            path.world_from_camera, np.tile(still.world_from_camera[0], (len(path), 1, 1)), atol=1e-12
        )


@pytest.mark.parametrize("count", [2, 3, 50, 121])
@pytest.mark.parametrize("name", ["interpolate", "extend", "wander", "dolly_zoom", "orbit"])
def test_a_path_has_as_many_pictures_as_asked_for(name, count):
    assert len(camera_path(name, cameras(5), DEPTH, count=count)) == count


@pytest.mark.parametrize(
    ("name", "count", "depth", "more", "said"),
    [
        ("interpolate", 1, DEPTH, {}, "needs two cameras"),
        ("original", 3, DEPTH, {"count": 9}, "a picture for each camera"),
        ("wander", 3, 0.0, {}, "expected more than 0"),
        ("wander", 3, np.nan, {}, "expected more than 0"),
    ],
)
def test_what_is_refused(name, count, depth, more, said):
    with pytest.raises(CameraPathError, match=said):
        camera_path(name, cameras(count), depth, **more)
    unknown = cameras(3)
    unknown.world_from_camera[:] = np.nan
    with pytest.raises(CameraPathError, match="no camera has a pose"):
        camera_path("extend", unknown, DEPTH)
