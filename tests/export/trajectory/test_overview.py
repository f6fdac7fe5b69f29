from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from da3_stream.export import write_overview
from da3_stream.export.trajectory.overview import map_limits, paint
from da3_stream.store import Scene, read_poses
from da3_stream.upright import estimate_up, upright_rotation
from tests.worlds.street import street_run

NO_POINTS = (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8))


def along(directions_deg, step=1.0):
    """Centres and rotations of a level drive that turns right by these headings, y down."""
    rotations = Rotation.from_euler("y", np.asarray(directions_deg)[:, None], degrees=True).as_matrix()
    centres = np.cumsum(rotations[:, :, 2] * step, axis=0)
    return centres, rotations


def top_view(centres, rotations):
    """The rotation to right, ahead and up that a map has."""
    poses = np.tile(np.eye(4), (len(centres), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = rotations, centres
    return upright_rotation(estimate_up(poses), poses)


def test_a_straight_drive_is_seen_along_the_cameras_y_axis():
    view = top_view(*along(np.zeros(50)))
    np.testing.assert_allclose(view, [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-5)


def test_a_turning_drive_is_seen_along_its_own_plane_even_with_a_pitched_camera():
    centres, rotations = along(np.linspace(0, 300, 100))
    pitch = Rotation.from_euler("x", -15, degrees=True).as_matrix()
    view = top_view(centres, rotations @ pitch)
    np.testing.assert_allclose(view, [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=2e-3)


@pytest.mark.parametrize("tilt_deg", [0, 40])
def test_a_lawn_mower_drone_is_seen_from_above_its_plane(tilt_deg):
    lanes = np.repeat([0, 90, 180, 90, 0, 90, 180], [30, 5, 30, 5, 30, 5, 30])
    centres, rotations = along(lanes)
    down = Rotation.from_euler("x", -90, degrees=True).as_matrix()  # camera z to world y
    turn = Rotation.from_euler("xz", [tilt_deg, 10], degrees=True).as_matrix()
    view = top_view(centres @ turn.T, turn @ rotations @ down)
    assert view[2] @ (turn @ [0, -1, 0]) == pytest.approx(1.0, abs=1e-6)
    assert np.linalg.det(view) == pytest.approx(1.0)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_few_poses_still_have_a_view(known):
    centres, rotations = along(np.zeros(3))
    centres[known:] = np.nan
    rotations[known:] = np.nan
    np.testing.assert_allclose(top_view(centres, rotations), [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-5)


def test_outliers_do_not_shrink_the_map():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-50, 50, (5000, 2)), rng.normal(size=(100, 2)) * 1e5])
    limits = map_limits(np.array([[0.0, 0.0], [np.nan, np.nan], [30.0, 60.0]]), points)
    assert limits.min() > -80 and limits.max() < 80 and limits[1, 1] > 60


def test_a_cell_has_the_mean_colour_of_its_points():
    points = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 1.0], [9.5, 0.5, 0.0], [99.0, 99.0, 0.0]])
    rgb = np.array([[10, 20, 30], [30, 40, 50], [200, 0, 0], [255, 255, 255]], np.uint8)
    image = paint(points, rgb, np.array([[0.0, 10.0], [0.0, 10.0]]))
    side = len(image)
    assert image[int(side * 0.05), int(side * 0.05)].tolist() == [20, 30, 40]
    assert image[int(side * 0.05), int(side * 0.95)].tolist() == [200, 0, 0]
    assert (image == 255).sum() == 0


@pytest.mark.slow
def test_equal_runs_have_equal_images_and_the_path_is_on_them(tmp_path):
    poses = read_poses(street_run(tmp_path / "run").path)
    rng = np.random.default_rng(0)
    xyz = rng.uniform([-4, 1, 0], [4, 1.5, 15], (50_000, 3)).astype(np.float32)
    rgb = np.full((50_000, 3), 100, np.uint8)
    for name in "ab":
        write_overview(poses, xyz, rgb, Scene(), tmp_path / f"{name}.png")
    digests = {hashlib.sha256((tmp_path / f"{name}.png").read_bytes()).hexdigest() for name in "ab"}
    assert len(digests) == 1
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    assert (abs(picture - [255, 176, 0]).sum(axis=-1) < 30).sum() > 200  # the path
    assert (abs(picture - [100, 100, 100]).sum(axis=-1) < 6).mean() > 0.1  # the ground
    assert (abs(picture - [61, 220, 132]).sum(axis=-1) < 30).any()  # the start


def test_a_run_without_poses_and_points_has_an_image(tmp_path):
    poses = read_poses(street_run(tmp_path / "run").path)
    nothing = replace(poses, world_from_camera=np.full((28, 4, 4), np.nan), segment=np.full(28, -1))
    write_overview(nothing, *NO_POINTS, Scene(), tmp_path / "o.png")
    assert Image.open(tmp_path / "o.png").size[0] > 300
    write_overview(poses, *NO_POINTS, Scene(), tmp_path / "o.png")


@pytest.mark.slow
def test_ten_hours_of_frames_need_no_more_memory_than_they_take():
    view = top_view(*along(np.linspace(0, 3000, 200_000)))
    np.testing.assert_allclose(view[2], [0, -1, 0], atol=1e-5)
