"""A command line as people call it, and something to run it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from da3_stream import cli
from da3_stream.predictors import sfm
from tests.worlds.street_predictor import StandIn, pictures


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable:
    """(exit status, stdout, stderr) of a command line, run in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["da3-stream", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
            sys.exit(0)
        return int(end.value.code or 0), *capfd.readouterr()

    return call


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """28 images of noise."""
    import cv2

    (tmp_path / "drive").mkdir()
    for number, image in enumerate(pictures(28)):
        cv2.imwrite(str(tmp_path / "drive" / f"{number}.png"), image)
    return str(tmp_path / "drive")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in in the place of sfm."""
    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: StandIn())
