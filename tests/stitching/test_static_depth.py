"""Depth lent to a camera that stands keeps the scale, and is lent to nobody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from da3_stream.stitching.static_depth import (
    COPIED_CONFIDENCE,
    propagate_depth_to_held_window,
    propagate_depth_to_static_frames,
)
from da3_stream.types import WindowGeometry
from tests.worlds.street import street_window


def standing_from(window: WindowGeometry, row: int) -> WindowGeometry:
    """The window whose camera stops at `row`, without depth after that."""
    poses, depth = window.window_from_camera.copy(), window.depth.copy()
    poses[row:], depth[row + 1 :] = poses[row], 0
    return replace(window, window_from_camera=poses, depth=depth)


def test_frames_that_stand_get_the_depth_of_the_frame_that_came_to_rest() -> None:
    window = standing_from(street_window(0, 12), 7)
    lent = propagate_depth_to_static_frames(window)
    for row in range(8, 12):
        np.testing.assert_array_equal(lent.depth[row], window.depth[7])
        np.testing.assert_allclose(lent.confidence[row], window.confidence[7] * COPIED_CONFIDENCE)
    np.testing.assert_array_equal(lent.depth[:8], window.depth[:8])


def test_frames_that_move_get_none() -> None:
    window = street_window(0, 12)
    blind = replace(window, depth=np.where(np.arange(12)[:, None, None] < 8, window.depth, 0).astype(np.float32))
    assert not propagate_depth_to_static_frames(blind).depth[8:].any()


def test_a_window_with_depth_everywhere_stays_the_same_object() -> None:
    window = street_window(0, 12)
    assert propagate_depth_to_static_frames(window) is window


def test_a_held_window_gets_the_depth_of_the_last_shared_frame_in_its_own_units() -> None:
    previous = standing_from(street_window(0, 12), 10)
    held = street_window(8, 20)
    held = replace(held, depth=np.zeros_like(held.depth), confidence=np.zeros_like(held.confidence))
    lent = propagate_depth_to_held_window(held, previous, previous_per_unit=4.0)
    np.testing.assert_allclose(lent.depth, np.tile(previous.depth[10] / 4, (12, 1, 1)), rtol=1e-6)


def test_a_window_with_depth_of_its_own_borrows_none() -> None:
    held = street_window(8, 20)
    assert propagate_depth_to_held_window(held, street_window(0, 12), 1.0) is held
