"""The runs of a batch on the machines of a cluster: the same summary, whatever is killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from da3_stream.batch import How, Row, State, run_batch
from da3_stream.batch.child import Child
from da3_stream.distributed.nodes import Keeper, cluster_places
from tests.batch.fakes import FakeProber, videos
from tests.batch.hanging import RUN
from tests.batch.test_ending import goes_on, pids, wait_for


def begin(words: Sequence[str], folder: str) -> Child:
    """What looks like a run."""
    return Child(RUN, words, folder=folder)


@pytest.mark.slow
def test_what_dies_is_tried_again_and_no_process_is_left(cluster: None, tmp_path: Path) -> None:
    rows: list[Row] = []

    def batch() -> None:
        with cluster_places(None, begin) as places:
            rows.extend(run_batch(videos("hang1", "hang2", "fine"), tmp_path, How(retries=1), places, FakeProber()))

    going = threading.Thread(target=batch)
    going.start()
    wait_for(lambda: all((tmp_path / name / "pids").exists() for name in ("hang1", "hang2")))
    (run, helper), (other, _) = pids(tmp_path, "hang1"), pids(tmp_path, "hang2")
    keeper = int(Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(run, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)  # the actor, as if its machine was lost
    wait_for(lambda: not goes_on(other))
    going.join(120)
    assert [(row.state, row.attempts, row.frames) for row in rows] == [
        (State.FINISHED, 2, 10),
        (State.FINISHED, 2, 10),
        (State.FINISHED, 1, 10),
    ]
    assert not goes_on(helper)


def test_a_folder_that_a_machine_does_not_see_is_one_sentence(tmp_path: Path) -> None:
    keeper = Keeper(begin, ["run"], str(tmp_path / "elsewhere"))
    status, (event,), _, held = keeper.look()
    assert status == 2 and "has no folder" in event["message"] and held == 0
    keeper.close()
