"""`--json-log`: events as one JSON object a line, for programs that watch a run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream import pipeline
from da3_stream.predictors import sfm
from da3_stream.report import info
from da3_stream.types import Advice, AdviceCode
from tests.worlds.street import street_run
from tests.worlds.street_predictor import StandIn

WINDOWS = ("--set", "windows.size=12", "--set", "windows.overlap=4")
PROGRESS = {"what", "done", "total", "per_second", "seconds_left"}
MAP = {"windows", "segments", "loops", "path_length", "units", "skipped"}


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_a_run_is_told_from_start_to_end(call: Callable, folder: str, stand_in: None) -> None:
    status, _, err = call("run", folder, "-o", "out", *WINDOWS, "--export", "tum", "--json-log", "log.jsonl")
    told = events(Path("log.jsonl").read_text())
    assert status == 0 and "28/28" in err
    assert [event["event"] for event in told if event["event"] != "advice"] == [
        *("start", "run", "begin", "progress", "progress", "progress", "result", "export", "end"),
    ]
    assert all(datetime.fromisoformat(event["time"]).utcoffset() is not None for event in told)
    first, *_, last = [event for event in told if event["event"] == "progress" and event["what"] == "reconstructing"]
    assert set(last) == {"time", "event", *PROGRESS, *MAP}
    assert (first["done"], last["done"], last["total"], last["windows"]) == (10, 28, 28, 3)
    assert last["seconds_left"] == 0 and first["seconds_left"] > 0 and last["per_second"] > 0
    facts = info(Path("out"))
    result = next(event for event in told if event["event"] == "result")
    assert {key: result[key] for key in ("frames", "placed", "trust")} == {
        key: facts[key] for key in ("frames", "placed", "trust")
    }
    assert last["path_length"] == pytest.approx(facts["path_length"], rel=0.02)
    assert (told[-1]["status"], told[-1]["message"]) == (0, None)


@pytest.mark.slow
def test_on_stderr_it_is_alone(call: Callable, folder: str, stand_in: None) -> None:
    status, out, err = call("run", folder, "-o", "out", "--json-log", "-")
    told = events(err)
    assert status == 0 and "28 of 28 frames placed" in out
    assert told[0]["event"] == "start" and told[-1] == {**told[-1], "event": "end", "status": 0}
    status, _, err = call("run", folder, "-o", "out", "--start", "0.1", "--json-log", "-")
    end = events(err)[-1]
    assert status == 2 and end["status"] == 2 and end["message"].startswith("out already holds a run of another input")


@pytest.mark.slow
def test_quiet_silences_people_and_not_the_log(call: Callable, folder: str, stand_in: None) -> None:
    assert call("run", folder, "-o", "out", "-q", "--json-log", "log.jsonl") == (0, "", "")
    assert events(Path("log.jsonl").read_text())[-1]["event"] == "end"


@pytest.mark.slow
def test_each_code_of_advice_is_told_once_when_it_appears(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoom = Advice(AdviceCode.LENS_CHANGED, "the focal length changed", 24, 27)
    found = Advice(AdviceCode.STATIC_MASK, "a bonnet was left out", 0, 27)

    def predictor(**_: object) -> StandIn:
        return StandIn(lambda first, geometry: replace(geometry, advice=(zoom, found) if first else (found,)))

    monkeypatch.setattr(sfm, "SfmPredictor", predictor)
    _, _, err = call("run", folder, "-o", "out", *WINDOWS, "--json-log", "log.jsonl")
    told = [event for event in events(Path("log.jsonl").read_text()) if event["event"] in ("advice", "progress")]
    codes = [event.get("code", "progress") for event in told]
    assert codes == ["input_times", "static_mask", "progress", "lens_changed", "progress", "progress"]
    lens = told[3]
    assert lens["distrusts_map"] is True and lens["text"] == "the focal length changed"
    assert lens["line"].endswith("not to be trusted: the focal length changed")
    assert err.count("a bonnet was left out") == 1 and err.count(lens["line"]) == 1


def test_an_interrupted_run_ends_with_its_status(
    call: Callable, folder: str, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "reconstruct", interrupted)
    status, _, err = call("run", folder, "-o", "out", "--json-log", "log.jsonl")
    end = events(Path("log.jsonl").read_text())[-1]
    assert status == 130 and end["status"] == 130 and end["message"] in err
    assert end["message"] == "interrupted; what was placed until then is in out"


def test_an_export_tells_frames_and_what_it_wrote(call: Callable, tmp_path: Path) -> None:
    street_run(tmp_path / "run")
    status, _, _ = call("export", "run", "--format", "depth", "--json-log", "log.jsonl", "-q")
    told = events(Path("log.jsonl").read_text())
    assert status == 0 and [event["event"] for event in told] == [
        "start",
        "begin",
        "progress",
        "progress",
        "export",
        "end",
    ]
    assert [(event["done"], event["total"]) for event in told if event["event"] == "progress"] == [(1, 28), (28, 28)]
    assert told[-2]["path"] == "run/export/depth" and told[-2]["format"] == "depth"
    call("export", "run", "--format", "depth", "--json-log", "log.jsonl", "-q")  # what is there is refused
    again = events(Path("log.jsonl").read_text())
    assert again[: len(told)] == told and again[-1]["status"] == 2 and "exists already" in again[-1]["message"]


def test_a_log_that_cannot_be_written_is_refused(call: Callable, folder: str) -> None:
    status, _, err = call("run", folder, "--json-log", "nowhere/log.jsonl")
    assert status == 2 and err == "error: --json-log nowhere/log.jsonl cannot be written: No such file or directory\n"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_of_the_log_harms_no_run(call: Callable, folder: str, stand_in: None) -> None:
    assert call("run", folder, "-o", "out", "-q", "--json-log", "/dev/full") == (0, "", "")


def test_numbers_that_json_has_not_are_null() -> None:
    from io import StringIO

    from da3_stream.cli.json_log import JsonLog

    file = StringIO()
    JsonLog(file).tell("progress", {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": -float("inf")}})
    told = json.loads(file.getvalue())
    assert (told["a"], told["b"], told["c"]) == (None, [None, 1.5], {"d": None})
    assert np.isfinite(told["b"][1])
