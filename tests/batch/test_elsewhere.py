"""Videos that are elsewhere, and runs that go there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from da3_stream.batch import How, State, run_batch, videos_of
from da3_stream.batch.elsewhere import remote_bytes
from da3_stream.errors import RemoteFilesError
from da3_stream.settings import Settings
from tests.batch.fakes import FakePlace, FakeProber

DAY = "memory://footage/day1"
RESULTS = "memory://results/day1"


def any_settings(words: Any) -> Settings:
    return Settings()


def upload(memory: Any, *names: str) -> None:
    for name in names:
        memory.pipe(f"{DAY}/{name}", b"frames")


def test_each_video_of_a_remote_folder_or_pattern_is_one(memory: Any) -> None:
    upload(memory, "clip10.mp4", "clip2.MOV", "clip2.srt", "notes.txt")
    assert [v.inputs for v in videos_of([DAY], (), any_settings)] == [(f"{DAY}/clip2.MOV",), (f"{DAY}/clip10.mp4",)]
    (one,) = videos_of([f"{DAY}/*.mp4"], (), any_settings)
    assert one.inputs == (f"{DAY}/clip10.mp4",) and one.name == "clip10"


def test_remote_pictures_are_one_input(memory: Any) -> None:
    upload(memory, "1.png", "2.png")
    assert [v.inputs for v in videos_of([DAY], (), any_settings)] == [(DAY,)]
    assert remote_bytes(DAY) == 12


def test_nothing_there_is_one_sentence(memory: Any) -> None:
    with pytest.raises(RemoteFilesError, match="there is no file 'memory://footage/day1'"):
        videos_of([DAY], (), any_settings)


@pytest.mark.slow
def test_a_run_that_was_sent_leaves_the_disk_and_is_not_run_again(memory: Any, tmp_path: Path) -> None:
    upload(memory, "ok1.mp4", "broken.mp4")
    videos = videos_of([DAY], ("--export=tum",), any_settings)
    place = FakePlace()
    how = How(retries=0, sent_to=RESULTS)
    rows = {row.name: row for row in run_batch(videos, tmp_path, how, lambda: [place], FakeProber())}
    assert rows["ok1"].state == State.FINISHED and rows["broken"].state == State.FAILED
    assert rows["ok1"].out == f"{RESULTS}/ok1" and rows["ok1"].exports == [f"{RESULTS}/ok1/tum"]
    assert not (tmp_path / "ok1").exists() and (tmp_path / "broken").exists()
    assert sorted(memory.find("/results")) == ["/results/day1/summary.csv", "/results/day1/summary.json"]
    again = FakePlace()
    run_batch(videos, tmp_path, replace(how, retries=1), lambda: [again], FakeProber())
    assert {name for name, *_ in again.begun} == {"broken"}
