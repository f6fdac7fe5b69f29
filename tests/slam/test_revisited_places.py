"""A drive that comes back: with loops the map closes, and the run tells of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Reconstruction, Settings, pipeline
from da3_stream.geometry import umeyama
from da3_stream.types import Frame, UInt8, WindowGeometry
from tests.worlds import ring_street as ring
from tests.worlds.street_predictor import NO_ROAD

FRAMES = 160  # 9 windows, nearly two laps
PLAIN = {"cloud": {"fusion": "off"}, "scale": NO_ROAD}  # what this file asks of a run does not depend on these


def driven(images: Sequence[UInt8], out: Path, descriptor: str) -> tuple[Path, float]:
    """A run, and its error in metres after alignment."""
    run = pipeline.run(images, out, Settings.build(PLAIN | {"loops": {"descriptor": descriptor}}), ring.RingPredictor())
    centres = Reconstruction(run).world_from_camera[:, :3, 3]
    true = np.stack([ring.world_from_camera(frame)[:3, 3] for frame in range(FRAMES)])
    apart = umeyama(true, centres).apply(centres) - true
    return run, float(np.sqrt(np.square(apart).sum(axis=1).mean()))


@pytest.mark.slow
def test_a_second_lap_closes_the_map(tmp_path: Path) -> None:
    images = ring.pictures(FRAMES)
    _, without = driven(images, tmp_path / "without", "off")
    run, error = driven(images, tmp_path / "with", "vlad")
    assert error < without / 10
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    loops = [event["frames"] for event in events if event["event"] == "loop"]
    assert len(loops) >= 5  # one for each window of the second lap
    places = [[ring.world_from_camera(frame)[:3, 3] for frame in frames] for frames in loops]
    assert all(np.linalg.norm(a - b) < ring.RADIUS / 4 for a, b in places)
    assert [event for event in events if event["event"] == "graph"][-1]["rejected"] == []


class Crossing(ring.RingPredictor):
    """Notices when it is asked twice at once, and cannot look at two places."""

    def __init__(self) -> None:
        self.inside, self.most, self.looked = 0, 0, 0

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        with self.entered():
            return super().predict(frames)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        with self.entered():
            self.looked += 1
            raise RuntimeError("two places are too much")

    @contextmanager
    def entered(self) -> Iterator[None]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            time.sleep(0.01)
            yield
        finally:
            self.inside -= 1


@pytest.mark.slow
def test_failing_looks_cost_loops_only_and_the_predictor_is_asked_one_by_one(tmp_path: Path) -> None:
    crossing = Crossing()
    run = pipeline.run(
        ring.pictures(120), tmp_path / "run", Settings.build(PLAIN | {"loops": {"descriptor": "vlad"}}), crossing
    )
    assert crossing.looked > 0 and crossing.most == 1
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    reasons = [json.loads(line).get("reason", "") for line in (run / "journal.jsonl").read_text().splitlines()]
    assert any("no geometry for both places" in reason for reason in reasons)
