"""A camera carried along a road: its height ties the windows' scales together, and gives metres where it is known."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Reconstruction, Settings, pipeline
from da3_stream.types import Frame, WindowGeometry
from tests.worlds.straight_road import EYE_M, straight_road
from tests.worlds.town_map import ExactPredictor

FRAMES = 44
DRIFT = 0.03  # by which every window is larger at its end than at its beginning


class Drifting(ExactPredictor):
    """Knows the truth of the road, but bends the scale within every window."""

    name, window_size, window_overlap, image_side = "drifting", 16, 4, 224

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        geometry = super().predict(frames)
        bend = np.exp(DRIFT * np.linspace(0, 1, len(frames)))
        poses = geometry.window_from_camera.copy()
        poses[1:, :3, 3] = np.cumsum(np.diff(poses[:, :3, 3], axis=0) * bend[1:, None], axis=0) + poses[0, :3, 3]
        depth = (geometry.depth * bend[:, None, None]).astype(np.float32)
        return replace(geometry, window_from_camera=poses, depth=depth)


@pytest.fixture(scope="module")
def road() -> Drifting:
    return Drifting(straight_road(FRAMES))


def driven(road: Drifting, out: Path, height: str | float) -> Path:
    settings = Settings.build({"loops": {"descriptor": "off"}, "scale": {"camera_height": height}})
    return pipeline.run([frame.image for frame in road.frames(range(FRAMES))], out, settings, road)


def last_step(run: Path) -> float:
    """Length of the last steps over that of the first ones, as it should be 1."""
    centres = Reconstruction(run).world_from_camera[:, :3, 3]
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    return float(steps[-8:].mean() / steps[:8].mean())


@pytest.mark.slow
def test_the_scale_of_a_chain_is_held(road: Drifting, tmp_path: Path) -> None:
    drift = abs(np.log(last_step(driven(road, tmp_path / "off", "off"))))
    for height in ("constant", "auto"):
        run = driven(road, tmp_path / height, height)
        assert abs(np.log(last_step(run))) < drift / 2
        events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
        told = [event for event in events if event["event"] == "camera height"]
        assert [event["used"] for event in told] == [True] and Reconstruction(run).units == "relative"


@pytest.mark.slow
def test_a_known_height_gives_metres(road: Drifting, tmp_path: Path) -> None:
    run = Reconstruction(driven(road, tmp_path / "run", EYE_M))
    true = np.linalg.norm(np.diff(road.town.path.world_from_camera[:, :3, 3], axis=0), axis=1).sum()
    found = np.linalg.norm(np.diff(run.world_from_camera[:, :3, 3], axis=0), axis=1).sum()
    assert run.units == "metres" and found == pytest.approx(true, rel=0.04)


@pytest.mark.slow
def test_a_height_that_nobody_sees_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tests.worlds.street_predictor import street

    with caplog.at_level(logging.WARNING, logger="da3_stream"):
        run = street(tmp_path / "run", 20, scale={"camera_height": 1.65}, loops={"descriptor": "off"})
    assert Reconstruction(run).units == "relative"
    assert "the camera's height over the ground could not be found" in caplog.text
