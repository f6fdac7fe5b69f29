"""Key points and matches are looked for once, forgotten in time, and lost only by windows that hold their frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.keypoints import MAX_KEYPOINTS, Keypoints
from da3_stream.predictors.sfm.matching.feature_cache import CHUNK, FeatureCache
from da3_stream.predictors.sfm.matching.pairs import match_chunk, sequential_pairs
from da3_stream.predictors.sfm.processes.process import WorkerDiedError
from da3_stream.predictors.sfm.processes.workers import Workers

NONE = Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))


class AtOnce(Workers):
    """Does all work in this process, and counts it: a frame is a picture of one pixel that holds its number."""

    def __init__(self, deadly: int | None = None) -> None:
        super().__init__(1)
        self.frames: list[int] = []
        self.pairs: list[tuple[int, int]] = []
        self._deadly = deadly

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._match(*args) if work is match_chunk else self._extract(*args))
        except WorkerDiedError as error:
            future.set_exception(error)
        return future

    def _match(self, keypoints: Any, pairs: Sequence[tuple[int, int]]) -> Any:
        self.pairs += pairs
        return {pair: np.array([pair], np.uint32) for pair in pairs}

    def _extract(self, grays: Sequence[NDArray[np.uint8]], masks: Sequence[NDArray[np.bool_] | None], most: int) -> Any:
        assert most == MAX_KEYPOINTS
        assert [mask is None for mask in masks] == [gray[0, 0] % 2 == 0 for gray in grays]
        numbers = [int(gray[0, 0]) for gray in grays]
        self.frames += numbers
        if self._deadly in numbers:
            raise WorkerDiedError("dead")
        return [Keypoints(np.full((1, 2), number, np.float32), NONE.descriptors[:0]) for number in numbers]


def image(number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """An image of one pixel; every second one has a mask."""
    return np.full((1, 1), number, np.uint8), np.ones((1, 1), np.bool_) if number % 2 else None


def ask(cache: FeatureCache, indices: Sequence[int]) -> tuple[list[Keypoints], dict[tuple[int, int], Any]]:
    rows = list(sequential_pairs(len(indices)))
    return cache.get(indices, [image(index) for index in indices], rows)


def test_each_frame_and_pair_is_looked_at_once() -> None:
    workers = AtOnce()
    cache = FeatureCache(workers, 2)
    for start in range(0, 40, 8):
        keypoints, matches = ask(cache, range(start, start + 12))
        assert [int(found.xy[0, 0]) for found in keypoints] == list(range(start, start + 12))
        assert all(found.tolist() == [[start + a, start + b]] for (a, b), found in matches.items())
    assert sorted(workers.frames) == list(range(44))
    assert len(set(workers.pairs)) == len(workers.pairs)


def test_what_no_recent_window_holds_is_forgotten() -> None:
    cache = FeatureCache(AtOnce(), 2)
    for start in range(0, 200, 8):
        ask(cache, range(start, start + 12))
    assert sorted(cache._keypoints) == list(range(184, 204))
    assert min(min(pair) for pair in cache._matches) == 184


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_frame_that_kills_costs_the_windows_that_hold_it_in_whichever_order(order: tuple[int, int]) -> None:
    windows = [range(CHUNK), range(4, CHUNK + 4)]  # one piece of work holds frames of both
    cache = FeatureCache(AtOnce(deadly=2 if order == (0, 1) else CHUNK + 3), 3)
    with pytest.raises(WorkerDiedError):
        ask(cache, windows[order[0]])
    assert len(ask(cache, windows[order[1]])[0]) == CHUNK
