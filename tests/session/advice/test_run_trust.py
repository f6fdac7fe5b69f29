"""Which stretches of a run are not to be trusted, and what it advises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream.session.advice.confidence_strip import MOST_BARS, confidence_strip
from da3_stream.session.advice.run_trust import run_trust, says_ok, trust_until_now
from da3_stream.session.advice.unplaced import unplaced_advice
from da3_stream.session.advice.words import MOST_LINES, moment, trust_lines
from da3_stream.store import INTERPOLATED, PoseTable, create_run
from da3_stream.store.pose_table import UNPLACED
from da3_stream.types import Advice, AdviceCode, Status
from da3_stream.types.advice import DISTRUSTING

STEP_S = 0.5


def table(confidence: list[float], status: list[str] | None = None) -> PoseTable:
    """A run of which every other frame is selected, two a second; one without any confidence has no pose."""
    n = len(confidence)
    known = np.array(confidence) > 0
    return PoseTable(
        source_index=2 * np.arange(n),
        timestamp=STEP_S * np.arange(n),
        has_times=True,
        segment=np.where(known, 0, -1),
        world_from_camera=np.where(known[:, None, None], np.eye(4), np.nan),
        depth_scale=np.where(known, 1.0, np.nan),
        intrinsics=np.tile(np.eye(3), (n, 1, 1)),
        status=tuple(status or ["OK" if k else "UNPLACED" for k in known]),
        confidence=np.array(confidence),
    )


def spans(remarks: Any) -> list[tuple[str, float, float]]:
    return [(remark.code.value, remark.from_s, remark.to_s) for remark in remarks]


def test_five_rows_of_low_confidence_are_a_stretch_and_four_are_none() -> None:
    trust = run_trust(table([0.9] * 10 + [0.4] * 5 + [0.5] + [0.1] * 4 + [0.9] * 10), [])
    assert spans(trust.stretches) == [("low_confidence", 5.0, 7.0)] and trust.advice == ()
    assert trust.share == pytest.approx(21 / 30)
    assert not says_ok(trust.as_json()["trust"] | {"stretches": spans(trust.stretches)})


def test_an_advice_that_distrusts_the_map_is_a_stretch_and_never_advice_alone() -> None:
    rows = [Advice(AdviceCode.LENS_CHANGED, "it zooms", 6, 15), Advice(AdviceCode.STATIC_MASK, "a bonnet", 0, 38)]
    trust = run_trust(table([0.9] * 20), rows)
    assert spans(trust.stretches) == [("lens_changed", 1.5, 3.5)]  # of the selected frames 6 to 14
    assert spans(trust.advice) == [("static_mask", 0.0, 9.5)]
    assert trust.share == 1.0


def test_times_count_from_the_first_frame_of_the_input() -> None:
    poses = table([0.9] * 10 + [0.4] * 5 + [0.9] * 5)
    since = 1341845688.562012
    late = replace(poses, timestamp=poses.timestamp + since + 2.0)
    trust = run_trust(late, [Advice(AdviceCode.STATIC_MASK, "a bonnet", 0, 38)], since=since)
    assert spans(trust.stretches) == [("low_confidence", 7.0, 9.0)]
    assert spans(trust.advice) == [("static_mask", 2.0, 11.5)]
    assert ">0:02<" in confidence_strip(late, since) and ">0:12<" in confidence_strip(late, since)


def test_all_frames_that_stand_or_turn_are_told_with_those_between_them() -> None:
    status = ["OK"] * 4 + ["HELD", "INTERPOLATED", "HELD", "INTERPOLATED"] + ["TURNED"] * 3 + ["OK"]
    trust = run_trust(table([0.9] * 12, status), [Advice(AdviceCode.TURNING, "said by the predictor", 14, 20)])
    assert spans(trust.advice) == [("standing", 2.0, 3.0), ("turning", 3.5, 5.0)]
    assert trust.advice[1].text == "said by the predictor" and trust.stretches == ()


def test_nine_tenths_of_the_poses_are_enough_for_ok() -> None:
    scattered = ([0.9] * 9 + [0.1]) * 4
    assert says_ok({"share": run_trust(table(scattered), []).share, "stretches": ()})
    assert not says_ok({"share": run_trust(table([0.1, *scattered]), []).share, "stretches": ()})


def test_a_run_without_frames_is_not_trusted() -> None:
    trust = run_trust(table([]), [Advice(AdviceCode.STANDING, "", 0, 1)])
    assert (trust.share, trust.stretches, trust.advice) == (0.0, (), ())


def test_while_a_run_goes_on_its_share_is_open_and_its_advice_is_told() -> None:
    rows = [Advice(AdviceCode.LENS_CHANGED, "it zooms", 4, 30), Advice(AdviceCode.STANDING, "it stands", 0, 2)]
    trust = trust_until_now(rows, [0, 2, 4, 6], [0.0, 1.0, 2.0, 3.0])
    assert trust.share is None and spans(trust.stretches) == [("lens_changed", 2.0, 3.0)]
    assert spans(trust.advice) == [("standing", 0.0, 1.0)]


def test_why_frames_have_no_pose_is_told_with_counts(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run")
    run.append_event("window", window=0, frames=(0, 20), notes=[], status="OK")
    run.append_event("window", window=1, frames=(16, 30), notes=["tried twice", "too blurred"], status="FAILED")
    poses = table([0.9] * 10 + [0.0] * 8 + [0.9, 0.0])
    (first, second) = unplaced_advice(run, poses, {})
    assert (first.first_frame, first.last_frame, second.first_frame) == (20, 34, 38)
    assert "6 frames in a window that failed (too blurred), 2 frames in no window that was finished" in first.text
    trust = run_trust(poses, [], [first, second])
    assert [remark.text for remark in trust.stretches] == [first.text]
    assert spans(trust.advice) == [("unplaced", 5.0, 8.5), ("unplaced", 9.5, 9.5)]


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


def test_the_strip_of_a_long_run_shows_its_worst_rows() -> None:
    confidence = np.full(50_000, 0.9)
    confidence[12_345] = 0.01
    strip = confidence_strip(table(confidence.tolist()))
    assert strip.count("<rect") == MOST_BARS and len(strip) < 100_000
    assert strip.count('height="3.52"') == 1 and confidence_strip(table([])) == ""


def test_the_page_on_trust_names_every_code_and_every_status() -> None:
    page = (Path(__file__).parents[3] / "docs" / "trust.md").read_text()
    names = [*AdviceCode, *Status, INTERPOLATED, UNPLACED]
    assert [name for name in names if f"`{name}`" not in page] == []
    told = page.partition("| code of an advice |")
    for code in AdviceCode:
        assert f"| `{code}` |" in told[0 if code in DISTRUSTING else 2]


def test_what_is_said_of_the_input_is_about_no_time() -> None:
    row = {"from_s": 0.0, "to_s": 9.0, "code": "input_times", "text": "a clock was mended"}
    lines = trust_lines({"trust": {"share": 1.0, "stretches": []}, "advice": [row]}, "report.html")
    assert lines[1:] == ["  input: a clock was mended"]
