"""Trust and advice in lines for people."""

from __future__ import annotations

import pytest

from da3_stream.report.words import MOST_LINES, moment, trust_lines


def told(share: float, stretches: list[tuple] = (), advice: list[tuple] = ()) -> list[str]:  # type: ignore[assignment]
    keys = ("from_s", "to_s", "code", "text")
    listed = [[dict(zip(keys, row, strict=True)) for row in rows] for rows in (stretches, advice)]
    return trust_lines({"trust": {"share": share, "stretches": listed[0]}, "advice": listed[1]}, "report.html")


def test_people_are_told_times_and_what_would_help() -> None:
    lines = told(0.714, [(20.2, 31.0, "lens_changed", "it zooms; give one")], [(0, 3700, "standing", "it stands")])
    assert lines[0].startswith("trust: not everywhere, 71 % of the poses are believed")
    assert lines[1:] == ["  0:20–0:31 not to be trusted: it zooms; give one", "  0:00–1:01:40 it stands"]


def test_pictures_without_times_are_told_by_their_numbers_too() -> None:
    row = {"from_s": 24 / 30, "to_s": 2.0, "code": "standing", "text": "it stands"}
    status = {"input": {"kind": "images"}, "settings": {"frames": {"default_fps": 30.0}}}
    lines = trust_lines({"trust": {"share": 1.0, "stretches": []}, "advice": [row], **status}, "report.html")
    assert lines[1:] == ["  0:01–0:02 (frames 24–60) it stands"]


def test_people_are_told_that_all_is_well() -> None:
    (line,) = told(0.9999)
    assert line.startswith("trust: OK, 99 % of the poses are believed")


def test_what_a_stretch_tells_already_is_not_told_twice() -> None:
    lines = told(0.5, [(1, 9, "low_confidence", "x")], [(2, 8, "unplaced", "y"), (20, 21, "unplaced", "z")])
    assert lines[1:] == ["  0:01–0:09 not to be trusted: x", "  0:20–0:21 z"]


def test_a_long_list_ends_with_a_hint() -> None:
    lines = told(0.5, [(k, k, "low_confidence", "x") for k in range(30)])
    assert len(lines) == 2 + MOST_LINES and lines[-1] == f"  and {30 - MOST_LINES} more: see report.html"


def test_nothing_is_told_of_runs_that_did_not_measure_it() -> None:
    assert trust_lines({}, "") == [] and told(None) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3600, "1:00:00")])
def test_moments(seconds: float, text: str) -> None:
    assert moment(seconds) == text


def test_what_is_said_of_the_input_is_about_no_time() -> None:
    row = {"from_s": 0.0, "to_s": 9.0, "code": "input_times", "text": "a clock was mended"}
    lines = trust_lines({"trust": {"share": 1.0, "stretches": []}, "advice": [row]}, "report.html")
    assert lines[1:] == ["  input: a clock was mended"]
