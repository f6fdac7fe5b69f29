"""Windows that share only frames in which the camera turns on the spot are aligned, but for a scale that none knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from da3_stream.stitching import align_windows
from da3_stream.types import Status, WindowGeometry
from tests.worlds.street import street_window
from tests.worlds.turning_points import poses


def turned(first: int, end: int) -> WindowGeometry:
    """A window of a camera that turns by two degrees a frame."""
    window, yaw = street_window(first, end), 2.0 * np.arange(end - first)
    none = np.zeros_like(window.depth)
    return replace(window, depth=none, confidence=none, window_from_camera=poses(yaw), status=Status.TURNED)


def test_windows_of_turns_are_aligned_by_their_turns_in_one_place() -> None:
    alignment = align_windows(turned(0, 12), turned(8, 20))
    assert alignment.status is Status.WEAK and not alignment.scale_known
    np.testing.assert_allclose(alignment.previous_from_current.matrix(), poses(np.array([16.0]))[0], atol=1e-6)
    assert alignment.information[6, 6] < 1e-3 * alignment.information[5, 5]


def test_a_drive_after_a_turn_is_aligned_at_the_place_of_the_turn_whatever_its_scale() -> None:
    place = np.array([0.3, 0.0, 2.0])
    drive, turn = street_window(8, 20), turned(0, 12)
    pose = drive.window_from_camera.copy()
    pose[:4] = poses(16.0 + 2.0 * np.arange(4), np.tile(place, (4, 1)))
    status = (Status.TURNED,) * 4 + (Status.OK,) * 8
    blind = np.where((np.arange(12) < 4)[:, None, None], 0, drive.depth).astype(np.float32)
    alignment = align_windows(turn, replace(drive, window_from_camera=pose, depth=blind, frame_status=status))
    assert alignment.status is Status.WEAK and not alignment.scale_known
    for scaled in (alignment, alignment.with_scale(3.0)):
        np.testing.assert_allclose(scaled.previous_from_current.apply(place[None])[0], 0, atol=1e-6)
    assert alignment.with_scale(3.0).previous_from_current.scale == 3.0


def test_shared_frames_with_depth_still_tell_the_scale() -> None:
    first, second = street_window(0, 12), street_window(8, 20, unit=2.0)
    status = (Status.OK,) * 9 + (Status.TURNED,) * 3
    alignment = align_windows(replace(first, frame_status=status), second)
    assert alignment.status is Status.OK and alignment.scale_known
    np.testing.assert_allclose(alignment.previous_from_current.scale, 2.0, rtol=1e-3)
