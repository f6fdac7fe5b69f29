"""What neighbouring windows say alike is one row."""

from __future__ import annotations

from da3_stream.session.advice.advice_log import MOST_ROWS, AdviceLog, merge_advice
from da3_stream.types import Advice, AdviceCode

FRAMES = range(0, 3000, 3)  # selected: every third one


def row(first: int, last: int, code: AdviceCode = AdviceCode.LENS_CHANGED, text: str = "a") -> Advice:
    return Advice(code, text, first, last)


def test_rows_that_overlap_or_touch_are_joined() -> None:
    merged = merge_advice([row(63, 120), row(0, 60), row(120, 150)], FRAMES)  # no selected frame between 60 and 63
    assert merged == [row(0, 150)]


def test_rows_with_a_frame_between_them_stay_apart() -> None:
    assert merge_advice([row(66, 90), row(0, 60)], FRAMES) == [row(0, 60), row(66, 90)]


def test_rows_of_other_codes_are_not_joined() -> None:
    rows = [row(0, 60), row(30, 90, AdviceCode.STANDING)]
    assert merge_advice(rows, FRAMES) == rows


def test_a_joined_row_says_what_the_longer_one_said() -> None:
    merged = merge_advice([row(0, 9, text="short"), row(9, 60, text="long"), row(60, 63, text="last")], FRAMES)
    assert merged == [row(0, 63, text="long")]


def test_a_row_within_another_does_not_shorten_it() -> None:
    assert merge_advice([row(0, 60), row(3, 9)], FRAMES) == [row(0, 60)]


def test_a_log_stays_small_and_covers_all_that_was_said() -> None:
    log = AdviceLog()
    for first in range(0, 3000, 12):
        log.add([row(first, first + 3)], FRAMES)
    assert len(log.rows) == MOST_ROWS
    assert (log.rows[0].first_frame, log.rows[-1].last_frame) == (0, 2991)


def test_a_log_goes_on_from_its_state_as_if_nothing_had_happened() -> None:
    said = [[row(k, k + 6, text=f"{k}"), row(k, k + 3, AdviceCode.TURNING)] for k in range(0, 300, 5)]
    whole, first, second = AdviceLog(), AdviceLog(), AdviceLog()
    for advice in said:
        whole.add(advice, FRAMES)
    for advice in said[:20]:
        first.add(advice, FRAMES)
    second.restore(first.state())
    for advice in said[20:]:
        second.add(advice, FRAMES)
    assert second.rows == whole.rows
