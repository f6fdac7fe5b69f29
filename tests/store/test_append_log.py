"""Append-only lines with checksums: what was added is read, what is damaged is told."""

from __future__ import annotations

import builtins
import errno
import io
from pathlib import Path
from typing import Any

import pytest

from da3_stream.errors import StoreError
from da3_stream.store.append_log import AppendLog


@pytest.fixture
def ledger(tmp_path: Path) -> AppendLog:
    found = AppendLog(tmp_path / "lines.jsonl")
    for number in range(3):
        found.append({"number": number}, {"time": "now"})
    return found


def test_lines_come_back_in_order(ledger: AppendLog) -> None:
    assert [line["number"] for line in ledger.read()] == [0, 1, 2]


def test_a_torn_last_line_is_none(ledger: AppendLog) -> None:
    with ledger.path.open("a") as file:
        file.write('{"number": 3')
    assert len(list(ledger.read())) == 3


def test_only_the_first_bytes_are_read_where_asked(ledger: AppendLog) -> None:
    size = ledger.size()
    with ledger.path.open("a") as file:
        file.write("no line of ours\n")
    assert len(list(ledger.read(size))) == 3
    with pytest.raises(StoreError, match="line 4, is damaged"):
        list(ledger.read())


def test_a_changed_line_is_told_and_a_changed_time_is_not(ledger: AppendLog) -> None:
    text = ledger.path.read_text()
    ledger.path.write_text(text.replace("now", "then"))
    assert len(list(ledger.read())) == 3
    ledger.path.write_text(text.replace('"number": 1', '"number": 7'))
    with pytest.raises(StoreError, match="line 2, is damaged"):
        list(ledger.read())


@pytest.mark.parametrize("lost", ["cut", "read"])
def test_lost_lines_are_told(ledger: AppendLog, lost: str) -> None:
    size = ledger.size()
    ledger.path.write_bytes(ledger.path.read_bytes()[:-30])
    with pytest.raises(StoreError, match="it has lost lines"):
        ledger.truncate(size) if lost == "cut" else list(ledger.read(size))


class Full(io.FileIO):
    """A file on a disk that has room for 20 bytes more."""

    def write(self, data: Any) -> int:
        super().write(bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_half_line(ledger: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ledger.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", lambda path, mode: Full(path, "a"))
        with pytest.raises(StoreError, match="cannot write .*lines.jsonl: No space left on device"):
            ledger.append({"number": 3})
    assert ledger.path.read_bytes() == before
    ledger.append({"number": 3})
    assert [line["number"] for line in ledger.read()] == [0, 1, 2, 3]
