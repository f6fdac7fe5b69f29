"""`da3-stream batch` as people call it, with the real `run` behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.worlds.clips import write_clip


def batch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "da3_stream", "batch", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_video_is_run_and_exported_and_a_broken_one_is_told(tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "good.mkv", 0, 5, size=(96, 72))
    (tmp_path / "in" / "broken.mkv").write_bytes(b"no video")
    words = ("in", "-o", "out", "--model", "sfm", "--set", "loops.descriptor=off", "--export", "tum")
    first = batch(tmp_path, *words, "--summary", "told.json", "--json-log", "log.jsonl")
    assert first.returncode == 1 and "1 of 2 videos are not finished, the first: broken" in first.stderr
    broken, good = json.loads((tmp_path / "told.json").read_text())
    assert broken["state"] == "failed" and "is not a video file that can be read" in broken["error"]
    assert (good["state"], good["frames"], good["attempts"], good["error"]) == ("finished", 5, 1, None)
    assert (tmp_path / good["exports"][0]).stat().st_size > 0 and good["seconds"] > 0
    assert json.loads((tmp_path / "out" / "good" / "run.json").read_text())["settings"]["model"]["workers"] >= 1
    events = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert events[0] == "start" and events[-2:] == ["result", "end"] and {"video", "progress"} <= set(events)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"good", "summary.json", "summary.csv", ".lock"}
    (tmp_path / "in" / "broken.mkv").unlink()
    second = batch(tmp_path, *words)
    assert second.returncode == 0 and "1 of 1 videos are finished already" in second.stderr


def test_what_cannot_be_begun_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("input\ngone.mp4\n")
    ended = batch(tmp_path, "list.csv", "-o", "out")
    assert ended.returncode == 2 and ended.stderr.startswith("error: list.csv, row 2: there is no video")
    assert not (tmp_path / "out").exists()
