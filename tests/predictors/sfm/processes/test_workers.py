"""Processes give what the work gives; one that dies or hangs costs the piece that it worked on, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from da3_stream.predictors.sfm.processes.process import WorkerDiedError, WorkerHungError
from da3_stream.predictors.sfm.processes.scratch import PREFIX
from da3_stream.predictors.sfm.processes.workers import BESIDE_WORK, Workers, WorkersClosedError

PATIENCE_S = 300.0  # of a test on a busy machine
QUICK_S = 2.0

MakeWorkers = Callable[..., Workers]


def square(value: int) -> int:
    return value * value


def sleep_for_ever() -> None:
    time.sleep(1e6)


def kill_yourself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(folder: str) -> str:
    """Dies where nobody died before."""
    place = Path(folder) / "died"
    if place.exists():
        return "alive"
    place.touch()
    os._exit(3)


def die_with_a_folder() -> None:
    tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}_", dir="/dev/shm")
    kill_yourself()


def raise_error() -> None:
    raise ValueError("no good")


def unsendable() -> object:
    return threading.Lock()


def process_number() -> int:
    return os.getpid()


def megabytes(count: int) -> np.ndarray:
    return np.arange(count << 17, dtype=np.int64)


@pytest.fixture
def make_workers() -> Iterator[MakeWorkers]:
    made: list[Workers] = []

    def make(count: int = 1, limit_s: float = PATIENCE_S) -> Workers:
        made.append(Workers(count))
        made[-1].raise_time_limit(limit_s)
        return made[-1]

    yield make
    for workers in made:
        workers.close()


@pytest.mark.slow
def test_pieces_give_what_the_work_gives(make_workers: MakeWorkers) -> None:
    workers = make_workers(2)
    pieces = [workers.submit(square, value) for value in range(20)]
    assert [piece.result() for piece in pieces] == [value * value for value in range(20)]
    assert set(workers.cpu_seconds) == {"square", BESIDE_WORK}


@pytest.mark.slow
def test_what_is_larger_than_a_pipe_comes_back_whole(make_workers: MakeWorkers) -> None:
    np.testing.assert_array_equal(make_workers().submit(megabytes, 3).result(), megabytes(3))


@pytest.mark.slow
def test_an_error_of_the_work_is_passed_on_and_the_process_lives(make_workers: MakeWorkers) -> None:
    workers = make_workers()
    before = workers.submit(process_number).result()
    with pytest.raises(ValueError, match="no good") as caught:
        workers.submit(raise_error).result()
    assert "raise_error" in "".join(caught.value.__notes__)
    with pytest.raises(TypeError, match="cannot be sent"):
        workers.submit(unsendable).result()
    assert workers.submit(process_number).result() == before


@pytest.mark.slow
def test_work_that_kills_its_process_is_tried_twice_and_costs_no_other(make_workers: MakeWorkers) -> None:
    workers = make_workers(2)
    pieces = [workers.submit(kill_yourself), *(workers.submit(square, value) for value in range(10))]
    with pytest.raises(WorkerDiedError, match=r"kill_yourself ended with exit code -9"):
        pieces[0].result()
    assert [piece.result() for piece in pieces[1:]] == [value * value for value in range(10)]


@pytest.mark.slow
def test_a_process_that_others_killed_is_replaced(make_workers: MakeWorkers, tmp_path: Path) -> None:
    assert make_workers().submit(die_once, str(tmp_path)).result() == "alive"


@pytest.mark.slow
def test_work_that_hangs_is_ended_and_costs_no_other(make_workers: MakeWorkers) -> None:
    workers = make_workers(1)
    first = workers.submit(process_number).result()
    workers._limit_s = QUICK_S  # the process runs: nothing but the work takes time now
    pieces = [workers.submit(sleep_for_ever), workers.submit(process_number)]
    with pytest.raises(WorkerHungError, match="sleep_for_ever took longer than 2 s"):
        pieces[0].result()
    assert pieces[1].result() != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no folder in memory on this machine")
def test_the_working_folder_of_a_dead_process_is_removed(make_workers: MakeWorkers) -> None:
    before = set(Path("/dev/shm").glob(f"{PREFIX}*"))
    with pytest.raises(WorkerDiedError):
        make_workers().submit(die_with_a_folder).result()
    numbers = [folder.name.removeprefix(PREFIX) for folder in set(Path("/dev/shm").glob(f"{PREFIX}*")) - before]
    assert all(_runs(int(number.partition("_")[0])) for number in numbers)  # those of runs beside the test


@pytest.mark.slow
def test_closing_ends_what_is_under_way(make_workers: MakeWorkers) -> None:
    workers = make_workers(1)
    number = workers.submit(process_number).result()
    waiting = [workers.submit(sleep_for_ever), workers.submit(square, 2)]
    workers.close()
    for piece in waiting:
        with pytest.raises(WorkersClosedError):
            piece.result()
    with pytest.raises(WorkersClosedError):
        workers.submit(square, 3)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    workers.close()


@pytest.mark.slow
def test_no_process_is_left_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
import os, signal
from da3_stream.predictors.sfm.processes.workers import BESIDE_WORK, Workers
workers = Workers(2)
workers.raise_time_limit({PATIENCE_S})
pieces = [workers.submit(os.getpid) for _ in range(20)]
print(*{{piece.result() for piece in pieces}}, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == -signal.SIGKILL
    numbers = [int(word) for word in found.stdout.split()]
    assert numbers
    until = time.monotonic() + PATIENCE_S
    while any(_runs(number) for number in numbers):
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True
