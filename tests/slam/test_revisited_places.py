"""A drive that comes back: with loops the map closes, and the run tells of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Reconstruction, Settings, pipeline
from da3_stream.geometry import umeyama
from da3_stream.types import Frame, WindowGeometry
from tests.worlds import ring_street as ring
from tests.worlds.town_map import ExactPredictor
from tests.worlds.towns import make_town

FRAMES, SIZE = 650, (96, 72)
DRIFT = 0.02  # by which the scale bends over a window: 2 % each, 50 % a lap


class Drifting(ExactPredictor):
    """Knows the truth of the town, but bends the scale within every window; not where it looks at two places."""

    name, window_size, window_overlap, image_side = "drifting", 24, 6, 96

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        geometry = super().predict(frames)
        bend = np.exp(DRIFT * np.arange(len(frames)) / (self.window_size - self.window_overlap))
        poses = geometry.window_from_camera.copy()
        steps = np.diff(poses[:, :3, 3], axis=0) * bend[1:, None]
        poses[1:, :3, 3] = poses[0, :3, 3] + np.cumsum(steps, axis=0)
        depth = (geometry.depth * bend[:, None, None]).astype(np.float32)
        return replace(geometry, window_from_camera=poses, depth=depth)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        return super().predict([*first, *second])


@pytest.fixture(scope="module")
def town() -> Drifting:
    return Drifting(make_town("block", frames=FRAMES, size=SIZE, laps=2))


def driven(town: Drifting, out: Path, descriptor: str) -> tuple[Path, float]:
    """A run, and its error in metres after alignment."""
    settings = Settings.build({"loops": {"descriptor": descriptor}, "scale": {"camera_height": "off"}})
    images = [frame.image for frame in town.frames(range(FRAMES))]
    run = pipeline.run(images, out, settings, town)
    centres = Reconstruction(run).world_from_camera[:, :3, 3]
    true = town.town.path.world_from_camera[:, :3, 3]
    apart = umeyama(true, centres).apply(centres) - true
    return run, float(np.sqrt(np.square(apart).sum(axis=1).mean()))


@pytest.mark.slow
def test_a_second_lap_closes_the_map(town: Drifting, tmp_path: Path) -> None:
    _, without = driven(town, tmp_path / "without", "off")
    run, error = driven(town, tmp_path / "with", "vlad")
    assert error < without / 10
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    loops = [event for event in events if event["event"] == "loop"]
    assert len(loops) >= 10
    places = town.town.path.world_from_camera[:, :3, 3]
    assert all(np.linalg.norm(places[a] - places[b]) < 10 for a, b in (event["frames"] for event in loops))
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
    settings = Settings.build({"loops": {"descriptor": "vlad"}, "scale": {"camera_height": "off"}})
    run = pipeline.run(ring.pictures(), tmp_path / "run", settings, crossing)
    assert crossing.looked > 0 and crossing.most == 1
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    reasons = [json.loads(line).get("reason", "") for line in (run / "journal.jsonl").read_text().splitlines()]
    assert any("no geometry for both places" in reason for reason in reasons)
