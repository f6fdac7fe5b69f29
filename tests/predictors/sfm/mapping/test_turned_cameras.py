"""Turns before, after and between drives get their poses from the map at their ends, and join what they part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from da3_stream.predictors.sfm.mapping.assemble import WindowCameras
from da3_stream.predictors.sfm.mapping.rotation_bundle import TurnSolution
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel
from da3_stream.predictors.sfm.mapping.turned_cameras import (
    assemble_joined,
    insert_turns,
    mapped_rows,
    turn_joins,
    turned_cameras,
    turning_advice,
)
from da3_stream.predictors.sfm.mapping.turning import Run
from da3_stream.types import AdviceCode, Frame, Status
from tests.worlds.turning_points import LENS, poses

Array = NDArray[np.float64]
TURN = Run(10, 20)


def path(turn: float = 90.0) -> Array:
    """Ten steps ahead, ten on the spot by `turn` degrees, ten ahead again."""
    yaw = turn * np.clip((np.arange(31) - 10) / 10, 0, 1)
    ahead = poses(yaw)[:, :3, 2] * ((np.arange(31) < 10) | (np.arange(31) >= 20))[:, None]
    return poses(yaw, np.concatenate([np.zeros((1, 3)), np.cumsum(ahead[:-1], axis=0)]))


def turn_solution(truth: Array) -> TurnSolution:
    rotations = truth[TURN.first : TURN.last + 1, :3, :3]
    return TurnSolution(rotations[0].T @ rotations, LENS, None, 0.1, np.zeros(len(rotations)))


def model(truth: Array, rows: NDArray[np.int64], numbers: NDArray[np.int64], unit: float = 1.0) -> SparseModel:
    """Cameras of true rows, by their numbers among mapped ones, in the first one's frame; each sees one point."""
    local = np.linalg.inv(truth[rows[0]]) @ truth[rows]
    points = local[:, :3, 3] + 5 * local[:, :3, 2]
    local[:, :3, 3] /= unit
    return SparseModel(numbers, local, None, points / unit, [np.array([[0, k]]) for k in range(len(rows))])


def map_with_turns(models: list[SparseModel], rows: NDArray[np.int64], run: Run, truth: Array) -> WindowCameras:
    turns = [(run, turn_solution(truth))]
    return insert_turns(assemble_joined(models, (), turn_joins(turns, rows), len(rows)), rows, turns, len(truth))


def test_rows_inside_a_turn_are_not_mapped_but_its_ends_beside_a_drive_are() -> None:
    assert mapped_rows((Run(3, 9),), 12).tolist() == [0, 1, 2, 3, 9, 10, 11]
    assert mapped_rows((Run(0, 9),), 12).tolist() == [9, 10, 11]
    assert mapped_rows((Run(3, 11),), 12).tolist() == [0, 1, 2, 3]
    assert not len(mapped_rows((Run(0, 11),), 12))


def test_a_turn_between_drives_that_one_map_holds_lies_between_its_ends() -> None:
    truth = path(30.0)
    rows = mapped_rows((TURN,), 31)
    whole = model(truth, rows, np.arange(len(rows)))
    cameras = map_with_turns([whole], rows, TURN, truth)
    np.testing.assert_allclose(cameras.poses, truth, atol=1e-9)
    assert cameras.status is Status.OK and cameras.breaks == () and cameras.guessed_scale == ()
    assert [row for row in range(31) if cameras.frame_status[row] is Status.TURNED] == list(range(11, 20))
    assert not cameras.measured[11:20].any() and cameras.measured[rows].all()


def test_two_maps_are_joined_by_the_turn_between_them_and_the_guess_is_said() -> None:
    truth = path()
    rows = mapped_rows((TURN,), 31)
    before, after = model(truth, rows[:11], np.arange(11)), model(truth, rows[11:], np.arange(11, 22), unit=4.0)
    cameras = map_with_turns([before, after], rows, TURN, truth)
    np.testing.assert_allclose(cameras.poses, truth, atol=1e-9)
    assert cameras.breaks == () and cameras.guessed_scale == (20,)
    frames = [Frame(100 + k, 0.0, np.zeros((2, 2, 3), np.uint8), "") for k in range(31)]
    told = {advice.code: (advice.first_frame, advice.last_frame) for advice in turning_advice(frames, cameras)}
    assert told == {AdviceCode.JOIN_DOUBTFUL: (120, 130)}


def test_a_map_that_contradicts_the_turn_is_joined_anew() -> None:
    truth = path()
    rows = mapped_rows((TURN,), 31)
    bent = model(truth, rows, np.arange(22))
    bent.model_from_camera[11:, :3, 3] += (3.0, 0.0, 1.0)
    bent.points[11:] += (3.0, 0.0, 1.0)
    cameras = map_with_turns([bent], rows, TURN, truth)
    np.testing.assert_allclose(cameras.poses, truth, atol=1e-9)


def test_a_turn_at_either_end_hangs_on_the_drive() -> None:
    truth = path()
    for run, kept in ((Run(10, 20), slice(0, 21)), (Run(0, 10), slice(10, 31))):
        part = truth[kept]
        rows = mapped_rows((run,), 21)
        whole = model(part, rows, np.arange(len(rows)))
        turns = [(run, turn_solution(truth))]
        cameras = insert_turns(assemble_joined([whole], (), (), len(rows)), rows, turns, 21)
        there = np.linalg.inv(part[rows[0]]) @ part
        np.testing.assert_allclose(cameras.poses, there, atol=1e-9)


def test_a_window_of_turns_alone_is_in_one_place_without_depth() -> None:
    cameras = turned_cameras(turn_solution(path()))
    assert cameras.status is Status.TURNED and not cameras.measured.any() and not cameras.poses[:, :3, 3].any()
