"""Charts as SVG, and what is left of long runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from da3_stream.report.sections import headline, maps, profiles, timeline
from da3_stream.report.sections.chart import COLUMNS, Line, chart, nice_ticks, thinned
from da3_stream.report.sections.subject import Subject
from da3_stream.report.words import moment
from da3_stream.store import RunReader, create_run, read_run_geometry
from tests.report.reading_reports import ReadReport
from tests.worlds.pose_tables import table


def test_what_is_left_of_a_long_line_has_its_extremes() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 1000)
    y[[12_345, 54_321]] = 5.0, -5.0
    few_x, few_y = thinned(x, y)
    assert len(few_x) <= 2 * COLUMNS and (few_y.max(), few_y.min()) == (5.0, -5.0)
    assert abs(few_x[few_y.argmax()] - 12_345) < 100_000 / COLUMNS + 1
    assert thinned(x[:10], y[:10]) == (pytest.approx(x[:10]), pytest.approx(y[:10]))


def test_a_gap_is_a_gap() -> None:
    page = chart("height", [Line("height", np.arange(5.0), np.array([0, 1, np.nan, 1, 0]))], "time", moment)
    drawn = next(attrs["d"] for tag, attrs in ReadReport(page).tags if attrs.get("data-name") == "height")
    assert [drawn.count(pen) for pen in "ML"] == [2, 2]


def test_a_line_without_two_values_is_no_chart() -> None:
    assert chart("height", [Line("height", np.arange(3.0), np.array([np.nan, 1, np.nan]))], "time", moment) == ""


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-7, 12, [-5, 0, 5, 10]), (3.1, 3.2, [3.1, 3.12, 3.14, 3.16, 3.18, 3.2])],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high, 6) == pytest.approx(ticks)


@pytest.mark.slow
def test_a_long_run_has_a_small_report(tmp_path: Path) -> None:
    run = create_run(tmp_path / "long")
    poses = table(np.where(np.arange(100_000) % 7, 0.9, 0.3).tolist())
    poses = _walked(poses)
    reader = RunReader(run, run.read_status(), read_run_geometry(run), poses)
    subject = Subject(
        reader, {"placed": 100_000, "points": None, "segments": 1, "path_length": 1.0, "units": "relative"}, ()
    )
    drawn = [part(subject) for part in (headline.headline, timeline.timeline, maps.maps, profiles.profiles)]
    assert all(drawn) and sum(map(len, drawn)) < 700_000


def _walked(poses):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    there = poses.world_from_camera.copy()
    there[:, 0, 3] = np.arange(len(poses)) * 0.1
    there[:, 2, 3] = np.sin(np.arange(len(poses)) / 500)
    return replace(poses, world_from_camera=there)
