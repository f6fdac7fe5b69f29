"""The camera's height over the ground comes from the window alone, in its own units, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.scale import HeightObservation, Refusal, camera_height
from da3_stream.scale.normalized_frames import NormalizedFrames
from da3_stream.synthetic import CameraPath, Town
from da3_stream.synthetic.town import plan_and_path
from da3_stream.types import Status, WindowGeometry
from tests.worlds.straight_road import height_of, straight_road, window_of
from tests.worlds.towns import make_town

FRAMES = 16


def seen(window: WindowGeometry) -> HeightObservation:
    found = camera_height(window)
    assert isinstance(found, HeightObservation), found
    return found


def refused(window: WindowGeometry) -> str:
    found = camera_height(window)
    assert isinstance(found, Refusal)
    return found.reason


def moved(town: Town, camera_from_camera: np.ndarray) -> Town:
    """The same drive with the camera mounted otherwise."""
    path = CameraPath(town.path.world_from_camera @ camera_from_camera, town.path.timestamps)
    return replace(town, path=path)


def turned(axis: str, degrees: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    return pose


@pytest.mark.slow
def test_the_height_is_true_on_a_street(road: Town, street: WindowGeometry) -> None:
    found = seen(street)
    error = found.log_height - np.log(height_of(road, range(FRAMES)))
    assert abs(error) < 0.015
    assert abs(error) < 4 * found.sigma
    assert found.found > 0.9
    assert found.spread < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_the_unit_of_length_is_the_windows(street: WindowGeometry, unit: float) -> None:
    poses = street.window_from_camera.copy()
    poses[:, :3, 3] /= unit
    in_unit = seen(replace(street, window_from_camera=poses, depth=street.depth / np.float32(unit)))
    assert in_unit.log_height + np.log(unit) == pytest.approx(seen(street).log_height, abs=0.005)


@pytest.mark.slow
def test_the_windows_own_frame_does_not_matter(street: WindowGeometry) -> None:
    motion = turned("x", 40.0) @ turned("z", 70.0)
    motion[:3, 3] = [30.0, -20.0, 5.0]
    elsewhere = seen(replace(street, window_from_camera=motion @ street.window_from_camera))
    assert elsewhere.log_height == pytest.approx(seen(street).log_height, abs=1e-4)


@pytest.mark.slow
def test_depth_is_not_needed(street: WindowGeometry) -> None:
    blind = seen(replace(street, depth=np.zeros_like(street.depth), confidence=np.zeros_like(street.depth)))
    assert blind.log_height == seen(street).log_height


@pytest.mark.slow
def test_a_camera_mounted_askew_is_understood(road: Town) -> None:
    askew = moved(road, turned("x", -8.0) @ turned("z", 3.0))
    found = seen(window_of(askew, range(FRAMES)))
    assert found.log_height == pytest.approx(np.log(height_of(road, range(FRAMES))), abs=0.02)
    assert np.degrees(np.median(found.rolls)) == pytest.approx(3.0, abs=0.7)


@pytest.mark.slow
def test_changing_light_does_not_matter(street: WindowGeometry) -> None:
    gain = np.linspace(0.4, 1.0, FRAMES)[:, None, None, None]
    dimmed = seen(replace(street, images=(street.images * gain).astype(np.uint8)))
    assert dimmed.log_height == pytest.approx(seen(street).log_height, abs=0.01)


@pytest.mark.slow
def test_traffic_ahead_does_not_matter() -> None:
    busy = make_town("block", frames=300, size=(256, 160), cars=12)
    for first in (0, 100):
        rows = range(first, first + 24)
        assert seen(window_of(busy, rows)).log_height == pytest.approx(np.log(height_of(busy, rows)), abs=0.02)


@pytest.mark.slow
def test_frames_without_a_pose_are_left_out(street: WindowGeometry) -> None:
    poses = street.window_from_camera.copy()
    poses[[3, 4, 11]] = np.nan
    spoilt = replace(street, window_from_camera=poses)
    found = seen(spoilt)
    assert len(NormalizedFrames.of(spoilt)) == FRAMES - 3
    assert len(found.rolls) <= FRAMES - 3
    assert found.log_height == pytest.approx(seen(street).log_height, abs=0.01)


@pytest.mark.slow
def test_the_sigma_tells_of_frames_that_disagree(street: WindowGeometry) -> None:
    stretched = street.window_from_camera.copy()
    growth = np.exp(np.linspace(0.0, 0.3, FRAMES))
    steps = np.diff(street.window_from_camera[:, :3, 3], axis=0) * growth[1:, None]
    stretched[1:, :3, 3] = np.cumsum(steps, axis=0)
    bent = seen(replace(street, window_from_camera=stretched))
    assert bent.sigma > 3 * seen(street).sigma


@pytest.mark.slow
def test_no_pose_at_all_is_refused(street: WindowGeometry) -> None:
    unknown = np.full_like(street.window_from_camera, np.nan)
    assert "0 frames have a pose" in refused(replace(street, window_from_camera=unknown))


def test_two_frames_are_refused(street: WindowGeometry) -> None:
    assert "2 frames have a pose" in refused(street.rows(np.array([0, 1])))


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_frames_are_refused(street: WindowGeometry, level: int) -> None:
    assert "looks alike" in refused(replace(street, images=np.full_like(street.images, level)))


def test_noise_is_refused(street: WindowGeometry) -> None:
    noise = np.random.default_rng(0).integers(0, 256, street.images.shape, dtype=np.uint8)
    assert "looks alike" in refused(replace(street, images=noise))


def test_a_standing_camera_is_refused(street: WindowGeometry) -> None:
    standing = np.repeat(street.window_from_camera[:1], FRAMES, axis=0)
    assert refused(replace(street, window_from_camera=standing)) == "the camera stands"


@pytest.mark.parametrize("status", [Status.HELD, Status.FAILED])
def test_geometry_that_is_none_is_refused(street: WindowGeometry, status: Status) -> None:
    assert status.value in refused(replace(street, status=status))


@pytest.mark.parametrize("path", ["drone", "drone_down", "handheld"])
def test_a_camera_that_does_not_look_along_its_way_is_refused(street: WindowGeometry, path: str) -> None:
    _, way = plan_and_path(path, 300, 1, 0)
    poses = way.world_from_camera[100 : 100 + FRAMES]
    assert "away from its way" in refused(replace(street, window_from_camera=poses))


@pytest.mark.slow
def test_a_window_is_heard_the_same_twice(street: WindowGeometry) -> None:
    first, second = seen(street), seen(street)
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in HeightObservation.__slots__)


@pytest.mark.slow
def test_a_shorter_step_between_frames_gives_the_same_height() -> None:
    slow = straight_road(FRAMES, step_m=0.25)
    found = seen(window_of(slow, range(FRAMES)))
    assert found.log_height == pytest.approx(np.log(height_of(slow, range(FRAMES))), abs=0.02)
