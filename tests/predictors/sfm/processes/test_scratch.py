"""Scratch folders do not outlive their process, whatever became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from da3_stream.predictors.sfm.processes.scratch import PREFIX, remove_left_folders, scratch_folder


def test_only_what_killed_processes_left_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("da3_stream.predictors.sfm.processes.scratch._memory_folder", lambda: str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, mine, other = (tmp_path / name for name in (f"{PREFIX}{gone.pid}_a", f"{PREFIX}{os.getpid()}_b", "other_1"))
    for folder in (left, mine, other):
        folder.mkdir()
        (folder / "window.db").touch()
    remove_left_folders()
    assert not left.exists() and mine.exists() and other.exists()


def test_a_folder_is_removed_in_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("da3_stream.predictors.sfm.processes.scratch._memory_folder", lambda: str(tmp_path))
    with pytest.raises(ZeroDivisionError), scratch_folder() as folder:
        assert folder.parent == tmp_path and folder.name.startswith(f"{PREFIX}{os.getpid()}_")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
