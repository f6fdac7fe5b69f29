"""What a run is expected to take is not less than what runs were measured to take, and not far more."""

from __future__ import annotations

import pytest

from da3_stream.batch.forecast import MIB, forecast
from da3_stream.settings import Settings


@pytest.mark.parametrize(
    ("frames", "size", "measured_mib"),  # benchmarks/results/old_and_new.md, one worker, all processes
    [(160, (640, 193), 1140), (373, (540, 360), 1788), (300, (320, 240), 1037), (51, (640, 193), 669)],
)
def test_memory(frames: int, size: tuple[int, int], measured_mib: int) -> None:
    expected = forecast(frames, size, Settings(), None).memory(1) / MIB
    assert measured_mib < expected < 1.6 * measured_mib


def test_what_is_asked_for_is_counted() -> None:
    usual = forecast(None, (640, 360), Settings(), None)
    small = forecast(500, (640, 360), Settings.build({"windows": {"size": 30, "overlap": 5}}), None)
    assert small.memory(1) < usual.memory(1) < usual.memory(4)
    assert small.disk_bytes > usual.disk_bytes  # of a window, where nobody knows how many frames come
    assert usual.at_least(usual.memory(2) + 1000, 2).memory(2) == usual.memory(2) + 1000
