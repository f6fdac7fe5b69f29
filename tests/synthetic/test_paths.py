"""Paths are rigid, smooth, closed where they go around, and of the promised speed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from da3_stream.errors import SyntheticError
from da3_stream.synthetic.paths import CameraPath, rounded
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
    way = plan_and_path(path, frames, 1, 0)[1]
    rotation = way.world_from_camera[:, :3, :3]
    assert way.world_from_camera.shape == (frames, 4, 4)
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (frames, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
    assert (way.world_from_camera[:, 3] == (0, 0, 0, 1)).all()
    assert (rotation[:, 2, 1] < 0.5).all()  # the image's down is not the world's up
    assert (np.diff(way.timestamps) > 0).all()
    assert way.timestamps[0] == 0


@pytest.mark.parametrize(("path", "frames", "laps"), [("block", 300, 1), ("block", 900, 3), ("eight", 600, 1)])
def test_a_drive_closes_and_keeps_its_speed(path: str, frames: int, laps: int) -> None:
    way = plan_and_path(path, frames, laps, 3)[1]
    assert np.linalg.norm(way.world_from_camera[-1, :3, 3] - way.world_from_camera[0, :3, 3]) < 0.9
    assert steps(way).min() > 0.3
    assert steps(way).max() < 0.9
    assert turns_deg(way).max() < 2.7
    assert np.abs(way.world_from_camera[:, 2, 3] - 1.65).max() < 0.1


def test_laps_pass_the_same_places() -> None:
    place = plan_and_path("block", 900, 3, 0)[1].world_from_camera[:, :3, 3]
    assert np.linalg.norm(place[:300] - place[300:600], axis=1).max() < 0.5


def test_more_frames_drive_around_more_blocks() -> None:
    for frames in (300, 700, 2000):
        plan, way = plan_and_path("block", frames, 1, 0)
        low, high = way.world_from_camera[:, :2, 3].min(axis=0), way.world_from_camera[:, :2, 3].max(axis=0)
        np.testing.assert_allclose(high - low, np.array(plan.blocks) * PITCH_M, atol=4.0)
    assert plan_for_drive(2000, 0.55).blocks > plan_for_drive(300, 0.55).blocks


def test_a_handheld_walk_closes_and_shakes() -> None:
    way = plan_and_path("handheld", 300, 1, 0)[1]
    assert np.linalg.norm(way.world_from_camera[-1, :3, 3] - way.world_from_camera[0, :3, 3]) < 0.1
    assert 0.1 < turns_deg(way).std() < 1.0


@pytest.mark.parametrize(("path", "tilt"), [("drone", 55.0), ("drone_down", 90.0)])
def test_a_drone_looks_down_and_flies_legs(path: str, tilt: float) -> None:
    way = plan_and_path(path, 300, 1, 0)[1]
    below = np.degrees(np.arcsin(-way.world_from_camera[:, 2, 2]))
    assert np.abs(below - tilt).max() < 3
    place = way.world_from_camera[:, :3, 3]
    assert np.ptp(place[:, 0]) > 20
    assert np.ptp(place[:, 1]) > 20
    assert place[:, 2].min() > 25


def test_poses_between_frames_lie_between_them() -> None:
    way = plan_and_path("block", 60, 1, 0)[1]
    np.testing.assert_array_equal(way.between(7), way.world_from_camera[7])
    middle, half = way.between(7.5), Rotation.from_matrix(way.world_from_camera[7:9, :3, :3])
    np.testing.assert_allclose(middle[:3, 3], way.world_from_camera[7:9, :3, 3].mean(axis=0))
    turned = half[0].inv() * Rotation.from_matrix(middle[:3, :3])
    np.testing.assert_allclose(2 * turned.magnitude(), (half[0].inv() * half[1]).magnitude(), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(20, 200), st.floats(20, 200), st.floats(1, 9.5))
def test_a_rounded_rectangle_has_its_length(wide: float, high: float, radius: float) -> None:
    route = rounded([(0, 0), (wide, 0), (wide, high), (0, high)], radius)
    length = np.linalg.norm(np.roll(route, -1, axis=0) - route, axis=1).sum()
    assert length == pytest.approx(2 * (wide + high) - 8 * radius + 2 * np.pi * radius, rel=1e-3)


@pytest.mark.parametrize("path", PATHS)
def test_too_many_laps_or_too_few_are_refused(path: str) -> None:
    with pytest.raises(SyntheticError, match=r"40 laps need at least \d+ frames, not 300"):
        plan_and_path(path, 300, 40, 0)
    with pytest.raises(SyntheticError, match=r"200000 frames need at least \d+ laps, not 1"):
        plan_and_path(path, 200000, 1, 0)


@pytest.mark.parametrize("path", PATHS)
def test_an_hour_takes_laps(path: str) -> None:
    way = plan_and_path(path, 36000, 50, 0)[1]
    assert steps(way).max() < 1.2
    assert turns_deg(way).max() < 3.0
