"""Which stretches of a run are not to be trusted, and what it advises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from da3_stream.report.words import says_ok
from da3_stream.session.advice.run_trust import run_trust, trust_until_now
from da3_stream.session.advice.unplaced import unplaced_advice
from da3_stream.store import INTERPOLATED, create_run
from da3_stream.store.pose_table import UNPLACED
from da3_stream.types import Advice, AdviceCode, Status
from da3_stream.types.advice import DISTRUSTING
from tests.worlds.pose_tables import table


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


def test_the_page_on_trust_names_every_code_and_every_status() -> None:
    page = (Path(__file__).parents[3] / "docs" / "trust.md").read_text()
    names = [*AdviceCode, *Status, INTERPOLATED, UNPLACED]
    assert [name for name in names if f"`{name}`" not in page] == []
    told = page.partition("| code of an advice |")
    for code in AdviceCode:
        assert f"| `{code}` |" in told[0 if code in DISTRUSTING else 2]
