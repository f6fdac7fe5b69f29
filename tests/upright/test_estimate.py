"""The direction that points up, of made-up cameras and scenes, and how far it can be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.upright import estimate_up
from tests.worlds.table_top import ball, degrees_between, drive, held, orbit, poses, table, turned

UP = np.array([0, 0, 1.0])
TURN = Rotation.from_euler("xyz", [70, -40, 200], degrees=True).as_matrix()


@pytest.mark.parametrize("turn", [np.eye(3), TURN], ids=["plain", "turned"])
def test_level_cameras_without_noise_tell_up_exactly(turn):
    for cameras in (drive(), orbit(), orbit(down_deg=60)):
        up = estimate_up(turned(turn, cameras))
        assert degrees_between(up.direction, turn @ UP) < 1e-3
        assert up.sign_probability > 0.9


def test_a_table_with_what_stands_on_it_and_more_mirrored_below_is_not_turned_over():
    points = np.concatenate([table(), ball(800), ball(4000, z=-0.6)])  # the mirror image has five times the points
    up = estimate_up(orbit(), points)
    assert degrees_between(up.direction, UP) < 0.5
    assert up.sign_probability > 0.999
    assert up.source == "cameras and plane"
    assert up.floor == pytest.approx(-0.3, abs=0.01)


def test_points_and_cameras_that_are_not_known_do_not_count():
    points = np.concatenate([table(), ball(800)])
    up = estimate_up(orbit(), points)
    unknown = estimate_up(
        np.concatenate([orbit(), np.full((2, 4, 4), np.nan)]), np.concatenate([points, np.full((5, 3), np.nan)])
    )
    assert np.array_equal(unknown.direction, up.direction)
    assert unknown.sigma_deg == up.sigma_deg


def test_without_cameras_the_points_above_the_plane_decide():
    up = estimate_up(np.zeros((0, 4, 4)), np.concatenate([table(), ball(800, z=0.1)]))
    assert degrees_between(up.direction, UP) < 0.5
    assert up.source == "plane"
    assert up.sign_probability > 0.7
    over = estimate_up(np.zeros((0, 4, 4)), np.concatenate([table(), ball(4000, z=-0.7)]))
    assert degrees_between(over.direction, -UP) < 0.5


def test_a_phone_held_upside_down_round_a_table_is_righted_by_the_table():
    cameras = orbit(roll_deg=180.0)
    assert degrees_between(estimate_up(cameras).direction, -UP) < 0.5  # cameras alone cannot know
    up = estimate_up(cameras, np.concatenate([table(), ball()]))
    assert degrees_between(up.direction, UP) < 0.5
    assert 0.6 < up.sign_probability < 0.99  # two witnesses disagree


def test_a_phone_in_portrait_mode_is_righted():
    up = estimate_up(orbit(roll_deg=90.0), np.concatenate([table(), ball()]))
    assert degrees_between(up.direction, UP) < 1.0
    assert up.sign_probability > 0.9


def test_a_drone_that_looks_straight_down_is_above_the_ground():
    rng = np.random.default_rng(0)
    lanes = np.repeat([0, 90, 180, 90, 0], [20, 5, 20, 5, 20])
    ahead = held(lanes)[:, :, 2]
    cameras = poses(held(lanes, -90.0), np.cumsum(ahead, axis=0) + [0, 0, 30])
    ground = np.column_stack([rng.uniform(-10, 40, (3000, 2)), rng.normal(scale=0.1, size=3000)])
    up = estimate_up(turned(TURN, cameras), ground @ TURN.T)
    assert degrees_between(up.direction, TURN @ UP) < 1.0
    assert up.sign_probability > 0.95


def test_a_wall_before_a_standing_camera_is_not_laid_flat():
    rng = np.random.default_rng(0)
    wall = np.column_stack([rng.uniform(-2, 2, 4000), np.full(4000, 3.0), rng.uniform(0, 3, 4000)])
    cameras = drive(step=0.001)
    up = estimate_up(cameras, wall)
    assert degrees_between(up.direction, UP) < 3 * up.sigma_deg
    assert degrees_between(up.direction, UP) < 5


def test_a_roll_while_filming_is_told_by_the_uncertainty():
    steady = estimate_up(drive())
    rolling = estimate_up(drive(roll_deg=np.linspace(0, 50, 60)))
    assert rolling.sigma_deg > 2 * steady.sigma_deg
    assert degrees_between(rolling.direction, UP) < 2 * rolling.sigma_deg


def test_some_pictures_held_askew_turn_nothing():
    roll = np.zeros(60)
    roll[20:27] = 60.0
    assert degrees_between(estimate_up(orbit(roll_deg=roll)).direction, UP) < 1.0


def test_a_camera_that_stands_tells_little_and_says_so():
    cameras = poses(held(np.zeros(40), 15.0), np.zeros((40, 3)))
    up = estimate_up(cameras)
    assert 10 < up.sigma_deg < 60
    assert degrees_between(up.direction, UP) < 2 * up.sigma_deg


def test_nothing_known_gives_the_first_camera_and_says_that_nothing_is():
    up = estimate_up(np.full((3, 4, 4), np.nan), np.zeros((0, 3)))
    np.testing.assert_array_equal(up.direction, [0, -1, 0])
    assert (up.source, up.sign_probability) == ("nothing", 0.5)
    assert up.sigma_deg > 45


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["orbit", "arc", "drive"])
def test_the_uncertainty_is_that_of_made_up_noise(scene):
    """Rolls as people hold cameras, floors as they are: (angle / sigma)² is about 1, or a few times less."""
    squares = [_error_and_sigma(scene, seed) for seed in range(12)]
    mean = float(np.mean([(error / sigma) ** 2 for error, sigma in squares]))
    assert 0.05 < mean < 2.0
    assert np.mean([error < 2 * sigma for error, sigma in squares]) > 0.9


def _error_and_sigma(scene, seed):
    rng = np.random.default_rng(seed)
    roll = rng.normal(scale=3.0) + rng.normal(scale=2.0, size=60)
    cameras = {
        "orbit": lambda: orbit(roll_deg=roll),
        "arc": lambda: orbit(arc_deg=70, roll_deg=roll),
        "drive": lambda: drive(roll_deg=roll),
    }[scene]()
    slope = Rotation.from_rotvec(np.radians(1.5) * np.append(rng.normal(size=2), 0)).as_matrix()
    points = (table(2000, 6.0, seed=seed) + rng.normal(scale=0.01, size=(2000, 3))) @ slope.T
    up = estimate_up(turned(TURN, cameras), points @ TURN.T)
    return degrees_between(up.direction, TURN @ UP), up.sigma_deg


def test_equal_scenes_give_equal_bytes():
    scene = (orbit(), np.concatenate([table(), ball()]))
    assert estimate_up(*scene).direction.tobytes() == estimate_up(*scene).direction.tobytes()
