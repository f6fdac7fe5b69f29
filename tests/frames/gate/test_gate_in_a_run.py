"""A run with the gate: which frames are predicted, what poses the others get, and how they are reported."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream import Settings, pipeline
from da3_stream.frames.gate import optical_flow as flow
from da3_stream.reconstruction import Reconstruction
from da3_stream.session.job import gate_mode
from da3_stream.store import open_run, read_images
from da3_stream.types import Frame, WindowGeometry
from tests.worlds.street import SIZE, world_from_camera
from tests.worlds.street_predictor import NO_ROAD, WINDOWS, StandIn

pytestmark = pytest.mark.slow

DRIVE, STOP = 20, 60
SETTINGS = {"windows": WINDOWS, "scale": NO_ROAD, "frames": {"gate": "auto"}}


def wall(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0] + 400, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.2), None, 0, 255, cv2.NORM_MINMAX)


def drive(start: int, count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    image = wall(seed)
    return [image[:, 2 * x : 2 * x + SIZE[0]].copy() for x in range(start, start + count)]


def with_a_stop() -> list[NDArray[np.uint8]]:
    return [*drive(0, DRIVE), *drive(DRIVE - 1, 1) * STOP, *drive(DRIVE, DRIVE)]


class Seeing(StandIn):
    """A predictor that records the windows it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[Frame]] = []

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.asked.append(list(frames))
        return super().predict(frames)


def run(out: Path, pictures: list[NDArray[np.uint8]], **frames: object) -> tuple[Reconstruction, Seeing]:
    predictor = Seeing()
    settings = Settings.build({**SETTINGS, "frames": {**SETTINGS["frames"], **frames}})
    return Reconstruction(pipeline.run(pictures, out, settings, predictor)), predictor


def test_a_stop_is_not_predicted_and_every_frame_has_a_pose(tmp_path: Path) -> None:
    result, predictor = run(tmp_path / "run", with_a_stop())
    stop = set(range(DRIVE, DRIVE + STOP))
    seen = {frame.index for frames in predictor.asked for frame in frames}
    assert not seen & stop and np.flatnonzero(result.interpolated).tolist() == sorted(stop)
    assert np.isfinite(result.world_from_camera).all() and set(result.segments.tolist()) == {0}
    rest = ~result.interpolated
    truth = np.stack([world_from_camera(i) for i in range(len(rest))])
    np.testing.assert_allclose(result.world_from_camera[rest], truth[rest], atol=2e-5)
    assert len(np.loadtxt(tmp_path / "run" / "trajectory.tum")) == 2 * DRIVE + STOP


def test_windows_continue_across_a_gap(tmp_path: Path) -> None:
    _, predictor = run(tmp_path / "run", with_a_stop())
    for frames in predictor.asked:
        assert (np.diff([frame.ordinal for frame in frames]) == 1).all()
    across = [frames for frames in predictor.asked if frames[-1].index - frames[0].index > STOP]
    assert across and np.diff([frame.index for frame in across[0]]).max() > STOP


def test_run_json_and_the_journal_report_what_was_left_out(tmp_path: Path) -> None:
    result, _ = run(tmp_path / "run", with_a_stop())
    status = result.status
    assert status["frames"] == 2 * DRIVE + STOP and status["source_indices"] == list(range(2 * DRIVE + STOP))
    assert status["left_out"] == STOP and status["left_out_by_reason"] == {"still": STOP}
    assert status["interpolated"] == [[DRIVE, DRIVE + STOP - 1]] and status["dropped"] == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").open()]
    windows = [line for line in lines if line["event"] == "window"]
    assert sum(line["left_out"] for line in windows) == STOP


def test_a_cut_begins_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MIN_KEYPOINTS", 5)  # the images are tiny
    result, predictor = run(tmp_path / "run", [*drive(0, DRIVE), *drive(0, DRIVE, seed=7)])
    assert result.segments.tolist() == [0] * DRIVE + [1] * DRIVE
    for frames in predictor.asked:
        assert len({frame.index < DRIVE for frame in frames}) == 1


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(tmp_path / name, with_a_stop())
    for file in ("trajectory.tum", "cloud.ply", "scene.json", "windows/000001.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("level", [0, 90])
def test_equal_images_give_a_valid_run(tmp_path: Path, count: int, level: int) -> None:
    result, predictor = run(tmp_path / "run", [np.full((SIZE[1], SIZE[0], 3), level, np.uint8)] * count)
    assert len(result) == count and np.isfinite(result.world_from_camera).all()
    assert [len(frames) for frames in predictor.asked] == [min(count, 2)] and result.status["state"] == "finished"


@pytest.mark.parametrize(
    ("gate", "kind", "given", "mode"),
    [
        (None, "video", False, "auto"),
        (None, "camera", False, "auto"),
        (None, "video", True, "off"),
        (None, "arrays", False, "off"),
        ("auto", "arrays", True, "auto"),
        ("off", "video", False, "off"),
    ],
)
def test_the_gate_is_on_for_files_and_live_input_only(gate: str | None, kind: str, given: bool, mode: str) -> None:
    class Source:
        pass

    source = Source()
    source.kind = kind  # type: ignore[attr-defined]
    assert gate_mode(Settings.build({"frames": {"gate": gate}}), source, given) == mode  # type: ignore[arg-type]


class Device:
    """A camera that stands still after a drive."""

    def __init__(self, number: int) -> None:
        self.pictures = iter([*drive(0, DRIVE), *drive(DRIVE - 1, 1) * 100])

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        picture = next(self.pictures, None)
        return picture is not None, picture

    def release(self) -> None:
        pass


def test_a_camera_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    predictor = Seeing()
    tree = {**SETTINGS, "frames": {"gate": "auto", "max_frames": 40}, "loops": {"descriptor": "off"}}
    settings = Settings.build(tree)
    result = Reconstruction(pipeline.run("0", tmp_path / "run", settings, predictor))
    assert result.status["input"]["kind"] == "camera" and result.status["state"] == "finished"
    assert len(result) == 40 and result.status["has_times"] and np.isfinite(result.world_from_camera).all()
    assert sum(map(len, predictor.asked)) < 40 + 8
    window = open_run(tmp_path / "run")
    assert [image.shape for image in read_images(window, 0, [0])] == [(SIZE[1], SIZE[0], 3)]  # nobody can read it again


def ctrl_c_when_windows_are_waited_for() -> None:
    while not any(thread.name == "capture" for thread in threading.enumerate()):
        time.sleep(0.01)
    while not any(thread.name == "feed" for thread in threading.enumerate()):
        time.sleep(0.01)
    time.sleep(0.5)
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def test_ctrl_c_leaves_a_camera_that_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Standing(Device):
        def __init__(self, number: int) -> None:
            self.pictures = repeat(drive(0, 1)[0])

    monkeypatch.setattr(cv2, "VideoCapture", Standing)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs this beside others
    threading.Thread(target=ctrl_c_when_windows_are_waited_for, daemon=True).start()
    settings = Settings.build({**SETTINGS, "frames": {"gate": "auto"}})
    try:
        with pytest.raises(KeyboardInterrupt):
            pipeline.run("0", tmp_path / "run", settings, Seeing())
    finally:
        signal.signal(signal.SIGINT, before)
    assert open_run(tmp_path / "run").read_status()["state"] == "interrupted"
