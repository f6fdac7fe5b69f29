"""Windows of key frames over the last several windows, where they are asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.errors import DeviceLostError, RunError
from da3_stream.reconstruction import Reconstruction
from da3_stream.types import Frame, WindowGeometry
from tests.worlds.street import world_from_camera
from tests.worlds.street_predictor import NO_ROAD, WINDOWS, StandIn, pictures, street

KEYED = {"windows": {**WINDOWS, "key_every": 3}, "scale": NO_ROAD}
COUNT = 61


class Recording(StandIn):
    """Remembers which frames it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[int]] = []

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.asked.append([frame.index for frame in frames])
        return super().predict(frames)


def events(run: Path, kind: str) -> list[dict]:
    lines = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == kind]


@pytest.mark.slow
def test_none_unless_asked_for(tmp_path: Path) -> None:
    assert events(street(tmp_path / "run", COUNT), "key window") == []


@pytest.mark.slow
def test_they_tie_all_windows_together_and_leave_an_exact_map_exact(tmp_path: Path) -> None:
    predictor = Recording()
    settings = Settings.build(
        {"windows": {**WINDOWS, "key_every": 3}, "scale": NO_ROAD, "loops": {"descriptor": "off"}}
    )
    run = pipeline.run(pictures(COUNT), tmp_path / "run", settings, predictor)
    found = events(run, "key window")
    assert [event["window"] for event in found] == [2, 5]
    assert found[0]["frames"] == 12 and found[1]["aligned"] == [3, 4, 5]
    strided = [asked for asked in predictor.asked if max(np.diff(asked)) > 1]
    assert len(strided) == 2 and strided[0][0] == 0 and strided[0][-1] == 25
    graphs = events(run, "graph")
    assert len(graphs) == 2 and all(not event["rejected"] for event in graphs)
    truth = np.stack([world_from_camera(index) for index in range(COUNT)])
    np.testing.assert_allclose(Reconstruction(run).world_from_camera, truth, atol=1e-3)


@pytest.mark.slow
def test_one_that_fails_costs_nothing(tmp_path: Path) -> None:
    class Fails(Recording):
        def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
            if frames[1].index > frames[0].index + 1:
                raise ZeroDivisionError("no stride")
            return super().predict(frames)

    settings = Settings.build(KEYED)
    run = pipeline.run(pictures(COUNT), tmp_path / "run", settings, Fails())
    assert [event["failed"] for event in events(run, "key window")] == ["no stride", "no stride"]
    assert json.loads((run / "run.json").read_text())["state"] == "finished"


@pytest.mark.slow
def test_a_lost_device_ends_the_run_and_the_look_is_taken_again(tmp_path: Path) -> None:
    class Lost(Recording):
        def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
            if max(np.diff([frame.index for frame in frames])) > 1:
                raise DeviceLostError("the device has failed")
            return super().predict(frames)

    settings = Settings.build(
        {"windows": {**WINDOWS, "key_every": 3}, "scale": NO_ROAD, "loops": {"descriptor": "off"}}
    )
    with pytest.raises(RunError, match="the device has failed"):
        pipeline.run(pictures(COUNT), tmp_path / "run", settings, Lost())
    run = pipeline.run(pictures(COUNT), tmp_path / "run", settings, Recording())
    assert [event.get("failed") for event in events(run, "key window")] == [None, None]
