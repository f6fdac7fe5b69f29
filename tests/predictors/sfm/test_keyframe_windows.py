"""A window is mapped by its key frames where these leave no doubt, else by all of its frames, and each frame has its
pose and depth either way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry import umeyama
from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.predictors.sfm.mapping import quality
from da3_stream.predictors.sfm.mapping.keyframe_cameras import DENSER
from da3_stream.synthetic.town import TownFrame
from da3_stream.trust import load_judge
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.towns import street_frame

COUNT, FEW = 36, 24  # frames
AsFrames = Callable[[Sequence[NDArray[np.uint8]]], list[Frame]]
MakePredictor = Callable[..., SfmPredictor]
Predict = Callable[..., WindowGeometry]


@pytest.fixture(scope="module")
def drive() -> list[TownFrame]:
    return [street_frame(i, (240, 180)) for i in range(COUNT)]


@pytest.fixture(scope="module")
def predict(drive: list[TownFrame], as_frames: AsFrames, make_predictor: MakePredictor) -> Predict:
    frames = as_frames([frame.image for frame in drive])

    def predict(keyframes: str, count: int = COUNT) -> WindowGeometry:
        predictor = make_predictor(drive[0].intrinsics, keyframes=keyframes)
        found = predictor.predict(frames[:count]).check(frames[:count])
        predictor.close()
        return found

    return predict


@pytest.mark.slow
def test_key_frames_place_every_frame(predict: Predict, drive: list[TownFrame]) -> None:
    window = predict("auto")
    assert window.keyframes is not None and COUNT / 4 < window.keyframes.sum() < COUNT / 2
    truth = np.array([frame.world_from_camera[:3, 3] for frame in drive])
    centres = window.window_from_camera[:, :3, 3]
    path = float(np.linalg.norm(np.diff(truth, axis=0), axis=1).sum())
    error = np.linalg.norm(umeyama(truth, centres).apply(centres) - truth, axis=1)
    assert error.max() < 0.002 * path
    judged = load_judge().judge(window)
    assert judged.status is Status.OK
    assert judged.pose_confidence is not None and judged.pose_confidence.min() > 0.5
    assert window.has_depth.all()


@pytest.mark.slow
def test_where_key_frames_leave_doubts_all_frames_are_mapped(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    every = predict("all", FEW)
    assert every.keyframes is not None and every.keyframes.all()
    with monkeypatch.context() as patched:
        patched.setattr(quality, "FIRM_BRIDGE", 10**6)
        patched.setattr(quality, "DENSE_BRIDGE", 10**6)
        doubted = predict("auto", FEW)
    assert doubted.keyframes is not None and doubted.keyframes.all()
    assert np.array_equal(doubted.window_from_camera, every.window_from_camera)
    assert np.array_equal(doubted.depth, every.depth)


@pytest.mark.slow
def test_where_few_points_bridge_a_gap_the_frames_around_become_key_frames(
    predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [np.array([20, 23]), np.array([], np.int64)]
    monkeypatch.setattr(quality.ModelQuality, "thin_gaps", lambda *_: answers.pop(0))
    window = predict("auto")
    assert not answers and window.keyframes is not None
    assert window.keyframes[20 - DENSER : 23 + DENSER + 1].all() and window.keyframes.sum() < 0.75 * COUNT
