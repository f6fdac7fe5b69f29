"""What a window says of its own frames: which have a pose, a camera, depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.errors import PredictorError
from da3_stream.types import Frame, WindowGeometry


@pytest.fixture
def window() -> WindowGeometry:
    """Three frames of 2 x 2 pixels at depths 1 ... 12."""
    depth = np.arange(1, 13, dtype=np.float32).reshape(3, 2, 2)
    poses, k = np.tile(np.eye(4), (3, 1, 1)), np.tile(np.eye(3), (3, 1, 1))
    images = np.zeros((3, 2, 2, 3), np.uint8)
    return WindowGeometry(np.arange(3), images, depth, np.ones_like(depth), k, poses, False)


def test_a_frame_has_a_pose_where_all_of_it_is_finite(window: WindowGeometry) -> None:
    poses = window.window_from_camera.copy()
    poses[1, 0, 3] = np.nan
    assert replace(window, window_from_camera=poses).has_pose.tolist() == [True, False, True]


def test_a_camera_is_a_pose_and_intrinsics(window: WindowGeometry) -> None:
    poses, k = window.window_from_camera.copy(), window.intrinsics.copy()
    poses[0], k[2] = np.nan, np.nan
    assert replace(window, window_from_camera=poses, intrinsics=k).has_camera.tolist() == [False, True, False]


def test_depth_without_confidence_is_none(window: WindowGeometry) -> None:
    depth, confidence = window.depth.copy(), window.confidence.copy()
    depth[0] = 0
    confidence[1, 0] = 0
    confidence[2] = 0
    assert replace(window, depth=depth, confidence=confidence).has_depth.tolist() == [False, True, False]


def test_the_median_depth_is_of_pixels_that_have_depth(window: WindowGeometry) -> None:
    depth = window.depth.copy()
    depth[:2] = 0
    depth[2, 0, 0] = np.inf
    assert replace(window, depth=depth).median_depth() == 11.0
    assert replace(window, depth=np.zeros_like(depth)).median_depth() == 0.0


def test_a_witness_that_has_not_a_value_for_every_frame_is_refused(window: WindowGeometry) -> None:
    frames = [Frame(i, 0.0, np.zeros((2, 2, 3), np.uint8), "") for i in range(3)]
    with pytest.raises(PredictorError, match="witness step"):
        replace(window, witnesses={"step": np.zeros(2)}).check(frames)
    assert replace(window, witnesses={"step": np.zeros(3)}).check(frames).witnesses["step"].shape == (3,)
