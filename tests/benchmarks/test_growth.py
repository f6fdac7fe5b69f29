"""The ten hours of benchmarks/scaling/growth.py in short: memory, solutions and disk do not grow with the laps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import stub
from benchmarks.scaling.stub import Drive, Lap, likeness, watched
from da3_stream import pipeline
from da3_stream.settings import Settings
from da3_stream.store import open_run
from tests.worlds import ring_street as ring
from tests.worlds.street_predictor import NO_ROAD

LAP = 90
FRAMES = 60 + 9 * 48  # ten windows without a rest, of which the memory would not compare: five laps and a half
EVERY, SETTLED = 2, 150  # windows between two looks at the memory; frames
A_FRAME = ring.SIZE[0] * ring.SIZE[1] * 11  # bytes of its picture, depth and confidence in memory
CHEAPER = {"loops": {"most_per_window": 1}, "cloud": {"fusion": "off"}, "scale": NO_ROAD}  # nothing less to keep


def ring_lap() -> Lap:
    images, depth = (np.stack(parts) for parts in zip(*map(ring.shown, range(LAP)), strict=True))
    poses = np.stack([ring.world_from_camera(frame) for frame in range(LAP)])
    return Lap(images, depth, poses, ring.intrinsics(), likeness(poses[:, [0, 2], 3]))


@pytest.mark.slow
def test_lap_after_lap_nothing_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "EVERY", EVERY)
    drive = Drive(ring_lap())
    with watched(drive):
        run = open_run(pipeline.run(drive.pictures(FRAMES), tmp_path / "run", Settings.build(CHEAPER), drive))

    later = [mark for mark in drive.marks if mark["frame"] >= SETTLED]
    growth = np.polyfit([mark["frame"] for mark in later], [mark["rss"] for mark in later], 1)[0]
    assert len(later) == 4
    assert growth < 0.3 * A_FRAME  # a run that kept its pixels would be above 1

    events = Counter(event["event"] for event in run.read_events())
    assert events["loop"] > 6
    assert events["graph"] <= events["window"]  # one solution a window at most

    pixels = FRAMES * ring.SIZE[0] * ring.SIZE[1]
    for files, most in {"windows/*.npz": 3.0, "cloud/*.laz": 0.3, "cloud/*.levels": 0.35}.items():
        assert 0 < sum(file.stat().st_size for file in run.path.glob(files)) < most * pixels
