"""A run on one screen: what it tells is in the run's files, and it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from da3_stream.report.sections.subject import Subject
from da3_stream.report.terminal import Size, screen
from da3_stream.settings import Settings
from da3_stream.store import Run, RunReader
from da3_stream.store.files import json_page, write_text
from tests.worlds.street import street_run

STRETCHES = [
    {"from_s": 0.0, "to_s": 1.0, "code": "lens_changed", "text": "the focal length changed; give one for each part"},
    {"from_s": 2.0, "to_s": 2.5, "code": "low_confidence", "text": "these poses are more likely wrong than right"},
    {"from_s": 2.6, "to_s": 2.7, "code": "low_confidence", "text": "these poses are more likely wrong than right"},
]
CODES = ("standing", "turning", "static_mask", "moving_objects", "lens_not_observed", "input_times", "input_camera")
ADVICE = [{"from_s": 0.0, "to_s": 2.0, "code": code, "text": f"{code} {'and more of it ' * 12}"} for code in CODES]
SETTINGS = Settings.build({"windows": {"size": 30, "overlap": 10}, "camera": {"hfov_deg": 100.0}})


def told(run: Run, size: Size, **status: Any) -> list[str]:
    run.write_status({**run.read_status(), **status})
    return [line.plain for line in screen(Subject.of(RunReader.open(run.path)), size)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return street_run(tmp_path / "drive")


FULL = {
    "state": "interrupted",
    "trust": {"share": 0.61, "stretches": STRETCHES},
    "advice": ADVICE,
    "seconds": 60.0,
    "seconds_by_stage": {"predict": 30.0, "dense_depth": 20.0, "graph": 10.0},
    "peak_rss_bytes": 1_500_000_000,
    "settings": SETTINGS.model_dump(mode="json"),
}


def test_what_is_told_is_in_the_run_s_files(run: Run) -> None:
    text = "\n".join(told(run, Size(100), **FULL))
    facts = Subject.of(RunReader.open(run.path)).facts
    assert text.startswith("drive · interrupted")
    assert f"frames   {facts['placed']} of {facts['frames']} placed in 1 segment" in text
    assert "trust    in parts: 61 % of the poses are believed" in text
    assert "time     1:00, 0.467 frames a second, 1.5 GB of memory" in text
    assert "stages   predict 50%, dense depth 33%, graph 17%" in text
    assert "settings camera.hfov_deg=100.0, windows.size=30, windows.overlap=10" in text
    assert "state    The run was interrupted" in text


def test_what_distrusts_the_map_comes_first_with_times_and_options(run: Run) -> None:
    lines = told(run, Size(100), **FULL)
    distrust = [line for line in lines if line.startswith("distrust")]
    assert "0:00–0:01 the focal length changed; give one for each part" in distrust[0]
    assert "[--start SECONDS, --end SECONDS]" in distrust[0]
    assert distrust[1].startswith("distrust 0:02 and 1 more these poses are more likely wrong than right")
    first_advice = next(k for k, line in enumerate(lines) if line.startswith("advice"))
    assert lines.index(distrust[1]) < first_advice
    assert [line.partition(" ")[0] for line in lines if line.startswith("input")] == ["input"] * 2


def test_lines_over_time_have_their_ends_in_figures(run: Run) -> None:
    lines = {line.partition(" ")[0]: line for line in told(run, Size(80))}
    assert "units/s" in lines["speed"] or "m/s" in lines["speed"]
    least = min(RunReader.open(run.path).poses.confidence)
    assert lines["trust"].endswith(f"{least:.3g} to {max(RunReader.open(run.path).poses.confidence):.3g}")


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(("columns", "lines"), [(80, 23), (100, 39), (60, 23), (40, 20)])
def test_it_fits_the_terminal(run: Run, columns: int, lines: int, unicode: bool) -> None:
    shown = told(run, Size(columns, lines, unicode), **FULL)
    assert max(map(len, shown)) <= columns and len(shown) <= lines
    assert shown[-1].startswith("more") and any(line.startswith("distrust") for line in shown)
    assert "see report.html" in "\n".join(shown) or columns == 100
    if not unicode:
        assert all(line.isascii() for line in shown)


def test_the_error_beside_the_truth_is_told_of_this_map_only(run: Run) -> None:
    found = {"frames_selected": 28, "ate_rmse_m": 0.5, "ate_percent": 0.251, "scene_crc32": run.scene_crc32()}
    write_text(run.path / "evaluation.json", json_page(found))
    assert "truth    0.5 m off (ATE), 0.251 % of the path" in told(run, Size(80))
    write_text(run.path / "evaluation.json", json_page(found | {"scene_crc32": "00000000"}))
    assert not any(line.startswith("truth") for line in told(run, Size(80)))


def test_a_good_run_says_so(run: Run) -> None:
    good = told(run, Size(80), state="finished", trust={"share": 1.0, "stretches": []}, advice=[])
    assert "advice   none: nothing speaks against this map" in good


def test_a_run_without_a_frame_has_a_screen(tmp_path: Path) -> None:
    from da3_stream.store import create_run

    empty = create_run(tmp_path / "empty")
    empty.write_status({"state": "failed", "source_indices": [], "timestamps": []})
    text = "\n".join(told(empty, Size(80, 23)))
    assert "state    The run broke off" in text and "frames   0 of None placed" not in text
