"""`da3-stream batch` as people call it, with the real `run` behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worlds.clips import write_clip


@pytest.mark.slow
def test_a_video_is_run_and_exported_and_a_broken_one_is_told(call: Callable, tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "good.mkv", 0, 5, size=(96, 72))
    (tmp_path / "in" / "broken.mkv").write_bytes(b"no video")
    words = ("batch", "in", "-o", "out", "--model", "sfm", "--set", "loops.descriptor=off", "--export", "tum")
    status, shown, err = call(*words, "--summary", "told.json", "--json-log", "log.jsonl")
    assert status == 1 and "1 of 2 videos are not finished, the first: broken" in err
    assert "finished" in shown and "failed" in shown
    broken, good = json.loads(Path("told.json").read_text())
    assert broken["state"] == "failed" and "is not a video file that can be read" in broken["error"]
    assert (good["state"], good["frames"], good["attempts"], good["error"]) == ("finished", 5, 1, None)
    assert Path(good["exports"][0]).stat().st_size > 0 and good["seconds"] > 0
    assert json.loads(Path("out/good/run.json").read_text())["settings"]["model"]["workers"] >= 1
    events = [json.loads(line)["event"] for line in Path("log.jsonl").read_text().splitlines()]
    assert events[0] == "start" and events[-2:] == ["result", "end"] and {"video", "progress"} <= set(events)
    assert {path.name for path in Path("out").iterdir()} == {"good", "summary.json", "summary.csv", ".lock"}
    Path("in/broken.mkv").unlink()
    status, _, err = call(*words)
    assert status == 0 and "1 of 1 videos are finished already" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list.csv",), "list.csv, row 2: there is no video, image or folder 'gone.mp4'"),
        (("gone.mp4",), "there is no video, image or folder 'gone.mp4'"),
        (("here.mp4", "--fps", "many"), "setting frames.fps: expected auto or a number"),
        (("here.mp4", "--summary", "no/where.json"), "--summary no/where.json cannot be written"),
        (("here.mp4", "--address", "auto"), "--address goes with --engine ray"),
    ],
)
def test_what_cannot_be_begun_is_one_sentence(call: Callable, words: tuple[str, ...], sentence: str) -> None:
    Path("list.csv").write_text("input\ngone.mp4\n")
    Path("here.mp4").touch()
    status, _, err = call("batch", "-o", "out", *words)
    assert status == 2 and err.startswith(f"error: {sentence}") and err.count("\n") == 1
    assert not Path("out").exists()
