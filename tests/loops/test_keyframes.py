"""The way is told in depths of the scene: of no unit, no frame rate, no standing camera."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from da3_stream.loops.keyframes import KEYFRAME_DISTANCE, Keyframe, Odometer, scene_depth
from da3_stream.types import Status, WindowGeometry
from tests.worlds.places import DEPTH_M, ring, stopped, windows_of

LENGTH_M = 200.0


def driven(windows: list[WindowGeometry]) -> tuple[Odometer, list[Keyframe]]:
    odometer, keys = Odometer(), []
    for window in windows:
        odometer, new = odometer.advance(window)
        for row, key in new:
            assert window.frame_indices[row] == key.frame
        keys += [key for _, key in new]
    return odometer, keys


@pytest.mark.parametrize("step_m", [0.1, 0.55, 2.5])
def test_the_way_is_that_of_the_camera_at_any_frame_rate(step_m: float) -> None:
    poses = ring(100 * LENGTH_M, step_m, 0.01)
    _, keys = driven(windows_of(poses))
    expected = LENGTH_M / DEPTH_M + LENGTH_M / (100 * LENGTH_M / (2 * np.pi))  # the way, and the turn of the ring
    assert keys[-1].distance - keys[0].distance == pytest.approx(expected, rel=0.05)
    steps = np.diff([key.distance for key in keys])
    assert (steps >= KEYFRAME_DISTANCE).all() and steps.max() < max(2 * KEYFRAME_DISTANCE, 1.2 * step_m / DEPTH_M)
    assert [key.ordinal for key in keys] == [key.frame for key in keys]


def test_standing_still_for_many_windows_is_no_way() -> None:
    straight = ring(100 * LENGTH_M, 0.55, 0.01)
    _, moving = driven(windows_of(straight))
    _, standing = driven(windows_of(stopped(straight, 200, 300)))
    assert standing[-1].distance == pytest.approx(moving[-1].distance, rel=0.02)
    assert len(standing) == pytest.approx(len(moving), abs=3)


def test_creeping_from_window_to_window_adds_up() -> None:
    _, keys = driven(windows_of(ring(100 * LENGTH_M, 0.004, 0.0004)))
    assert keys[-1].distance - keys[0].distance == pytest.approx(8.0 / DEPTH_M, rel=0.25)


def test_frames_in_which_the_camera_only_turns_are_no_key_frames() -> None:
    window = windows_of(ring(LENGTH_M, 0.55, 0.2))[0]
    half = len(window.frame_indices) // 2
    status = (Status.TURNED,) * half + (Status.OK,) * (len(window.frame_indices) - half)
    _, keys = Odometer().advance(replace(window, frame_status=status))
    assert keys and min(row for row, _ in keys) >= half


def test_held_turned_and_failed_windows_have_no_key_frames() -> None:
    window = windows_of(ring(LENGTH_M, 0.55, 0.2))[0]
    for status in (Status.HELD, Status.TURNED, Status.FAILED):
        odometer, keys = Odometer().advance(replace(window, status=status))
        assert keys == [] and odometer.last_frame == window.frame_indices[-1]


def test_frames_are_counted_once_though_windows_share_them() -> None:
    windows = windows_of(ring(LENGTH_M, 0.55, 0.5))
    odometer, keys = driven(windows)
    assert odometer.last_ordinal == windows[-1].frame_indices[-1]
    assert len({key.frame for key in keys}) == len(keys)


def test_the_state_goes_into_plain_values() -> None:
    odometer, _ = driven(windows_of(ring(LENGTH_M, 0.55, 0.2)))
    assert asdict(odometer)["keyframe"]["frame"] == odometer.keyframe.frame  # type: ignore[union-attr]


def test_a_window_without_depth_has_no_scale() -> None:
    window = windows_of(ring(LENGTH_M, 0.55, 0.2))[0]
    assert np.isnan(scene_depth(replace(window, depth=np.zeros_like(window.depth))))
