"""Orientations of the frames between the key frames of a turn, by what is tracked through them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.predictors.sfm.mapping.keyframe_cameras import Keyframes
from da3_stream.predictors.sfm.mapping.rotation_bundle import TurnSolution
from da3_stream.predictors.sfm.mapping.turned_between import turn_of_frames
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints
from tests.worlds.turning_points import LENS, SIZE, poses

Array = NDArray[np.float64]
MIDDLE = np.array([LENS.cx, LENS.cy])
FRAMES, ROWS = np.arange(16), np.arange(0, 16, 3)
YAW_DEG = 2.0 * np.sin(FRAMES / 3)


def tracked() -> list[TrackedPoints]:
    """Points far away through all frames of a camera that turns while its images breathe; those amid swing."""
    directions = np.random.default_rng(0).normal(size=(3000, 3)) + [0, 0, 2]
    mover = np.zeros(len(directions), bool)
    found = []
    for frame, pose in enumerate(poses(YAW_DEG)):
        local = directions @ pose[:3, :3]
        xy = local[:, :2] / local[:, 2:] * [LENS.fx, LENS.fy] + MIDDLE
        mover = mover if frame else (np.abs(xy - MIDDLE) < 0.2 * np.array(SIZE)).all(axis=1)
        xy = MIDDLE + (xy - MIDDLE) * (1 + 0.03 * np.sin(frame / 3.7))
        xy = np.where(mover[:, None], xy + [6 * np.sin(1.1 * frame), 4 * np.cos(0.7 * frame)], xy)
        inside = (local[:, 2] > 0) & (xy > 0).all(axis=1) & (xy < SIZE).all(axis=1)
        found.append(TrackedPoints(xy[inside].astype(np.float32), np.flatnonzero(inside)))
    return found


def truth() -> Array:
    turned = poses(YAW_DEG)[:, :3, :3]
    return np.asarray(turned[0].T @ turned)


def of_keyframes(run_from_camera: Array) -> TurnSolution:
    return TurnSolution(run_from_camera, LENS, None, 0.3, np.full(len(run_from_camera), 0.01))


def test_frames_between_are_turned_as_they_were_in_spite_of_scales_and_a_mover() -> None:
    solution = turn_of_frames(of_keyframes(truth()[ROWS]), Keyframes(ROWS, tracked()), LENS, SIZE)
    assert solution is not None and solution.residual_px == 0.3
    wrong = Rotation.from_matrix(truth().transpose(0, 2, 1) @ solution.run_from_camera).magnitude()
    assert np.degrees(wrong).max() < 0.03 and solution.error_deg.max() < 0.05
    np.testing.assert_array_equal(solution.run_from_camera[ROWS], truth()[ROWS])


def test_key_frames_that_the_tracks_contradict_tell_nothing() -> None:
    contradicted = truth()[ROWS]
    contradicted[3] = contradicted[3] @ Rotation.from_euler("y", 3, degrees=True).as_matrix()
    assert turn_of_frames(of_keyframes(contradicted), Keyframes(ROWS, tracked()), LENS, SIZE) is None


def test_a_frame_that_hardly_anything_is_tracked_to_tells_nothing() -> None:
    points = tracked()
    points[4] = replace(points[4], xy=points[4].xy[:20], track=points[4].track[:20])
    assert turn_of_frames(of_keyframes(truth()[ROWS]), Keyframes(ROWS, points), LENS, SIZE) is None
