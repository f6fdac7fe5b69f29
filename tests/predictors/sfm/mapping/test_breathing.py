"""Turns of a camera whose images breathe, with something that moves before it; a camera that moves ahead is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.breathing import steady
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.scaled_rotations import distances_left, fit_scaled_rotations
from da3_stream.predictors.sfm.mapping.turning import Run, angle_of
from da3_stream.predictors.sfm.mapping.turning_lens import Turns, find_turns
from tests.worlds.turning_points import LENS, SIZE, SeenPoints, poses, seen_points

Array = NDArray[np.float64]
MIDDLE = np.array([LENS.cx, LENS.cy])
ROWS = np.arange(30)


def breathing(seen: SeenPoints, scales: Array) -> SeenPoints:
    """The same with the image of every row scaled about its middle."""
    xy = [((p - MIDDLE) * s + MIDDLE).astype(np.float32) for p, s in zip(seen.xy, scales, strict=True)]
    return replace(seen, xy=xy)


def with_mover(seen: SeenPoints) -> SeenPoints:
    """The same with points in a third of the picture that swing to and fro by themselves."""
    width, height = SIZE
    xy = []
    for row, points in enumerate(seen.xy):
        inside = (np.abs(points - MIDDLE) < np.array([0.28 * width, 0.29 * height])).all(axis=1)
        swing = np.array([6 * np.sin(1.1 * row), 4 * np.cos(0.7 * row)]) + 0.03 * (points - MIDDLE) * np.sin(row)
        xy.append(np.where(inside[:, None], points + swing, points).astype(np.float32))
    return replace(seen, xy=xy)


def turns_of(seen: SeenPoints, calibration: Calibration | None = None) -> Turns:
    calibration = Calibration.from_known(LENS) if calibration is None else calibration
    return find_turns(seen.xy, lambda lens: seen.views, seen.matches, calibration, SIZE)


def worst_turn_deg(turns: Turns, seen: SeenPoints) -> float:
    truth = seen.world_from_camera[:, :3, :3]
    found = turns.solutions[0].run_from_camera
    return float(np.degrees(Rotation.from_matrix((truth[0].T @ truth).transpose(0, 2, 1) @ found).magnitude().max()))


@pytest.mark.slow
@pytest.mark.parametrize("yaw_deg", [0.7 * ROWS, 2.0 * np.sin(ROWS / 4)], ids=["pan", "stand"])
@pytest.mark.parametrize("moved", [False, True], ids=["empty", "mover"])
def test_a_camera_that_turns_while_its_images_breathe_is_at_one_place(yaw_deg: Array, moved: bool) -> None:
    seen = breathing(seen_points(poses(yaw_deg)), 1 + 0.03 * np.sin(ROWS / 3.7))
    seen = with_mover(seen) if moved else seen
    turns = turns_of(seen)
    assert turns.runs == (Run(0, 29),) and worst_turn_deg(turns, seen) < 0.25


@pytest.mark.slow
def test_the_focal_length_is_found_beside_the_scales() -> None:
    rows = ROWS[:16]
    seen = breathing(seen_points(poses(1.5 * rows)), 1 + 0.03 * np.sin(rows / 3.7))
    turns = turns_of(seen, Calibration.from_guess(Lens(0.75 * LENS.fx, 0.75 * LENS.fy, LENS.cx, LENS.cy)))
    assert turns.runs == (Run(0, 15),) and abs(turns.lens.fx / LENS.fx - 1) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("guessed", [0.55, 1.8])
def test_a_stand_whose_pairs_turn_too_little_to_tell_the_focal_length_is_at_one_place(guessed: float) -> None:
    rows = ROWS[:16]
    shaken = 3.0 * np.sin(np.pi * rows / 2)  # rows of pairs that would tell it look the same way
    seen = with_mover(breathing(seen_points(poses(shaken)), 1 + 0.03 * np.sin(rows / 3.7)))
    turns = turns_of(seen, Calibration.from_guess(Lens(guessed * LENS.fx, guessed * LENS.fy, LENS.cx, LENS.cy)))
    assert turns.runs == (Run(0, 15),) and abs(turns.lens.fx / LENS.fx - 1) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("step_m", [0.01, 0.05, 0.2])
def test_a_drive_behind_something_that_moves_is_no_turn(step_m: float) -> None:
    ahead = np.column_stack([0 * ROWS, 0 * ROWS, step_m * np.arange(30)])
    assert turns_of(with_mover(seen_points(poses(0.5 * ROWS, ahead)))).runs == ()


@pytest.mark.slow
@pytest.mark.parametrize("step_m", [0.03, 0.1])
def test_a_camera_that_creeps_sideways_is_seen_to_move_in_far_pairs(step_m: float) -> None:
    aside = np.column_stack([step_m * np.arange(24), np.zeros(24), np.zeros(24)])
    assert turns_of(with_mover(seen_points(poses(np.zeros(24), aside)))).runs == ()


@pytest.mark.slow
def test_a_drive_towards_a_flat_wall_grows_by_more_than_a_lens_breathes() -> None:
    seen = breathing(seen_points(poses(0 * ROWS)), 1.005**ROWS)
    assert turns_of(seen).runs == ()


@pytest.mark.slow
def test_steady_keypoints_are_those_of_a_lens_that_does_not_breathe() -> None:
    still = seen_points(poses(1.0 * ROWS))
    scales = np.exp(0.03 * np.sin(ROWS / 3.7))
    steadied = steady(breathing(still, scales).xy, still.matches, LENS, SIZE)
    assert steadied is not None
    middle = np.exp(np.median(np.log(scales)))
    for points, undone in zip(still.xy, steadied.xy, strict=True):
        np.testing.assert_allclose(undone, (points - MIDDLE) * middle + MIDDLE, atol=0.3)


def test_a_rotation_and_a_scale_are_exact() -> None:
    xy = np.random.default_rng(0).uniform((0, 0), SIZE, (200, 2)).astype(np.float32)
    rotation = Rotation.from_rotvec([0.03, -0.08, 0.05]).as_matrix()
    turned = LENS.rays(xy) @ rotation.T
    second = np.column_stack([1.04 * turned[:, :2] / turned[:, 2:], np.ones(200)])
    rays = np.stack([LENS.rays(xy), LENS.rays(xy[::-1])])  # any order of them, and two at once
    targets = np.stack([second, second[::-1]])
    found, log_scales = fit_scaled_rotations(rays, targets, np.ones(200), np.array([0.01, 0.01]))
    left = distances_left(rays, targets, found, log_scales)
    assert max(angle_of(of_one @ rotation.T) for of_one in found) < 1e-4
    assert np.abs(log_scales - np.log(1.04)).max() < 1e-4 and left.max() < 1e-4
