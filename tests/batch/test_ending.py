"""However a batch ends, no process of it goes on, and the same command finishes what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from da3_stream.batch import State
from tests.batch.fakes import FakePlace, run_fakes, videos
from tests.signals import heard


def begin(folder: Path, *names: str) -> subprocess.Popen[bytes]:
    """A batch in a process of its own, once two of its runs hang."""
    with heard(signal.SIGINT):
        batch = subprocess.Popen([sys.executable, "-m", "tests.batch.hanging", str(folder), *names])
    wait_for(lambda: all((folder / name / "pids").exists() for name in names if name.startswith("hang")))
    return batch


def wait_for(what: object, seconds: float = 120) -> None:
    """Until something is true, or fail."""
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def goes_on(pid: int) -> bool:
    """Whether a process is there and is not one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(folder: Path, *names: str) -> list[int]:
    return [int(pid) for name in names for pid in (folder / name / "pids").read_text().split()]


def states(folder: Path) -> dict[str, str]:
    return {row["name"]: row["state"] for row in json.loads((folder / "summary.json").read_text())}


@pytest.mark.slow
def test_a_run_that_is_killed_is_tried_again_and_others_end_in_order(tmp_path: Path) -> None:
    batch = begin(tmp_path, "hang1", "hang2")
    run, helper = pids(tmp_path, "hang1")
    os.kill(run, signal.SIGKILL)
    wait_for(lambda: states(tmp_path)["hang1"] == "finished")
    assert not goes_on(helper)
    batch.send_signal(signal.SIGINT)
    assert batch.wait(120) == 130
    assert states(tmp_path) == {"hang1": "finished", "hang2": "interrupted"}
    assert json.loads((tmp_path / "hang2" / "run.json").read_text())["state"] == "interrupted"
    assert not [pid for pid in pids(tmp_path, "hang2") if goes_on(pid)]
    rows = run_fakes(tmp_path, videos("hang1", "hang2"))
    assert {row.state for row in rows.values()} == {State.FINISHED}
    assert [row.attempts for row in rows.values()] == [2, 2]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system kills children with their parent")
def test_a_batch_that_is_killed_leaves_no_run(tmp_path: Path) -> None:
    batch = begin(tmp_path, "fine", "hang1", "hang2")
    runs = [pids(tmp_path, name)[0] for name in ("hang1", "hang2")]
    wait_for(lambda: states(tmp_path)["fine"] == "finished")  # the summary is renewed now and then
    batch.kill()
    batch.wait()
    wait_for(lambda: not any(map(goes_on, runs)))
    for name in ("hang1", "hang2"):  # what sleeps there is no worker of ours, which would end by itself
        os.kill(pids(tmp_path, name)[1], signal.SIGKILL)
    place = FakePlace()
    rows = run_fakes(tmp_path, videos("fine", "hang1", "hang2"), place)
    assert {row.state for row in rows.values()} == {State.FINISHED}
    assert [name for name, _, _ in place.begun] == ["hang1", "hang2"]
