"""The strip of confidence over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from da3_stream.report.confidence_strip import MOST_BARS, confidence_strip
from tests.worlds.pose_tables import table


def test_the_strip_of_a_long_run_shows_its_worst_rows() -> None:
    confidence = np.full(50_000, 0.9)
    confidence[12_345] = 0.01
    strip = confidence_strip(table(confidence.tolist()))
    assert strip.count("<rect") == MOST_BARS and len(strip) < 100_000
    assert strip.count('height="3.52"') == 1 and confidence_strip(table([])) == ""


def test_its_times_count_from_the_first_frame_of_the_input() -> None:
    poses, since = table([0.9] * 20), 1341845688.562012
    strip = confidence_strip(replace(poses, timestamp=poses.timestamp + since + 2.0), since)
    assert ">0:02<" in strip and ">0:12<" in strip
