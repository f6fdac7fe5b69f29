"""Runs that die or are stopped at a moment of their own: resumed, they end as undisturbed ones do.

benchmarks/kill.py does the same at every place that there is, with a full disk and with sfm.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.killing import FUNCTIONS, Moment, drive, drive_as_command
from tests.faults.trials import Damage, Undisturbed, damaged_trial, trial, undisturbed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    found = undisturbed(tmp_path_factory.mktemp("whole") / "ring", drive)
    assert found.counts["after LoopVerifier.verify"] >= 3  # or it would not show much
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "finished"),
    [
        (Moment("half of windows/*.npz", 2100), None),
        (Moment("before renaming resume/tip.npz", 6, power_cut=True), 4),
        (Moment("after LoopVerifier.verify", 2), None),
    ],
)
def test_killed(tmp_path: Path, whole: Undisturbed, moment: Moment, finished: int | None) -> None:
    row = trial(tmp_path, whole, "killed", moment)
    assert row["same"] == "yes" and row["repeated"] == 0, row
    assert row["status"] == -signal.SIGKILL and row["state"] == "running"
    assert 0 < row["window"] < 7 and finished in (None, row["window"])


@pytest.mark.slow
def test_stopped_by_sigterm(tmp_path: Path, whole: Undisturbed) -> None:
    row = trial(tmp_path, whole, "stopped", Moment("before write_page", 7, signal.SIGTERM), drive_as_command)
    assert row["same"] == "yes" and row["repeated"] == 0, row
    assert (row["status"], row["state"], row["window"]) == (143, "interrupted", 5)


@pytest.mark.slow
def test_damaged(tmp_path: Path, whole: Undisturbed) -> None:
    row = damaged_trial(tmp_path, whole, Damage("windows/000001.npz", "cut", 2, "windows/000001.npz is damaged"))
    assert row["same"] == "yes" and row["window"] == 3, row


def test_every_place_to_die_at_is_there() -> None:
    assert [name for owner, name in FUNCTIONS if not hasattr(owner, name)] == []
