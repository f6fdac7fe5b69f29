from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.trust import Judge
from da3_stream.trust.judge import window_witnesses
from da3_stream.trust.logistic import LogisticModel
from da3_stream.types import Status, WindowGeometry

COUNT, HEIGHT, WIDTH = 40, 24, 32
K = np.array([[20.0, 0, 16], [0, 20.0, 12], [0, 0, 1]])
WALL = 8.0  # z of a wall that the camera drives along


def drive(*, step: float = 0.2) -> WindowGeometry:
    """A camera that drives along a wall, as it is."""
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, 0, 3] = step * np.arange(COUNT)
    return window(poses, np.full((COUNT, HEIGHT, WIDTH), WALL))


def window(poses: np.ndarray, depth: np.ndarray) -> WindowGeometry:
    return WindowGeometry(
        np.arange(COUNT),
        np.zeros((COUNT, HEIGHT, WIDTH, 3), np.uint8),
        depth.astype(np.float32),
        np.ones_like(depth, np.float32),
        np.tile(K, (COUNT, 1, 1)),
        poses,
        False,
    )


def moved(rows: slice, shift: np.ndarray) -> WindowGeometry:
    right = drive()
    poses = right.window_from_camera.copy()
    poses[rows, :3, 3] += shift
    return replace(right, window_from_camera=poses)


def one_long_step() -> WindowGeometry:
    return moved(slice(20, None), np.array([0, 0, 6.0]))  # thirty steps in one


def saw_tooth() -> WindowGeometry:
    return moved(slice(0, None, 2), np.array([0.5, 0, 0]))


def twist() -> WindowGeometry:
    right = drive()
    poses = right.window_from_camera.copy()
    poses[20:23, :3, :3] = Rotation.from_euler("y", 25, degrees=True).as_matrix()
    return replace(right, window_from_camera=poses)


def broken_scale() -> WindowGeometry:
    right = drive()
    poses, depth = right.window_from_camera.copy(), right.depth.copy()
    poses[20:, 0, 3] = poses[20, 0, 3] + 5 * (poses[20:, 0, 3] - poses[20, 0, 3])
    depth[20:] *= 5
    return replace(right, window_from_camera=poses, depth=depth)


@pytest.mark.parametrize("fault", [one_long_step, saw_tooth, twist, broken_scale])
def test_a_window_that_is_wrong_is_doubted_where_it_is(
    fault: Callable[[], WindowGeometry], package_judge: Judge
) -> None:
    good, bad = package_judge.judge(drive()), package_judge.judge(fault())
    assert (good.pose_confidence >= 0.5).all() and good.status is Status.OK and good.frame_status == ()
    assert (bad.pose_confidence[17:24] < good.pose_confidence[17:24]).all()
    assert (bad.pose_confidence[19:22] < 0.5).any() and Status.WEAK in bad.frame_status[19:22]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("step_jump", one_long_step),
        ("bend_deg", saw_tooth),
        ("turn_jump_deg", twist),
        ("scale_jump", broken_scale),
        ("depth_disagreement", one_long_step),
        ("depth_jump", broken_scale),
    ],
)
def test_each_witness_sees_its_fault(name: str, fault: Callable[[], WindowGeometry]) -> None:
    right, wrong = window_witnesses(drive())[name], window_witnesses(fault())[name]
    assert np.nanmax(wrong[15:25]) > 3 * np.nanmax(right) + 0.1


def test_where_a_camera_hardly_moves_beside_the_depth_it_has_no_direction() -> None:
    shaken = np.tile(np.eye(4), (COUNT, 1, 1))
    shaken[1::2, 0, 3] = 1.0

    def bend(depth: float) -> float:
        still = window(shaken, np.full((COUNT, HEIGHT, WIDTH), depth))
        return float(np.nanmax(window_witnesses(still)["bend_deg"]))

    assert bend(depth=50.0) > 170 and bend(depth=200.0) == 0


def test_a_camera_that_stops_and_starts_is_no_jump(package_judge: Judge) -> None:
    speed = np.concatenate([np.linspace(0.2, 0, 15), np.zeros(10), np.linspace(0, 0.2, COUNT - 26)])
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[1:, 0, 3] = np.cumsum(speed)
    judged = package_judge.judge(window(poses, np.full((COUNT, HEIGHT, WIDTH), WALL)))
    assert (judged.pose_confidence >= 0.5).mean() > 0.9


def test_rows_without_a_pose_or_depth_are_no_accident(package_judge: Judge) -> None:
    holes = drive()
    poses, depth = holes.window_from_camera.copy(), np.zeros_like(holes.depth)
    poses[3:6] = np.nan
    judged = package_judge.judge(replace(holes, window_from_camera=poses, depth=depth, breaks=(1, 38)))
    assert np.isfinite(judged.pose_confidence).all() and (judged.pose_confidence[3:6] == 0).all()
    assert all(values.shape == (COUNT,) for values in judged.witnesses.values())


def test_two_frames_are_judged_too(package_judge: Judge) -> None:
    judged = package_judge.judge(drive().rows(np.arange(2)))
    assert np.isfinite(judged.pose_confidence).all()


def test_a_failed_window_is_not_believed(package_judge: Judge) -> None:
    assert (package_judge.judge(replace(drive(), status=Status.FAILED)).pose_confidence == 0).all()


def test_what_stands_or_turns_keeps_its_status(package_judge: Judge) -> None:
    states = (*(Status.HELD,) * 5, *(Status.TURNED,) * 5, *(Status.OK,) * (COUNT - 10))
    judged = package_judge.judge(replace(one_long_step(), frame_status=states))
    assert judged.frame_status[:10] == states[:10] and (judged.pose_confidence[:10] >= 0.5).all()


def test_witnesses_of_the_predictor_decide_where_there_are_any(package_judge: Judge) -> None:
    says = {"track_scale": 2.0, "measured": 0.0, "track_support": 0.3, "turn_error_deg": 5.0}
    contradicted = replace(drive(), witnesses={name: np.full(COUNT, value) for name, value in says.items()})
    assert (package_judge.judge(contradicted).pose_confidence < 0.5).all()


def test_no_moving_pose_is_surer_than_its_lens_however_well_all_else_agrees(package_judge: Judge) -> None:
    sure = LogisticModel(4.0, {})
    judge = Judge({**package_judge.models, "moving": sure, "plain": sure})
    status = (*(Status.HELD,) * 5, *(Status.OK,) * (COUNT - 5))
    witnesses = {"lens_shift": np.where(np.arange(COUNT) < 10, 1.5, 0.1), "track_support": np.ones(COUNT)}
    confident = judge.confidence(witnesses, status, np.zeros(COUNT, np.int64))
    assert (confident[5:10] < 0.5).all()
    assert (confident[[*range(5), *range(10, COUNT)]] > 0.5).all()


def test_depth_without_confidence_or_end_tells_nothing() -> None:
    plain, sky = drive(), drive()
    depth, confidence = sky.depth.copy(), sky.confidence.copy()
    depth[:, :8], confidence[:, :8] = 500.0, 0.0
    depth[:, 8, :5] = np.inf
    values = window_witnesses(replace(sky, depth=depth, confidence=confidence))
    assert np.nanmax(values["depth_disagreement"]) < 0.01 and (values["depth_share"] < 0.7).all()
    assert (window_witnesses(plain)["depth_share"] == 1).all()
