"""Two builds beside each other: all that a run takes is counted, no run is repeated, ratios are those of medians."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.beside import cases, peers, runs
from benchmarks.beside.cases import Case, Subject, chosen_cases
from benchmarks.beside.comparison import Pair, compared
from benchmarks.beside.records import Key, RecordFolder
from benchmarks.beside.runs import Build, Runner
from benchmarks.beside.verdicts import verdicts
from benchmarks.beside.watching import watched
from benchmarks.checkouts import check_out
from benchmarks.common import Clip
from benchmarks.tables import Row

PAIR = Pair("old", "balanced")
LEAVES_SOMETHING_BEHIND = """
import os, time
def burn(seconds):
    kept = bytes(range(256)) * 200_000
    while time.process_time() < seconds:
        pass
    return kept
if os.fork() == 0:
    kept = burn(0.6)
    os._exit(0)
kept = burn(0.3)
"""


def record(start: int, *, cpu_s: float, ate: float, **more: object) -> Row:
    """A run's record as far as tables need it."""
    found: Row = {"start": start, "cpu_s": cpu_s, "wall_s": cpu_s, "peak_mib": 100.0, "frames": 100, "keyframes": None}
    found |= {"seconds_in_predictor": {"map_window": cpu_s - 5}, "segments": 1, "coverage": 1.0, "says_ok": True}
    return found | {"ate_percent": ate, "trust_share": 1.0, "error": None} | more


def filled(folder: Path, case: Case, old: list[Row], new: list[Row]) -> RecordFolder:
    records = RecordFolder(folder)
    for build, found in (("old", old), ("balanced", new)):
        for row in found:
            records.put(Key(case, row["start"], build), row)
    return records


@pytest.mark.slow
def test_what_a_command_leaves_behind_counts_too(tmp_path: Path) -> None:
    took = watched([sys.executable, "-c", LEAVES_SOMETHING_BEHIND], tmp_path, tmp_path / "run")
    assert took["exit_status"] == 0
    assert 0.9 <= took["cpu_s"] < 5
    assert took["cpu_s"] == pytest.approx(took["cpu_user_s"] + took["cpu_system_s"], abs=0.02)
    assert 0.5 < took["probe_ms"] < 1000
    assert took["peak_mib"] > 90  # two processes of 51 MB each, neither the measuring one


@pytest.mark.slow
def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    took = watched([sys.executable, "-c", "raise ValueError('no such thing')"], tmp_path, tmp_path / "run")
    assert took["exit_status"] == 1
    assert took["last_line"] == "ValueError: no such thing"


def test_a_checkout_has_the_files_of_its_commit(tmp_path: Path) -> None:
    repository, text = tmp_path / "repository", tmp_path / "repository" / "text"
    repository.mkdir()
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], ["add", "text"], ["commit", "-qm", "one"]):
        text.write_text("one")
        subprocess.run([*git, *words], check=True)
    text.write_text("two")
    assert (check_out("HEAD", tmp_path / "old", repository) / "text").read_text() == "one"
    with pytest.raises(SystemExit, match="no checkout of 0123abc"):
        check_out("0123abc", tmp_path / "older", repository)


def test_a_run_that_has_a_record_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(command: list[str], code: Path, out: Path) -> Row:
        asked.append(f"{code.name} {' '.join(command[-2:])}")
        return {"exit_status": 0, "last_line": "", "cpu_s": 1.0}

    monkeypatch.setattr(runs, "watched", run)
    monkeypatch.setattr(runs, "found_in", lambda out, clip, took: {"error": None})
    monkeypatch.setattr(Subject, "clip", lambda self, cache: Clip(self.name, tmp_path))
    builds = [Build(name, tmp_path / name, "c0ffee", ("--more", name)) for name in ("old", "balanced")]
    for build in builds:
        (build.code / "da3_stream").mkdir(parents=True)
    case = Case(Subject("clip"), cases.NONE, (0, 4))

    def do() -> list[str]:
        asked.clear()
        runner = Runner(builds, RecordFolder(tmp_path / "records"), tmp_path, tmp_path, ("--workers", "1"))
        runner.run([case])
        return list(asked)

    assert do() == ["old --more old", "balanced --more balanced"] * 2
    assert do() == []
    (tmp_path / "balanced" / "da3_stream" / "new.py").write_text("changed = True")
    assert do() == ["balanced --more balanced"] * 2
    builds[0] = Build("old", tmp_path / "old", "c0ffee", ("--less", "old"))
    assert do() == ["old --less old"] * 2


def test_a_rows_ratio_is_that_of_the_medians(tmp_path: Path) -> None:
    case = Case(Subject("clip"), cases.GIVEN, (0, 4, 9))
    old = [record(0, cpu_s=60, ate=0.1), record(4, cpu_s=90, ate=0.2), record(9, cpu_s=300, ate=0.4)]
    new = [record(0, cpu_s=10, ate=0.3), record(4, cpu_s=30, ate=0.1), record(9, cpu_s=40, ate=0.2)]
    row = compared(case, PAIR, filled(tmp_path, case, old, new))
    assert (row["cpu_s_first"], row["cpu_s_second"], row["cpu_ratio"]) == (90, 30, 3)
    assert row["ate_ratio"] == pytest.approx(1)
    assert row["scatter_first"] == pytest.approx(4)
    assert row["outside_s"] == pytest.approx(5)
    assert row["ok_second"] == "3 of 3"


def test_a_slow_moment_of_the_machine_does_not_change_the_ratio_at_equal_pace(tmp_path: Path) -> None:
    case = Case(Subject("clip"), cases.GIVEN, (0,))
    old, new = record(0, cpu_s=90, ate=0.1, probe_ms=10.0), record(0, cpu_s=45, ate=0.1, probe_ms=15.0)
    row = compared(case, PAIR, filled(tmp_path / "both", case, [old], [new]))
    assert (row["cpu_ratio"], row["paced_ratio"]) == (2, pytest.approx(3))
    row = compared(case, PAIR, filled(tmp_path / "one", case, [record(0, cpu_s=90, ate=0.1)], [new]))
    assert row["paced_ratio"] is None


def test_only_starts_that_both_have_are_compared_and_failures_are_named(tmp_path: Path) -> None:
    case = Case(Subject("clip"), cases.GIVEN, (0, 4, 9))
    old = [record(0, cpu_s=60, ate=0.1), record(4, cpu_s=99, ate=0.9), record(9, cpu_s=60, ate=0.1)]
    new = [record(0, cpu_s=20, ate=0.1), record(9, cpu_s=20, ate=0.1, error="exit status 3")]
    row = compared(case, PAIR, filled(tmp_path, case, old, new))
    assert (row["starts"], row["cpu_s_first"], row["ate_first"]) == (1, 60, 0.1)
    assert row["failed"] == "balanced from 9: exit status 3"


def test_tiny_errors_count_alike(tmp_path: Path) -> None:
    case = Case(Subject("clip"), cases.GIVEN, (0,))
    records = filled(tmp_path, case, [record(0, cpu_s=60, ate=0.001)], [record(0, cpu_s=60, ate=0.019)])
    assert compared(case, PAIR, records)["ate_ratio"] == 1


def test_verdicts_are_over_the_rows_that_count(tmp_path: Path) -> None:
    both, neither = Case(Subject("clip"), cases.GIVEN, (0,)), Case(Subject("short", counts=()), cases.GIVEN, (0,))
    records = filled(tmp_path, both, [record(0, cpu_s=60, ate=0.1)], [record(0, cpu_s=15, ate=0.12)])
    filled(tmp_path, neither, [record(0, cpu_s=10, ate=0.1)], [record(0, cpu_s=10, ate=0.9, segments=2)])
    told = verdicts([compared(case, PAIR, records) for case in (both, neither)], PAIR)
    said = {name.removeprefix(f"{PAIR}, "): text for name, text in told.items()}
    assert said["smallest CPU ratio"] == "4.000 over 1 rows; asked for: at least 2: yes"
    assert said["geometric mean of the ATE ratios"] == "1.200 over 1 rows; asked for: at most 1.03: NO"
    assert said["one segment, coverage at least 0.98"] == "NO: short K"


def test_peers_are_slowed_down_as_the_old_build_is(tmp_path: Path) -> None:
    case = Case(Subject("kitti07_0-159"), cases.GIVEN, (0,))
    known = peers.PEERS["kitti07_0-159"]
    old = [record(0, cpu_s=2 * 100 * known.ours, ate=0.1)]
    row = compared(case, PAIR, filled(tmp_path, case, old, [record(0, cpu_s=100 * known.orb_slam3, ate=0.1)]))
    table = peers.peer_table([case], [row], PAIR)
    assert table.rows[0]["factor"] == pytest.approx(2)
    assert table.rows[0]["ratio"] == pytest.approx(0.5)


def test_cases_are_chosen_by_clip_camera_and_start() -> None:
    found = list(chosen_cases("kitti00_c1018,r3_house,gopro_karma", "both", "0,9"))
    assert [(case.name, case.starts) for case in found] == [
        ("kitti00_c1018 K", (0,)),
        ("kitti00_c1018 no K", (0,)),
        ("r3_house no K", (0, 9)),
        ("gopro_karma no K", (0, 9)),
    ]
    assert found[2].words(Clip("r3_house", Path("images")), 9) == ["--start", "0.2833"]
    with pytest.raises(SystemExit, match="no clip nowhere"):
        list(chosen_cases("nowhere", "both", "0"))
