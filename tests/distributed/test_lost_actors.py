"""What an actor takes with it when it ends is predicted again, and nothing is lost but what ends actors itself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.errors import EngineError
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.street_predictor import WINDOWS, StandIn, pictures, street

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


class Deadly(StandIn):
    """Ends its process with the window that begins at a frame: for so long as there are fewer notes than `times`."""

    def __init__(self, notes: Path, first: int, times: int) -> None:
        super().__init__()
        self.notes, self.first, self.times = notes, first, times

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        deaths = len(list(self.notes.glob("death*")))
        if frames[0].index == self.first and deaths < self.times:
            (self.notes / f"death{deaths}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(frames)


def drive(folder: Path, times: int) -> Path:
    settings = Settings.build({"windows": WINDOWS})
    return pipeline.run(pictures(45), folder / "run", settings, Deadly(folder, 16, times), engine=RayEngine(actors=2))


def test_a_window_whose_actor_ends_is_predicted_by_another(tmp_path: Path) -> None:
    there, here = drive(tmp_path, times=1), street(tmp_path / "here", 45)
    assert (tmp_path / "death0").exists()
    for name in ("trajectory.tum", "scene.json", "cloud.ply"):
        assert (there / name).read_bytes() == (here / name).read_bytes()


def test_a_window_that_ends_two_actors_has_failed_with_the_reason(tmp_path: Path) -> None:
    run = drive(tmp_path, times=9)
    assert len(list(tmp_path.glob("death*"))) == 2
    status = json.loads((run / "run.json").read_text())
    assert status["windows_by_status"] == {Status.FAILED: 1, Status.OK: status["windows"] - 1}
    assert "ended 2 times" in (run / "journal.jsonl").read_text()


def test_actors_without_room_are_refused_by_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="9 actors need a core each, the cluster has 4"):
        pipeline.run(pictures(13), tmp_path / "run", None, StandIn(), engine=RayEngine(actors=9))
