"""A pose that is held while a part of the picture always moves may be that of a camera that goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.trust import Judge, with_view_shares
from da3_stream.types import AdviceCode, Frame, LeftOut, Status, WindowGeometry


def held(count: int) -> WindowGeometry:
    blank = np.zeros((count, 6, 8), np.float32)
    poses, intrinsics = np.tile(np.eye(4), (count, 1, 1)), np.tile(np.diag([8.0, 8.0, 1.0]), (count, 1, 1))
    images = np.zeros((count, 6, 8, 3), np.uint8)
    window = WindowGeometry(np.arange(count) * 20, images, blank, blank, intrinsics, poses, False)
    return replace(window, status=Status.HELD)


def frames(count: int, share: float | None) -> list[Frame]:
    beside = tuple(LeftOut(20 * (count - 1) + k, 0.0, 0.0, "still") for k in range(1, 20))
    image = np.zeros((6, 8, 3), np.uint8)
    last = count - 1
    return [
        Frame(20 * k, 0.0, image, str(k), view_share=share, left_out=beside if k == last else ()) for k in range(count)
    ]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("share", [0.03, 0.2])
def test_held_poses_behind_a_view_that_always_moves_are_not_believed(
    count: int, share: float, package_judge: Judge
) -> None:
    judged = package_judge.judge(with_view_shares(held(count), frames(count, share)))
    assert (judged.pose_confidence < 0.5).all() and judged.status is Status.HELD
    (advice,) = judged.advice
    assert advice.code is AdviceCode.STANDING_DOUBTFUL and advice.distrusts_map
    assert advice.text.startswith(f"only {share:.0%} of the picture moves")
    assert (advice.first_frame, advice.last_frame) == (0, 20 * (count - 1) + 19)


@pytest.mark.parametrize("count", [1, 3])
def test_a_camera_that_stands_is_believed(count: int, package_judge: Judge) -> None:
    judged = package_judge.judge(with_view_shares(held(count), frames(count, None)))
    assert (judged.pose_confidence >= 0.5).all() and judged.advice == ()


def test_a_camera_that_goes_on_costs_a_small_view_nothing() -> None:
    window = replace(held(3), status=Status.OK)
    assert with_view_shares(window, frames(3, 0.1)) is window
