"""What was believed of the lens at a frame is what earlier windows taught, whatever later ones teach."""

from __future__ import annotations

import json

import pytest

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.calibration import PATIENCE, Calibration
from da3_stream.predictors.sfm.mapping.calibration_history import CalibrationHistory

FIRST = Calibration.from_guess(Lens(300.0, 300.0, 160.0, 120.0))


def taught(windows: int) -> CalibrationHistory:
    """A history after windows of ten frames that each changed something."""
    history, calibration = CalibrationHistory(), FIRST
    history.add(-1, calibration)
    for window in range(windows):
        calibration = calibration.update(None, calibration.free, (320, 240))
        history.add(10 * window + 9, calibration)
    return history


@pytest.mark.parametrize(("frame", "windows"), [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (1000, 3)])
def test_only_windows_that_ended_before_a_frame_tell_of_it(frame: int, windows: int) -> None:
    assert taught(3).before(frame).windows == windows


def test_later_windows_change_nothing_for_earlier_frames() -> None:
    assert all(taught(3).before(frame) == taught(5).before(frame) for frame in range(30))


def test_a_history_survives_a_file_and_can_be_cut() -> None:
    history, again = taught(4), CalibrationHistory()
    again.restore(json.loads(json.dumps(history.state())))
    assert again.latest == history.latest
    again.forget_from(19)
    assert again.latest == taught(1).latest


def test_windows_that_teach_nothing_add_nothing() -> None:
    history = taught(PATIENCE)
    assert history.latest is not None
    assert history.latest.is_frozen
    before = history.state()
    for window in range(100):
        history.add(1000 + window, history.latest)
    assert history.state() == before
