"""The ten hours of benchmarks/scaling/growth.py in short: memory, solutions and disk do not grow with the laps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import stub
from benchmarks.scaling.stub import SIZE, Drive, Lap, watched
from da3_stream import pipeline
from da3_stream.settings import Settings
from da3_stream.store import open_run

FRAMES, LAP = 1520, 160
EVERY, SETTLED = 10, 500  # windows between two looks at the memory (at the last window, too); frames
A_FRAME = SIZE[0] * SIZE[1] * 11  # bytes of its picture, depth and confidence in memory
CHEAPER = {"loops": {"most_per_window": 1}, "cloud": {"fusion": "off"}}  # less to compute, nothing less to keep


@pytest.mark.slow
def test_lap_after_lap_nothing_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "EVERY", EVERY)
    drive = Drive(Lap.rendered(LAP))
    with watched(drive):
        run = open_run(pipeline.run(drive.pictures(FRAMES), tmp_path / "run", Settings.build(CHEAPER), drive))

    later = [mark for mark in drive.marks if mark["frame"] >= SETTLED]
    growth = np.polyfit([mark["frame"] for mark in later], [mark["rss"] for mark in later], 1)[0]
    assert len(later) > 2
    assert growth < 0.3 * A_FRAME  # a run that kept its pixels would be above 1

    events = Counter(event["event"] for event in run.read_events())
    assert events["loop"] > 15
    assert events["graph"] <= events["window"]  # one solution a window at most

    pixels = FRAMES * SIZE[0] * SIZE[1]
    for files, most in {"windows/*.npz": 3.0, "cloud/*.laz": 0.3, "cloud/*.levels": 0.35}.items():
        assert 0 < sum(file.stat().st_size for file in run.path.glob(files)) < most * pixels
