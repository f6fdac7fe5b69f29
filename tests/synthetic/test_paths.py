"""Paths are rigid, smooth, closed where they go around, and of the promised speed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from da3_stream.errors import SyntheticError
from da3_stream.synthetic.paths import CameraPath, round_corners
from da3_stream.synthetic.scenes.streets import PITCH_M, plan_for_drive
from da3_stream.synthetic.town import PATHS, plan_and_path


def steps(path: CameraPath) -> np.ndarray:
    return np.linalg.norm(np.diff(path.world_from_camera[:, :3, 3], axis=0), axis=1)


def turns_deg(path: CameraPath) -> np.ndarray:
    rotation = Rotation.from_matrix(path.world_from_camera[:, :3, :3])
    return np.degrees((rotation[:-1].inv() * rotation[1:]).magnitude())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("frames", [1, 2, 40, 300])
def test_poses_are_rigid_and_proper(path: str, frames: int) -> None:
    camera_path = plan_and_path(path, frames, 1, 0)[1]
    rotation = camera_path.world_from_camera[:, :3, :3]
    assert camera_path.world_from_camera.shape == (frames, 4, 4)
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (frames, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
    assert (camera_path.world_from_camera[:, 3] == (0, 0, 0, 1)).all()
    assert (rotation[:, 2, 1] < 0.5).all()  # the image's down is not the world's up
    assert (np.diff(camera_path.timestamps) > 0).all()
    assert camera_path.timestamps[0] == 0


@pytest.mark.parametrize(("path", "frames", "laps"), [("block", 300, 1), ("block", 900, 3), ("eight", 600, 1)])
def test_a_drive_closes_and_keeps_its_speed(path: str, frames: int, laps: int) -> None:
    camera_path = plan_and_path(path, frames, laps, 3)[1]
    assert np.linalg.norm(camera_path.world_from_camera[-1, :3, 3] - camera_path.world_from_camera[0, :3, 3]) < 0.9
    assert steps(camera_path).min() > 0.3
    assert steps(camera_path).max() < 0.9
    assert turns_deg(camera_path).max() < 2.7
    assert np.abs(camera_path.world_from_camera[:, 2, 3] - 1.65).max() < 0.1


def test_laps_pass_the_same_places() -> None:
    position = plan_and_path("block", 900, 3, 0)[1].world_from_camera[:, :3, 3]
    assert np.linalg.norm(position[:300] - position[300:600], axis=1).max() < 0.5


def test_more_frames_drive_around_more_blocks() -> None:
    for frames in (300, 700, 2000):
        plan, camera_path = plan_and_path("block", frames, 1, 0)
        low, high = (
            camera_path.world_from_camera[:, :2, 3].min(axis=0),
            camera_path.world_from_camera[:, :2, 3].max(axis=0),
        )
        np.testing.assert_allclose(high - low, np.array(plan.blocks) * PITCH_M, atol=4.0)
    assert plan_for_drive(2000, 0.55).blocks > plan_for_drive(300, 0.55).blocks


def test_a_handheld_walk_closes_and_shakes() -> None:
    camera_path = plan_and_path("handheld", 300, 1, 0)[1]
    assert np.linalg.norm(camera_path.world_from_camera[-1, :3, 3] - camera_path.world_from_camera[0, :3, 3]) < 0.1
    assert 0.1 < turns_deg(camera_path).std() < 1.0


@pytest.mark.parametrize(("path", "tilt"), [("drone", 55.0), ("drone_down", 90.0)])
def test_a_drone_looks_down_and_flies_legs(path: str, tilt: float) -> None:
    camera_path = plan_and_path(path, 300, 1, 0)[1]
    below = np.degrees(np.arcsin(-camera_path.world_from_camera[:, 2, 2]))
    assert np.abs(below - tilt).max() < 3
    position = camera_path.world_from_camera[:, :3, 3]
    assert np.ptp(position[:, 0]) > 20
    assert np.ptp(position[:, 1]) > 20
    assert position[:, 2].min() > 25


def test_poses_between_frames_lie_between_them() -> None:
    camera_path = plan_and_path("block", 60, 1, 0)[1]
    np.testing.assert_array_equal(camera_path.pose_at(7), camera_path.world_from_camera[7])
    halfway, half = camera_path.pose_at(7.5), Rotation.from_matrix(camera_path.world_from_camera[7:9, :3, :3])
    np.testing.assert_allclose(halfway[:3, 3], camera_path.world_from_camera[7:9, :3, 3].mean(axis=0))
    rotation = half[0].inv() * Rotation.from_matrix(halfway[:3, :3])
    np.testing.assert_allclose(2 * rotation.magnitude(), (half[0].inv() * half[1]).magnitude(), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(20, 200), st.floats(20, 200), st.floats(1, 9.5))
def test_a_rounded_rectangle_has_its_length(wide: float, high: float, radius: float) -> None:
    route = round_corners([(0, 0), (wide, 0), (wide, high), (0, high)], radius)
    length = np.linalg.norm(np.roll(route, -1, axis=0) - route, axis=1).sum()
    assert length == pytest.approx(2 * (wide + high) - 8 * radius + 2 * np.pi * radius, rel=1e-3)


@pytest.mark.parametrize("path", PATHS)
def test_too_many_laps_or_too_few_are_refused(path: str) -> None:
    with pytest.raises(SyntheticError, match=r"40 laps need at least \d+ frames, not 300"):
        plan_and_path(path, 300, 40, 0)
    with pytest.raises(SyntheticError, match=r"200000 frames need at least \d+ laps, not 1"):
        plan_and_path(path, 200000, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_an_hour_takes_laps(path: str) -> None:
    camera_path = plan_and_path(path, 36000, 50, 0)[1]
    assert steps(camera_path).max() < 1.2
    assert turns_deg(camera_path).max() < 3.0
