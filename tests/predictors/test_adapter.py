"""A predictor that has only `predict` can be asked for everything else; one that has more is asked for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.types import Frame, WindowGeometry

FRAMES = [Frame(index, index / 10, np.zeros((2, 2, 3), np.uint8), str(index)) for index in (3, 4, 90, 91)]


class Plain:
    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        return WindowGeometry.failed(frames, "plain")


class Full(Plain):
    """Has everything, and writes down what it is asked to do."""

    name, hash, facts, timings, camera = "full", "abc", {"device": "cpu"}, {"solve": 1.5}, {"given": True}
    is_metric, gives_descriptors, image_side = True, True, 320
    window_size, window_overlap, in_flight, learns = 30, 5, 3, False

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        self.calls.append(("predict_pair", (len(first), len(second))))
        return WindowGeometry.failed([*first, *second], "a pair")

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.calls.append(("predict_keyframes", len(frames)))
        return WindowGeometry.failed(frames, "keyframes")

    def prepare(self, frames: Sequence[Frame]) -> None:
        self.calls.append(("prepare", len(frames)))

    def state(self) -> dict[str, int]:
        return {"calls": len(self.calls)}

    def restore(self, state: dict[str, int]) -> None:
        self.calls.append(("restore", state))

    def close(self) -> None:
        self.calls.append(("close", None))


def test_every_attribute_has_a_default() -> None:
    adapter = PredictorAdapter(Plain())
    assert (adapter.name, adapter.hash, adapter.image_side) == ("Plain", None, None)
    assert adapter.facts == adapter.timings == adapter.camera == {}
    assert not adapter.is_metric and not adapter.gives_descriptors and not adapter.learns
    assert (adapter.window_size, adapter.window_overlap, adapter.in_flight) == (60, 12, 1)
    adapter.prepare(FRAMES)
    assert adapter.state() is None
    adapter.close()


def test_a_pair_is_a_window_of_both_neighbourhoods_by_default() -> None:
    geometry = PredictorAdapter(Plain()).predict_pair(FRAMES[:2], FRAMES[2:])
    assert geometry.frame_indices.tolist() == [3, 4, 90, 91] and geometry.notes == ("plain",)


def test_keyframes_are_a_window_by_default() -> None:
    assert PredictorAdapter(Plain()).predict_keyframes(FRAMES).notes == ("plain",)


def test_what_a_predictor_has_is_taken() -> None:
    full = Full()
    adapter = PredictorAdapter(full)
    for name in vars(Full):
        if not callable(getattr(full, name)) and not name.startswith("__"):
            assert getattr(adapter, name) == getattr(full, name), name
    adapter.prepare(FRAMES)
    assert adapter.predict_pair(FRAMES[:1], FRAMES[1:]).notes == ("a pair",)
    assert adapter.predict_keyframes(FRAMES[:3]).notes == ("keyframes",)
    assert adapter.state() == {"calls": 3}
    adapter.restore({"calls": 3})
    adapter.close()
    asked = [("prepare", 4), ("predict_pair", (1, 3)), ("predict_keyframes", 3)]
    assert full.calls == [*asked, ("restore", {"calls": 3}), ("close", None)]


def test_attributes_may_change_while_a_run_goes_on() -> None:
    full = Full()
    adapter = PredictorAdapter(full)
    assert adapter.in_flight == 3
    full.in_flight = 0
    assert adapter.in_flight == 1


def test_what_has_a_state_learns_unless_it_says_otherwise() -> None:
    class Stateful(Plain):
        def state(self) -> int:
            return 0

    assert PredictorAdapter(Stateful()).learns
    full = Full()
    adapter = PredictorAdapter(full)
    assert not adapter.learns
    full.learns = True
    assert adapter.learns


def test_a_state_without_a_way_back_is_an_error() -> None:
    with pytest.raises(AttributeError, match="restore"):
        PredictorAdapter(Plain()).restore({})


class Deep(Plain):
    """Depth 2 and confidence 1 everywhere, at half the size of the images."""

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        n, (height, width) = len(frames), frames[0].image.shape[:2]
        shape = (n, height // 2, width // 2)
        ones = np.ones(shape, np.float32)
        return replace(
            WindowGeometry.failed(frames, ""), images=np.zeros((*shape, 3), np.uint8), depth=2 * ones, confidence=ones
        )


def test_what_is_masked_has_no_depth_whatever_the_predictor_says() -> None:
    mask = np.ones((8, 12), np.bool_)
    mask[5:] = False
    frames = [
        Frame(index, index / 10, np.zeros((8, 12, 3), np.uint8), "", mask=mask if index else None) for index in range(4)
    ]
    adapter = PredictorAdapter(Deep())
    for geometry in (adapter.predict(frames), adapter.predict_pair(frames[:2], frames[2:])):
        assert geometry.masks[0] is None and geometry.masks[1] is geometry.masks[3]
        assert (geometry.depth[0] == 2).all() and (geometry.depth[1:, :2] == 2).all()
        assert not geometry.depth[1:, 2:].any() and not geometry.confidence[1:, 2:].any()
    assert adapter.predict([frames[0]]).masks == ()


def test_a_predictor_that_obeys_masks_itself_is_left_alone() -> None:
    class Obedient(Deep):
        def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
            return replace(super().predict(frames), masks=tuple(np.ones((4, 6), np.bool_) for _ in frames))

    frames = [Frame(0, 0.0, np.zeros((8, 12, 3), np.uint8), "", mask=np.zeros((8, 12), np.bool_))]
    assert (PredictorAdapter(Obedient()).predict(frames).depth == 2).all()
