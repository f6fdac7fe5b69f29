from __future__ import annotations

import json

import numpy as np
import pytest

from da3_stream.errors import StoreError
from da3_stream.store import create_run, open_run
from da3_stream.store.files import replacing
from da3_stream.types import SkippedFrame, Status
from tests.worlds.street import street_run


def test_a_new_run_is_running_and_can_be_opened(tmp_path):
    run = create_run(tmp_path / "deep" / "er")
    assert open_run(run.path).read_status() == {"state": "running"}
    assert open_run(run.path).read_scene().submaps == ()
    assert list(run.read_events()) == []


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file: give a directory"):
        create_run(tmp_path / "file")


def test_a_directory_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot create the directory .*file"):
        create_run(tmp_path / "file" / "run")


def test_an_unwritable_place_is_refused():
    with pytest.raises(StoreError, match="cannot (create|write)"):
        create_run("/proc/run")  # refuses even the superuser


def test_another_run_is_refused_and_untouched(tmp_path):
    run = street_run(tmp_path / "run")
    before = run.read_status()
    with pytest.raises(StoreError, match="already holds a run: .*--overwrite"):
        create_run(run.path)
    assert run.read_status() == before


def test_overwrite_removes_what_a_run_writes_and_nothing_else(tmp_path):
    run = street_run(tmp_path / "run")
    run.append_event("window", window=0)
    mine = [run.path / "notes.txt", run.path / "windows" / "mine.npz"]
    for file in mine:
        file.write_text("mine")
    for name in (".000000.laz.tmp", "000000.levels", ".000001.levels.tmp"):
        (run.path / "cloud" / name).write_text("left by a kill")
    create_run(run.path, overwrite=True)
    found = sorted(p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file())
    assert found == ["notes.txt", "run.json", "scene.json", "windows/mine.npz"]


def test_a_directory_with_other_things_is_refused_even_with_overwrite(tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    with pytest.raises(StoreError, match="is not empty and is not a run"):
        create_run(tmp_path, overwrite=True)
    assert (tmp_path / "photo.jpg").exists()


@pytest.mark.parametrize("text", ["", '{"state": "runn', "[]", "\x00\x01", '{"input": []}', '{"seconds": "x"}'])
def test_a_damaged_status_is_one_sentence(tmp_path, text):
    create_run(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(StoreError, match="run.json is damaged"):
        open_run(tmp_path / "run")


def test_a_directory_that_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="is not a run directory: it holds no run.json"):
        open_run(tmp_path)


def test_status_is_strict_json_with_plain_values(tmp_path):
    run = create_run(tmp_path / "run")
    skipped = [SkippedFrame(3, "c.png", "cannot be decoded")]
    run.write_status({"n": np.int64(3), "x": np.float32(0.5), "bad": float("nan"), "skipped": skipped, "s": Status.OK})
    text = (run.path / "run.json").read_text()
    assert "NaN" not in text
    assert json.loads(text) == {
        "n": 3,
        "x": 0.5,
        "bad": None,
        "skipped": [{"index": 3, "name": "c.png", "reason": "cannot be decoded"}],
        "s": "OK",
    }


def test_events_come_back_in_order_with_the_time_last(tmp_path):
    run = create_run(tmp_path / "run")
    run.append_event("window", window=np.int64(0), residual=float("nan"))
    run.append_event("alignment", status=Status.WEAK, shared=np.arange(3))
    events = list(run.read_events())
    assert [e["event"] for e in events] == ["window", "alignment"]
    assert events[0]["residual"] is None and events[1]["shared"] == [0, 1, 2] and events[1]["status"] == "WEAK"
    assert all(list(e)[0] == "event" and list(e)[-1] == "time" for e in events)


def test_a_torn_last_line_is_not_an_event_but_garbage_is_an_error(tmp_path):
    run = create_run(tmp_path / "run")
    run.append_event("window", window=0)
    journal = run.path / "journal.jsonl"
    with journal.open("a") as file:
        file.write('{"event": "wind')
    assert len(list(run.read_events())) == 1
    journal.write_text('garbage\n{"event": "x"}\n')
    with pytest.raises(StoreError, match="line 1, is damaged"):
        list(run.read_events())


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
