"""Images of a camera that turns: no depth is invented, and a drive beside the turn is mapped as if there were none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.synthetic.paths import CameraPath
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.towns import make_town, street

SIZE = (240, 180)
STEP_DEG = 3.0
PAN, DRIVE = 12, 12  # frames

Array = NDArray[np.float64]
AsFrames = Callable[[list[NDArray[np.uint8]]], list[Frame]]


@pytest.fixture(scope="module")
def truth() -> Array:
    """A pan to the right, and a drive on from where it ends."""
    drive = street(SIZE).path.world_from_camera[40 : 40 + DRIVE]
    pan = np.tile(drive[0], (PAN, 1, 1))
    yaw = STEP_DEG * np.arange(-PAN, 0)
    pan[:, :3, :3] = drive[0, :3, :3] @ Rotation.from_euler("y", yaw[:, None], degrees=True).as_matrix()
    return np.concatenate([pan, drive])


@pytest.fixture(scope="module")
def window(truth: Array, as_frames: AsFrames) -> Callable[[int], WindowGeometry]:
    """What the predictor says of the first so many frames."""
    path = CameraPath(truth, np.arange(len(truth)) / 10)
    town = make_town(path, frames=len(truth), size=SIZE)
    frames = as_frames([frame.image for frame in town])

    def predict(count: int) -> WindowGeometry:
        predictor = SfmPredictor(town.intrinsics, SIZE, workers=2)
        try:
            return predictor.predict(frames[:count])
        finally:
            predictor.close()

    return predict


def turn_errors_deg(window: WindowGeometry, truth: Array) -> Array:
    found = window.window_from_camera[:, :3, :3]
    true = truth[: len(found), :3, :3]
    return np.degrees(Rotation.from_matrix(found[0].T @ found @ (true[0].T @ true).transpose(0, 2, 1)).magnitude())


@pytest.mark.slow
def test_a_pan_is_turned_in_one_place_without_depth(window: Callable[[int], WindowGeometry], truth: Array) -> None:
    pan = window(PAN)
    assert pan.status is Status.TURNED and not pan.depth.any() and not pan.confidence.any()
    assert not pan.window_from_camera[:, :3, 3].any()
    assert turn_errors_deg(pan, truth).max() < 0.2


@pytest.mark.slow
def test_a_drive_after_a_pan_is_mapped_and_the_pan_hangs_on_it(
    window: Callable[[int], WindowGeometry], truth: Array
) -> None:
    both = window(PAN + DRIVE)
    turned = np.array([status is Status.TURNED for status in both.frame_status])
    assert both.status is not Status.FAILED and turned.tolist() == [True] * PAN + [False] * DRIVE
    assert not both.depth[turned].any() and both.depth[~turned].any(axis=(1, 2)).sum() >= DRIVE - 2
    assert turn_errors_deg(both, truth).max() < 0.5
    np.testing.assert_allclose(np.ptp(both.window_from_camera[:PAN, :3, 3], axis=0), 0, atol=1e-9)
