"""Windows side by side: none waits for ever, none takes another with it, and each sees what those before it taught."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.lens import Lens, LensEstimate
from da3_stream.predictors.sfm import SfmPredictor, cameras
from da3_stream.predictors.sfm import predictor as module
from da3_stream.predictors.sfm.mapping import solve as solving
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.quality import assess_window
from da3_stream.predictors.sfm.mapping.solve import Solution
from da3_stream.predictors.sfm.mapping.verified_pairs import TwoViews
from da3_stream.predictors.sfm.matching.correspondences import Correspondences
from da3_stream.predictors.sfm.processes.workers import Workers
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, Status

AsFrames = Callable[[Sequence[NDArray[np.uint8]]], list[Frame]]
MakePredictor = Callable[..., SfmPredictor]

COUNT = 8
SOON_S = 3.0
GROWTH = 1.01


def sleep_for_ever(*_: Any) -> None:
    time.sleep(1e6)


def kill_yourself(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Told:
    """In the place of the solver: every window lets the focal length grow by a hundredth, and finds no cameras."""

    asked: list[Calibration]
    may_go_on: threading.Event

    def __init__(self, workers: Workers, found: Correspondences, size: tuple[int, int]) -> None:
        self._found, self._size = found, size

    def keypoint_views(self, lens: Lens) -> TwoViews:
        return {}

    def solve(self, calibration: Calibration) -> Solution:
        self.asked.append(calibration)
        assert self.may_go_on.wait(300)
        lens = replace(calibration.lens, fx=calibration.lens.fx * GROWTH, fy=calibration.lens.fy * GROWTH)
        after = calibration.update(LensEstimate(lens, 1e-3, 1e-6), calibration.free, self._size)
        return Solution([], lens, assess_window([], len(self._found.xy)), after)

    def solve_pair(self, calibration: Calibration, split_row: int) -> Solution:
        return self.solve(calibration)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> type[Told]:
    Told.asked, Told.may_go_on = [], threading.Event()
    Told.may_go_on.set()
    monkeypatch.setattr(cameras, "Solver", Told)
    return Told


@pytest.fixture(scope="module")
def moving(street: list[TownFrame], as_frames: AsFrames) -> list[Frame]:
    return as_frames([frame.image for frame in street[:COUNT]])


@pytest.fixture(scope="module")
def standing(street: list[TownFrame]) -> list[Frame]:
    return [Frame(COUNT + i, 0.0, street[0].image, "") for i in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "name", "deed", "note"),
    [
        (module, "track_points", sleep_for_ever, f"took longer than {SOON_S:.0f} s"),
        (solving, "map_window", kill_yourself, "kill_yourself ended with exit code -9"),
    ],
)
def test_a_window_whose_work_hangs_or_kills_has_failed_and_the_next_one_has_not(
    make_predictor: MakePredictor,
    street: list[TownFrame],
    moving: list[Frame],
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    deed: Callable[..., None],
    note: str,
) -> None:
    predictor = make_predictor(street[0].intrinsics, timeout_s=SOON_S if deed is sleep_for_ever else None)
    with monkeypatch.context() as patched:
        patched.setattr(place, name, deed)
        failed = predictor.predict(moving[:-2]).check(moving[:-2])
    assert failed.status == Status.FAILED
    assert note in failed.notes[0]
    predictor._timeout_s = None  # the next one may take its time on a busy machine
    assert predictor.predict(moving).check(moving).status == Status.OK
    predictor.close()


@pytest.mark.slow
def test_a_window_in_which_the_camera_stands_waits_for_what_earlier_ones_teach_of_the_lens(
    make_predictor: MakePredictor, told: type[Told], moving: list[Frame], standing: list[Frame]
) -> None:
    predictor = make_predictor()
    predictor.prepare(moving)
    predictor.prepare(standing)
    told.may_go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        second = pool.submit(predictor.predict, standing)
        first = pool.submit(predictor.predict, moving)
        while not told.asked and not first.done():
            time.sleep(0.01)
        assert not second.done()
        told.may_go_on.set()
        held = second.result()
        first.result()
    assert held.status == Status.HELD
    assert held.intrinsics[0, 0, 0] == pytest.approx(GROWTH * told.asked[0].lens.fx)
    predictor.close()


@pytest.mark.slow
def test_a_hole_makes_no_loop_check_of_a_window(
    make_predictor: MakePredictor, told: type[Told], moving: list[Frame]
) -> None:
    frames = [replace(frame, index=frame.index + 500 * (frame.index > 4)) for frame in moving]
    predictor = make_predictor()
    predictor.prepare(frames)
    predictor.predict(frames)
    predictor.predict_pair(frames[:5], frames[5:])
    assert [calibration.is_frozen for calibration in told.asked] == [False, True]
    predictor.close()


@pytest.mark.slow
def test_looks_beside_the_windows_see_the_lens_of_their_time_and_teach_nothing(
    make_predictor: MakePredictor, told: type[Told], moving: list[Frame]
) -> None:
    predictor = make_predictor()
    for start in (100, 200, 300):
        predictor.predict([replace(frame, index=frame.index + start) for frame in moving])
    before = predictor.state()
    first, second = (
        [replace(frame, index=frame.index + start) for frame in frames]
        for start, frames in ((100, moving[:4]), (210, moving[4:]))
    )
    for look in (lambda: predictor.predict_pair(first, second), lambda: predictor.predict_keyframes([*first, *second])):
        look()
        assert predictor.state() == before
        assert told.asked[-1].lens == told.asked[2].lens  # after two of the three windows
        assert told.asked[-1].is_frozen
    predictor.close()
