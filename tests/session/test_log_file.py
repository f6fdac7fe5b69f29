"""The log of a run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from da3_stream.errors import StoreError
from da3_stream.session.telling.log_file import log_file

log = logging.getLogger("da3_stream.test")


def test_it_is_written(tmp_path: Path) -> None:
    with log_file(tmp_path / "log.txt"):
        log.info("one line")
    log.info("not this one")
    text = (tmp_path / "log.txt").read_text()
    assert text.endswith("INFO da3_stream.test: one line\n") and text.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_lines_and_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with log_file(Path("/dev/full")):
        log.info("there is no room for this")
    assert capfd.readouterr().err == ""


def test_one_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"), log_file(tmp_path / "none" / "log.txt"):
        pass
