"""A batch brings every video to an end of its own, in order of priority, within cores, memory and disk."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from da3_stream.batch import How, Row, State
from da3_stream.batch.task import Task
from da3_stream.errors import BatchError, StoreError
from da3_stream.settings import Settings
from da3_stream.store import Run, lock_run
from tests.batch.fakes import SMALL, FakePlace, run_fakes, videos


def calls(folder: Path, name: str) -> list[str]:
    """The command lines that were started for a video."""
    return (folder / name / "calls").read_text().splitlines()


@pytest.mark.slow
def test_every_video_ends_in_its_own_way_and_none_stops_the_rest(tmp_path: Path) -> None:
    names = ("broken", "crash1", "crash9", "refused", "empty", "fine")
    rows = run_fakes(tmp_path, videos(*names, "unread"), forecasts={"unread": "it cannot be read"})
    assert {name: (row.state, row.attempts) for name, row in rows.items()} == {
        "broken": (State.FAILED, 3),
        "crash1": (State.FINISHED, 2),
        "crash9": (State.FAILED, 3),
        "refused": (State.FAILED, 1),
        "empty": (State.EMPTY, 1),
        "fine": (State.FINISHED, 1),
        "unread": (State.FAILED, 0),
    }
    fine = rows["fine"]
    assert (fine.frames, fine.placed, fine.segments, fine.points, fine.trust, fine.error) == (10, 9, 1, 5, 0.5, None)
    assert "Traceback: it is broken" in str(rows["broken"].error) and "SIGKILL" in str(rows["crash9"].error)
    assert rows["refused"].error == "it is refused" and rows["unread"].error == "it cannot be read"


@pytest.mark.slow
def test_the_summary_is_there_as_json_and_csv(tmp_path: Path) -> None:
    also = tmp_path / "also.json"
    run_fakes(tmp_path / "out", videos("fine", "refused", options=("--export=tum",)), how=How(summary=also))
    told = json.loads(also.read_text())
    assert told == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [row["state"] for row in told] == ["finished", "failed"] and told[0]["seconds"] > 0
    assert told[0]["exports"] == [str(tmp_path / "out" / "fine" / "tum")]
    with (tmp_path / "out" / "summary.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["error"] for row in table] == ["", "it is refused"] and list(table[0]) == list(told[0])


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_and_what_failed_is(tmp_path: Path) -> None:
    run_fakes(tmp_path, videos("fine", "empty", "crash4"))
    assert len(calls(tmp_path, "crash4")) == 3
    rows = run_fakes(tmp_path, videos("fine", "empty", "crash4", "more"))
    assert [len(calls(tmp_path, name)) for name in ("fine", "empty", "crash4", "more")] == [1, 1, 5, 1]
    assert rows["crash4"].state == State.FINISHED and rows["crash4"].attempts == 5
    run_fakes(tmp_path, videos("fine", options=("--export=tum",)))
    assert len(calls(tmp_path, "fine")) == 2  # with an export that was not asked for before
    names = [row["name"] for row in json.loads((tmp_path / "summary.json").read_text())]
    assert names == ["fine", "empty", "crash4", "more"]  # none that an earlier command ran is lost
    rows = run_fakes(tmp_path, videos("fine"), how=How(overwrite=True))
    assert calls(tmp_path, "fine")[-1].count("--overwrite") == 1 and rows["fine"].attempts == 1


@pytest.mark.slow
def test_a_damaged_run_directory_is_told_by_its_run_alone(tmp_path: Path) -> None:
    run_fakes(tmp_path, videos("fine", "other"))
    (tmp_path / "fine" / "run.json").write_text("{")
    rows = run_fakes(tmp_path, videos("fine", "other"))
    assert len(calls(tmp_path, "fine")) == 2 and rows["other"].state == State.FINISHED


@pytest.mark.slow
def test_those_of_higher_priority_come_first(tmp_path: Path) -> None:
    place = FakePlace(cores=1)
    run_fakes(tmp_path, [*videos("a", "b"), *videos("c", priority=2.5), *videos("d", priority=-1.0)], place)
    assert [name for name, _, _ in place.begun] == ["c", "a", "b", "d"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cores", "memory", "names", "shares"),
    [
        (5, 1e9, "ab", [2, 3]),  # as many as there are, and what is left for the last
        (8, 2600, "abc", [4, 2]),  # as many as memory holds
        (4, 1150, "ab", [1, 1]),  # as many workers as memory holds
        (2, 1e9, "abc", [1, 1, 1]),
    ],
)
def test_cores_are_shared_among_as_many_as_memory_holds(
    tmp_path: Path, cores: int, memory: float, names: str, shares: list[int]
) -> None:
    place = FakePlace(cores, memory)
    run_fakes(tmp_path, videos(*names), place)
    assert [share for _, share, _ in place.begun][: len(shares)] == shares


@pytest.mark.slow
def test_no_run_starts_that_does_not_fit_beside_the_others(tmp_path: Path) -> None:
    place = FakePlace(cores=4, memory=2300)
    forecasts = {"big": replace(SMALL, fixed_bytes=2000), "huge": replace(SMALL, fixed_bytes=3000)}
    rows = run_fakes(tmp_path, videos("a", "big", "huge", "b", "c"), place, forecasts)
    beside = {name: count for name, _, count in place.begun}
    assert beside["big"] == 0 and beside["a"] == 0 and set(beside) == {"a", "big", "b", "c"}
    assert rows["huge"].state == State.FAILED and "may take 0 MB of memory" in str(rows["huge"].error)


@pytest.mark.slow
def test_a_disk_that_is_too_small_is_one_sentence(tmp_path: Path) -> None:
    rows = run_fakes(tmp_path, videos("a", "b"), forecasts={"a": replace(SMALL, disk_bytes=1 << 60)})
    assert "the disk is short" in str(rows["a"].error) and rows["b"].state == State.FINISHED


@pytest.mark.slow
def test_a_device_is_one_run_s_alone_and_others_overtake(tmp_path: Path) -> None:
    place = FakePlace(cores=8, looks=12)
    on_device = replace(SMALL, device="cuda", worker_bytes=0)
    forecasts = {"a": replace(on_device, fixed_bytes=10), "b": on_device, "c": on_device}
    workers = Settings.build({"model": {"workers": 1}})
    run_fakes(tmp_path, videos("a", "b", "c", "d", settings=workers), place, forecasts)
    assert [name for name, _, _ in place.begun[:2]] == ["a", "d"]
    assert max(beside for name, _, beside in place.begun if name in "abc") <= 1


@pytest.mark.slow
def test_a_run_goes_on_with_the_workers_that_it_was_begun_with(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps({"state": "running", "settings": {"model": {"workers": 3}}}))
    run_fakes(tmp_path, videos("a"), FakePlace(cores=8))
    assert "--workers 3" in calls(tmp_path, "a")[0]


@pytest.mark.slow
def test_events_tell_each_video_and_how_far_all_are(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    run_fakes(
        tmp_path, videos("fine", "crash1"), how=How(listener=lambda event, fields: told.append((event, dict(fields))))
    )
    states = [fields["state"] for event, fields in told if event == "video" and fields["video"] == "crash1"]
    assert states == ["running", "waiting", "running", "finished"]
    last = [fields for event, fields in told if event == "progress"][-1]
    assert (last["done"], last["total"], last["finished"], last["running"]) == (2, 2, 2, 0)
    assert last["frames_per_second"] > 5 * last["per_second"] > 0


def test_a_second_batch_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with lock_run(Run(tmp_path)), pytest.raises(StoreError, match="another process is writing into"):
        run_fakes(tmp_path, videos("fine"))


def test_a_run_s_directory_is_not_that_of_a_batch(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BatchError, match="holds a run"):
        run_fakes(tmp_path, videos("fine"))


@pytest.mark.parametrize("settings", [{}, {"model": 3}, {"model": {"workers": "x"}}, {"model": {"workers": -1}}])
def test_odd_workers_of_a_damaged_run_are_nobodys_wish(tmp_path: Path, settings: object) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps({"state": "running", "settings": settings}))
    row = Row.of(videos("a")[0], tmp_path)
    assert Task(videos("a")[0], row, tmp_path).fixed_workers() is None


@pytest.mark.parametrize("text", ["{", '["x"]', "[null]", '{"a": 1}', '[{"name": ["a"], "state": "failed"}]'])
def test_a_damaged_summary_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(BatchError, match=r"summary.json cannot be read .*: remove it"):
        run_fakes(tmp_path, videos("fine"))
