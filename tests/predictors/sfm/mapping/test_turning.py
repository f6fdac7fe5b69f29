"""A camera that only turns is told from one that moves, and its turns are exact, with or without a known lens."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.turning import Run
from da3_stream.predictors.sfm.mapping.turning_lens import Turns, find_turns
from da3_stream.predictors.sfm.matching.pairs import TwoView
from tests.worlds.turning_points import LENS, SIZE, SeenPoints, poses, seen_points

Array = NDArray[np.float64]


def turns_of(seen: SeenPoints, calibration: Calibration | None = None) -> Turns:
    calibration = Calibration.from_known(LENS) if calibration is None else calibration
    return find_turns(seen.xy, lambda lens: seen.views, seen.matches, calibration, SIZE)


def errors_deg(run_from_camera: Array, seen: SeenPoints, run: Run) -> Array:
    truth = seen.world_from_camera[run.first : run.last + 1, :3, :3]
    return np.degrees(Rotation.from_matrix((truth[0].T @ truth).transpose(0, 2, 1) @ run_from_camera).magnitude())


def drive(rows: int, step_m: float) -> Array:
    """Centres [rows,3] of a camera that moves ahead."""
    return np.column_stack([np.zeros(rows), np.zeros(rows), step_m * np.arange(rows)])


@pytest.mark.slow
@pytest.mark.parametrize("step_deg", [0.2, 2.0, 6.0])
def test_a_camera_that_turns_about_its_lens_is_one_run_with_exact_turns(step_deg: float) -> None:
    rows = np.arange(30)
    seen = seen_points(poses(step_deg * rows + 3 * np.sin(rows / 5), pitch_deg=4 * np.sin(rows / 7)))
    turns = turns_of(seen)
    assert turns.runs == (Run(0, 29),)
    assert errors_deg(turns.solutions[0].run_from_camera, seen, turns.runs[0]).max() < 0.05


def test_a_turn_of_more_than_a_full_circle_closes() -> None:
    seen = seen_points(poses(8.0 * np.arange(50)))
    turns = turns_of(seen)
    assert turns.runs == (Run(0, 49),)
    assert errors_deg(turns.solutions[0].run_from_camera, seen, turns.runs[0]).max() < 0.1


def test_noise_without_direction_is_no_parallax() -> None:
    assert turns_of(seen_points(poses(1.5 * np.arange(24)), noise_px=0.6)).runs == (Run(0, 23),)


def test_centimetres_of_motion_among_things_metres_away_are_a_turn() -> None:
    yaw = 2.0 * np.arange(24)
    centres = 0.01 * np.column_stack([np.sin(np.radians(yaw)), 0 * yaw, np.cos(np.radians(yaw))])
    assert turns_of(seen_points(poses(yaw, centres))).runs == (Run(0, 23),)


@pytest.mark.slow
@pytest.mark.parametrize("step_m", [0.01, 0.03, 0.1, 0.5])
def test_a_drive_is_none_however_slow(step_m: float) -> None:
    assert turns_of(seen_points(poses(np.zeros(60), drive(60, step_m)))).runs == ()


@pytest.mark.slow
@pytest.mark.parametrize("step_m", [0.05, 0.2])
def test_a_drive_that_turns_on_the_way_is_none(step_m: float) -> None:
    assert turns_of(seen_points(poses(1.5 * np.arange(40), drive(40, step_m)))).runs == ()


def test_a_turn_after_a_drive_begins_where_the_drive_ends() -> None:
    yaw, centres = np.r_[np.zeros(20), 2.0 * np.arange(20)], drive(40, 0.2)
    centres[20:] = centres[20]
    assert turns_of(seen_points(poses(yaw, centres))).runs == (Run(20, 39),)


@pytest.mark.slow
def test_a_stop_without_a_turn_is_left_to_the_map() -> None:
    centres = drive(40, 0.2)
    centres[20:] = centres[20]
    assert turns_of(seen_points(poses(np.zeros(40), centres))).runs == ()


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_turns_tell_the_focal_length(factor: float) -> None:
    seen = seen_points(poses(2.0 * np.arange(30)))
    guess = Calibration.from_guess(Lens(factor * LENS.fx, factor * LENS.fy, LENS.cx, LENS.cy))
    turns = turns_of(seen, guess)
    assert turns.runs == (Run(0, 29),)
    assert abs(turns.lens.fx / LENS.fx - 1) < 0.01 and turns.calibration.focal_weight > 0
    assert errors_deg(turns.solutions[0].run_from_camera, seen, turns.runs[0]).max() < 0.5


@pytest.mark.slow
def test_turns_contradict_a_wrong_focal_length_that_was_given() -> None:
    seen = seen_points(poses(2.0 * np.arange(30)))
    wrong = Calibration.from_known(Lens(1.5 * LENS.fx, 1.5 * LENS.fy, LENS.cx, LENS.cy))
    turns = turns_of(seen, wrong)
    assert turns.runs == (Run(0, 29),) and turns.contradict_given and turns.calibration == wrong
    assert abs(turns.lens.fx / LENS.fx - 1) < 0.01
    assert not turns_of(seen).contradict_given


@pytest.mark.slow
def test_a_drive_leaves_the_calibration_as_it_is() -> None:
    guess = Calibration.from_guess(LENS)
    turns = turns_of(seen_points(poses(np.zeros(30), drive(30, 0.2))), guess)
    assert turns.runs == () and turns.calibration == guess


def test_pairs_that_mistake_one_place_for_another_do_not_hide_a_turn() -> None:
    seen = seen_points(poses(8.0 * np.arange(20)))
    for row in range(4):  # 128 degrees apart
        alike = np.arange(min(len(seen.xy[row]), len(seen.xy[row + 16])), dtype=np.uint32)
        seen.views[row, row + 16] = TwoView(np.stack([alike, alike], axis=1), np.eye(3), np.eye(3), False)
    assert turns_of(seen).runs == (Run(0, 19),)
