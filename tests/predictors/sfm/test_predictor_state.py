"""What a predictor keeps between windows: findings of frames, the lens, its processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.predictors.sfm.given_lens import GivenLens
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, WindowGeometry

pytestmark = pytest.mark.slow

AsFrames = Callable[[Sequence[NDArray[np.uint8]]], list[Frame]]
MakePredictor = Callable[..., SfmPredictor]


def test_it_begins_without_a_camera_and_a_state(predictor: SfmPredictor) -> None:
    assert predictor.camera == {}
    assert predictor.state() == []


@pytest.mark.slow
def test_neighbouring_windows_share_what_was_found_and_a_state_can_be_carried_to_another_predictor(
    predictor: SfmPredictor, make_predictor: MakePredictor, street: list[TownFrame], as_frames: AsFrames
) -> None:
    frames = as_frames([f.image for f in street[:9]])
    predictor.predict(frames[:6]).check(frames[:6])
    other = make_predictor(street[0].intrinsics)
    other.restore(predictor.state())
    first, second = (p.predict(frames[3:]).check(frames[3:]) for p in (predictor, other))
    np.testing.assert_array_equal(first.window_from_camera, second.window_from_camera)
    np.testing.assert_array_equal(first.depth, second.depth)
    assert predictor.state() == other.state()
    spent = other.timings["extract_keypoints"]
    other.predict(frames[3:])
    assert other.timings["extract_keypoints"] == spent > 0
    other.close()


def test_it_learns_until_its_lens_is_held(make_predictor: MakePredictor, street: list[TownFrame]) -> None:
    k = street[0].intrinsics
    assert not make_predictor(k, lens="pinhole").learns  # nothing is open
    predictor = make_predictor(k)
    assert predictor.learns  # the radial term is
    size = predictor.image_side, predictor.image_side
    start = GivenLens(k, size, radial=True).calibration(size)
    for calibration in (start, start.freeze()):
        predictor.restore([{"after": -1, **start.to_tree()}, {"after": 9, **calibration.to_tree()}])
        assert predictor.learns is not calibration.is_frozen


def test_a_loop_check_right_after_a_restore_forgets_nothing(
    make_predictor: MakePredictor,
    street: list[TownFrame],
    as_frames: AsFrames,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    k, pictures = street[0].intrinsics, [f.image for f in street[:9]]
    size = pictures[0].shape[1::-1]
    start = GivenLens(k, size, radial=True).calibration(size)
    learnt = [{"after": last, **start.to_tree(), "windows": last} for last in (-1, 5, 7)]
    predictor = make_predictor(k)
    monkeypatch.setattr(predictor, "_solve_pair", lambda frames, split_row: WindowGeometry.failed(frames, ""))
    predictor.restore(learnt)
    frames = as_frames(pictures)
    predictor.predict_pair(frames[:2], frames[2:4])
    assert predictor.state() == learnt
    predictor.prepare(frames[2:7])  # the run goes on here: the window to 7 is to be done again
    assert predictor.state() == learnt[:2]


def test_a_closed_predictor_may_be_closed_again(make_predictor: MakePredictor) -> None:
    predictor = make_predictor()
    predictor.close()
    predictor.close()
