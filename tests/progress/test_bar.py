"""What people see of how far something is: a bar on a terminal, few plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import sys
from contextlib import closing

import pytest

from da3_stream.progress import Figures, bar, open_bar
from da3_stream.progress.bar import NoBar, PlainLines, TerminalBar, duration


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(bar.time, "monotonic", lambda: now[0])
    return now


def test_figures_are_told_in_words() -> None:
    assert Figures(3, 9, 1.5, 4.0, ("12 m", "2 loops")).text("frame") == "1.5 frame/s, 4 s left, 12 m, 2 loops"
    assert Figures(3).text("frame") == ""


@pytest.mark.parametrize(("seconds", "told"), [(89, "89 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_have_the_unit_that_people_would_take(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_lines_elsewhere_are_plain_and_few_however_long_it_lasts(
    clock: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    shown = open_bar("reconstructing", 864000, shown=True)
    assert isinstance(shown, PlainLines)
    for second in range(1, 86401):  # a day
        clock[0] = float(second)
        shown.show(Figures(10 * second, 864000, 10.0, 86400.0 - second))
    shown.close()
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == "" and "\r" not in err and "\x1b" not in err
    assert lines[0] == "reconstructing 100/864000 frames, 10 frame/s, 24.0 h left"
    assert lines[-1] == "reconstructing 864000/864000 frames, 10 frame/s, 0 s left"
    assert 20 <= len(lines) <= 90


def test_what_is_short_is_told_once_at_its_end(clock: list[float], capfd: pytest.CaptureFixture[str]) -> None:
    with closing(open_bar("rendering", None, shown=True, unit="tile")) as shown:
        for count in (1, 2, 3):
            shown.show(Figures(count))
    assert capfd.readouterr().err == "rendering 3 tiles\n"


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(open_bar("rendering", 3, shown=False)) as shown:
        assert isinstance(shown, NoBar)
        shown.show(Figures(3, 3, 1.0, 0.0))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("columns", [80, 60, 120])
def test_a_bar_keeps_to_one_line_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], columns: int
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("tqdm.std._screen_shape_wrapper", lambda: lambda _: (columns, 24))
    more = ("12.34 km", "13 loops", "2 segments")
    with closing(open_bar("reconstructing", 6000, shown=True, done=100)) as shown:
        assert isinstance(shown, TerminalBar)
        shown.show(Figures(2040, 6000, 12.3456, 321.0, more))
    drawn = terminal.getvalue().replace("\n", "\r").split("\r")
    assert max(map(len, drawn)) <= columns
    assert "2040/6000, 12.3 frame/s, 5 min left" in terminal.getvalue()
    if columns >= 120:
        assert "12.34 km, 13 loops, 2 segments" in terminal.getvalue()
