"""The strip of confidence over time."""

from __future__ import annotations

import numpy as np

from da3_stream.report.sections.confidence_strip import MOST_BARS, confidence_strip
from tests.worlds.pose_tables import table


def test_the_strip_of_a_long_run_shows_its_worst_rows() -> None:
    confidence = np.full(50_000, 0.9)
    confidence[12_345] = 0.01
    strip = confidence_strip(table(confidence.tolist()))
    assert strip.count("<rect") == MOST_BARS and len(strip) < 100_000
    assert strip.count('height="3.52"') == 1 and confidence_strip(table([])) == ""
