"""The predictor works ahead of whoever takes its answers, and is there for looks at two places in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

import numpy as np

from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.predictors.scheduler import AHEAD, SerializedPredictor, predictions
from da3_stream.types import Frame, WindowGeometry
from da3_stream.windows import Window, windows

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Slow:
    """Takes a moment; counts what it has begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.inside = threading.Lock()

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.begun += 1
        assert self.inside.acquire(blocking=False), "asked twice at once"
        time.sleep(0.005)
        self.inside.release()
        return WindowGeometry.failed(frames, "it only sleeps")


class Waiting:
    """Waits until the next window is there, and remembers whether it came."""

    def __init__(self) -> None:
        self.next_one = threading.Event()
        self.came: list[bool] = []

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.came.append(self.next_one.wait(20))
        return WindowGeometry.failed(frames, "it only waits")


def serialized(predictor: Slow | Waiting) -> SerializedPredictor:
    return SerializedPredictor(PredictorAdapter(predictor))


def frames(count: int) -> list[Frame]:
    return [Frame(index, index / 10, IMAGE, str(index)) for index in range(count)]


def test_a_look_waits_for_few_windows_whatever_the_predictor_has_to_do() -> None:
    slow, waited = Slow(), []
    asked = serialized(slow)
    with closing(predictions(windows(frames(122), 6, 2), asked)) as answers:
        for _ in answers:
            for _ in range(3):
                before = slow.begun
                asked.predict_pair(frames(1), frames(2))
                waited.append(slow.begun - before - 1)
    assert len(waited) == 3 * 30
    assert max(waited) <= 1 + AHEAD  # one being predicted, one that barged in: then it has no room for more


def test_it_works_ahead_while_an_answer_is_looked_at() -> None:
    slow = Slow()
    with closing(predictions(windows(frames(42), 6, 2), serialized(slow))) as answers:
        next(answers)
        deadline = time.monotonic() + 10
        while slow.begun < 2 + AHEAD and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05)
        assert slow.begun == 2 + AHEAD  # the one that was taken, one, and one more


def test_leaving_stops_windows_that_do_not_come() -> None:
    stopped = threading.Event()

    def standing() -> Iterator[Window[Frame]]:
        yield from islice(windows(frames(42), 6, 2), 1)
        assert stopped.wait(30), "nobody stops what the thread waits for"

    began = time.monotonic()
    with closing(predictions(standing(), serialized(Slow()), stop=stopped.set)) as answers:
        next(answers)
    assert stopped.is_set() and time.monotonic() - began < 25


def test_the_next_window_is_cut_while_the_predictor_is_busy() -> None:
    waiting = Waiting()

    def two() -> Iterator[Window[Frame]]:
        first, second = islice(windows(frames(42), 6, 2), 2)
        yield first
        waiting.next_one.set()
        yield second

    with closing(predictions(two(), serialized(waiting))) as answers:
        assert len(list(answers)) == 2
    assert waiting.came == [True, True]
