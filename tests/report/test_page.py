"""report.html: its numbers are those of the run's files, nothing is fetched, and every run gets one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream.evaluation import evaluate
from da3_stream.report import write_report
from da3_stream.report.page import report_page
from da3_stream.report.sections.html import number
from da3_stream.settings import Settings
from da3_stream.store import Run, Scene, create_run, read_poses
from da3_stream.store.files import json_page, write_text
from tests.report.conftest import STATUS
from tests.report.reading_reports import Figure, ReadReport
from tests.worlds.street import street_run, world_from_camera


@pytest.fixture
def compared_run(told_run: Run) -> Run:
    """The run beside its truth."""
    truth = np.stack([world_from_camera(k) for k in range(28)])
    truth[:, :3, 3] += 0.01 * np.sin(np.arange(28))[:, None]
    np.savetxt(told_run.path.parent / "truth.txt", truth[:, :3].reshape(-1, 12))
    result = evaluate(told_run.path, told_run.path.parent / "truth.txt", format="kitti")
    write_text(told_run.path / "evaluation.json", json_page(result))
    return told_run


def read(run: Run) -> ReadReport:
    write_report(run)
    return ReadReport((run.path / "report.html").read_text())


def of_files(run: Run, name: str) -> Any:
    """What the run's files say under the name of a figure."""
    centres = read_poses(run.path).world_from_camera[:, :3, 3]
    events = [json.loads(line) for line in (run.path / "journal.jsonl").read_text().splitlines()]
    head, _, rest = name.partition(".")
    counted = {
        "placed": int(np.isfinite(centres[:, 0]).sum()),
        "path_length": float(np.linalg.norm(np.diff(centres, axis=0), axis=1).sum()),
        "points": int(re.search(rb"element vertex (\d+)", (run.path / "cloud.ply").read_bytes())[1]),  # type: ignore[index]
        "duration_s": 2.7,
        "units": json.loads((run.path / "scene.json").read_text())["units"],
    }
    if name in counted:
        return counted[name]
    if head == "loops":
        return sum(event["event"] == {"taken": "loop", "refused": "loop refused"}[rest] for event in events)
    if head == "events":
        return sum(event["event"] == rest for event in events)
    if head == "evaluation":
        return json.loads((run.path / "evaluation.json").read_text())[rest]
    if head == "node":
        number, key = rest.split(".")
        return json.loads((run.path / "scene.json").read_text())["nodes"][int(number)][key]
    if head in ("alignment", "loop"):
        where, key = rest.split(".")
        return next((event.get(key) for event in events if where in (str(event.get("node")), _frames(event))), None)
    tree = json.loads((run.path / "run.json").read_text())
    for key in name.split("."):
        tree = tree[key]
    return tree


def _frames(event: dict[str, Any]) -> str:
    return "-".join(map(str, event.get("frames", ())))


@pytest.mark.slow
def test_every_figure_is_that_of_the_runs_files(compared_run: Run) -> None:
    figures = read(compared_run).figures
    assert len({figure.name for figure in figures}) > 90
    for figure in figures:
        assert figure.value == pytest.approx(of_files(compared_run, figure.name)), figure.name


@pytest.mark.slow
def test_people_see_the_figures_values(compared_run: Run) -> None:
    figures = [figure for figure in read(compared_run).figures if isinstance(figure.value, int | float)]
    shown = [figure for figure in figures if _is_plain(figure)]
    assert len(shown) > 40
    for figure in shown:
        assert float(figure.text.split()[0].replace(",", "")) == pytest.approx(figure.value, rel=6e-3, abs=0.05), figure


def _is_plain(figure: Figure) -> bool:
    """Not trust in a word, minutes and seconds, bytes as MB, or a share in %."""
    return figure.name not in ("trust.share", "seconds", "peak_rss_bytes", "static_mask.share") and not isinstance(
        figure.value, bool
    )


@pytest.mark.slow
def test_lines_and_paths_are_those_of_the_trajectory(compared_run: Run) -> None:
    report = read(compared_run)
    centres = np.stack([world_from_camera(k)[:3, 3] for k in range(28)])
    times, height = report.line("height")
    np.testing.assert_allclose(times, np.arange(28) / 10, atol=0.01)
    upright = centres @ _upright(compared_run).T
    np.testing.assert_allclose(height, upright[:, 2] - upright[0, 2], atol=0.002 * max(np.ptp(upright[:, 2]), 0.05))
    _, speed = report.line("speed")
    step = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    np.testing.assert_allclose(speed, np.add.reduceat(step, np.arange(0, 27, 5)) / ([0.5] * 5 + [0.2]), rtol=0.01)
    from_above, from_the_side = report.ways()
    np.testing.assert_allclose(from_above, upright[:, :2], atol=0.01 * np.ptp(upright))
    np.testing.assert_allclose(from_the_side[:, 1], upright[:, 2], atol=0.01 * np.ptp(upright))


def _upright(run: Run) -> np.ndarray:
    from da3_stream.report.sections.subject import Subject
    from da3_stream.store import RunReader

    return Subject.of(RunReader.open(run.path)).upright_from_world


@pytest.mark.slow
def test_errors_scales_and_residuals_are_drawn_as_they_are(compared_run: Run) -> None:
    report = read(compared_run)
    result = json.loads((compared_run.path / "evaluation.json").read_text())
    np.testing.assert_allclose(report.line("error")[1], result["path"]["error_m"], atol=1e-4)
    assert max(result["path"]["error_m"]) == pytest.approx(result["ate_max_m"], abs=1e-5)
    np.testing.assert_allclose(report.line("scale")[1], [0.5, 1.0], atol=0.003)
    np.testing.assert_allclose(report.line("residual")[1], [0.0125, 0.0125], rtol=0.01)


@pytest.mark.slow
def test_advice_says_when_why_and_what_helps_once_for_each_code(told_run: Run) -> None:
    report = read(told_run)
    cards = [attrs["data-code"] for tag, attrs in report.tags if "data-code" in attrs]
    assert cards == ["join_doubtful", "standing", "input_times"]
    times = [(float(attrs["data-from"]), float(attrs["data-to"])) for tag, attrs in report.tags if tag == "time"]
    assert times == [(0.4, 0.9), (1.0, 1.2), (2.0, 2.2)]
    assert "two windows &lt;disagree&gt;" in report.page and "--set windows.overlap=N" in report.page
    assert [attrs["href"].partition("#")[2] for tag, attrs in report.tags if tag == "a"] in (cards, [])
    assert "da3-large is licensed CC-BY-NC-4.0: no commercial use" in report.page


@pytest.mark.slow
def test_loops_are_shown_with_their_pictures(told_run: Run) -> None:
    report = read(told_run)
    assert [attrs["alt"] for tag, attrs in report.tags if tag == "img"][1:5] == [f"frame {k}" for k in (2, 26, 1, 12)]
    assert "0:00 and 0:03: taken" in report.page and "refused: the geometry does not overlap" in report.page
    assert report.page.count('class="loop"') == 2  # drawn from above and from the side


def test_a_loop_that_the_graph_rejected_later_is_refused(told_run: Run) -> None:
    told_run.append_event("graph", segment=0, rejected=[(0, 2)])
    report = read(told_run)
    assert "0:00 and 0:03: refused: it contradicts the rest of the map" in report.page
    assert 'class="loop"' not in report.page
    counts = {figure.name: figure.value for figure in report.figures if figure.name.startswith("loops.")}
    assert counts == {"loops.taken": 0, "loops.refused": 2}


def test_settings_that_differ_come_first(told_run: Run) -> None:
    page = read(told_run).page
    differ, _, same = page[page.index('<section id="settings">') :].partition("<details>")
    names = re.findall(r'data-fact="settings\.([\w.]+)"', differ)
    assert names == ["model.quality", "loops.spacing"] and 'data-fact="settings.loops.reach"' in same
    assert "balanced" in differ and "model.keypoints" not in names  # which the quality decides


def test_a_calibration_is_told_in_numbers(told_run: Run) -> None:
    camera = {"intrinsics": {"model": "PINHOLE", "params": [208.516, 208.5, 159.5, 119.5], "source": "K <1>.txt"}}
    told_run.write_status(told_run.read_status() | {"settings": {"camera": camera}})
    assert "PINHOLE 208.516, 208.5, 159.5, 119.5 (K &lt;1&gt;.txt)" in read(told_run).page


@pytest.mark.slow
def test_nothing_is_fetched_and_nothing_runs(compared_run: Run) -> None:
    report = read(compared_run)
    assert "script" not in {tag for tag, _ in report.tags} and "http" not in report.page.replace("http-equiv", "")
    sources = [attrs[key] for tag, attrs in report.tags if tag != "a" for key in ("src", "href") if key in attrs]
    assert len(sources) >= 4 and all(source.startswith("data:image/") for source in sources)
    assert not any(name.startswith("on") for _, attrs in report.tags for name in attrs)
    assert any("default-src 'none'" in attrs.get("content", "") for _, attrs in report.tags)
    assert "url(" not in report.page and "@import" not in report.page


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(compared_run: Run) -> None:
    assert read(compared_run).page == read(compared_run).page


@pytest.mark.slow
def test_an_evaluation_of_another_map_is_not_shown(compared_run: Run) -> None:
    scene = compared_run.read_scene()
    compared_run.write_scene(Scene("metres", 2.0, scene.submaps))
    report = read(compared_run)
    assert "another state of this map" in report.page
    (compared_run.path / "evaluation.json").write_text('{"path": ')
    assert "evaluation.json is damaged" in read(compared_run).page
    assert not [figure for figure in report.figures if figure.name.startswith("evaluation")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "text"),
    [("interrupted", "The same command goes on"), ("failed", "log.txt tells why"), ("running", "placed until now")],
)
def test_what_did_not_finish_says_so(told_run: Run, state: str, text: str) -> None:
    told_run.write_status(told_run.read_status() | {"state": state})
    assert text in read(told_run).page


def test_a_run_of_which_nothing_was_placed_says_why(tmp_path: Path) -> None:
    run = create_run(tmp_path / "dark")
    unplaced = {"from_s": 0.0, "to_s": 0.9, "code": "unplaced", "text": "10 frames blank (dark)"}
    low = unplaced | {"code": "low_confidence"}
    of_frames = {"source_indices": list(range(10)), "timestamps": [k / 10 for k in range(10)], "frames": 10}
    run.write_status(
        STATUS | of_frames | {"state": "finished", "trust": {"share": 0.0, "stretches": [low]}, "advice": [unplaced]}
    )
    report = read(run)
    assert "No frame could be placed" in report.page and "10 frames blank (dark)" in report.page
    assert [attrs["data-code"] for _, attrs in report.tags if "data-code" in attrs] == ["unplaced"]  # once
    assert report.value("placed") == 0 and 'id="maps"' not in report.page and 'id="profiles"' not in report.page


def test_a_run_without_a_window_or_with_one_frame_has_a_report(tmp_path: Path) -> None:
    assert "still going" in read(create_run(tmp_path / "new")).page
    run = create_run(tmp_path / "one")
    one = {"source_indices": [0], "timestamps": [0.0], "frames": 1, "state": "interrupted"}
    run.write_status(STATUS | one | {"advice": []})
    assert 'data-fact="duration_s" value="0.0"' in read(run).page


def test_a_run_of_an_older_build_and_without_pictures_has_a_report(tmp_path: Path) -> None:
    report = ReadReport(report_page(street_run(tmp_path / "old").path))
    assert "<img" not in report.page and report.value("placed") == 28 and report.value("trust.share") is None
    assert "not measured" in report.page and 'id="settings"' not in report.page


@pytest.mark.slow
def test_a_large_picture_is_made_smaller(told_run: Run) -> None:
    import cv2

    noise = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), np.uint8)
    assert cv2.imwrite(str(told_run.path / "overview.png"), noise)
    assert len(read(told_run).page) < 5_000_000
    (told_run.path / "overview.png").write_bytes(b"none" * 1_000_000)
    assert "overview.png is damaged" in read(told_run).page


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1234567, "1,234,567"), (1234.5678, "1,235"), (0.01234, "0.0123"), ("sfm", "sfm")]
)
def test_numbers_have_three_digits_that_count(value: Any, text: str) -> None:
    assert number(value) == text


@pytest.mark.slow
def test_defaults_are_no_settings_of_a_user(told_run: Run) -> None:
    told_run.write_status(told_run.read_status() | {"settings": Settings().model_dump(mode="json")})
    assert "All are the defaults" in read(told_run).page
