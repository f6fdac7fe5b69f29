"""Numbers along a way as one line of signs."""

from __future__ import annotations

import numpy as np

from da3_stream.report.sparkline import ASCII, binned, sparkline

NAN = np.nan


def test_the_lowest_and_the_highest_sign_are_the_ends() -> None:
    assert sparkline(np.arange(8.0)) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.arange(8.0), ASCII) == ASCII
    assert sparkline(np.array([0.5, 1.0, 2.0]), low=0.0, high=1.0) == "▅██"


def test_what_is_not_known_is_a_gap() -> None:
    assert sparkline(np.array([NAN, 0.0, NAN, 1.0, NAN])) == " ▁ █ "
    assert sparkline(np.full(3, NAN)) == "   "
    assert sparkline(np.zeros(0)) == ""


def test_equal_values_lie_in_the_middle() -> None:
    assert sparkline(np.full(3, 7.0)) == "▅▅▅"


def test_stretches_join_their_values() -> None:
    at, values = np.arange(10.0), np.array([1.0, 3, NAN, NAN, 5, 7, 1, 1, 9, 0])
    np.testing.assert_array_equal(binned(at, values, 5, np.mean), [2.0, NAN, 6, 1, 4.5])
    np.testing.assert_array_equal(binned(at, values, 5, np.min), [1.0, NAN, 5, 1, 0])


def test_few_values_fill_their_line_but_for_what_is_not_known() -> None:
    found = binned(np.arange(4.0), np.array([1.0, NAN, 3, 4]), 8, np.mean)
    np.testing.assert_array_equal(found, [1, 1, NAN, NAN, NAN, 3, 3, 4])
    assert np.isnan(binned(np.zeros(0), np.zeros(0), 4, np.mean)).all()
    np.testing.assert_array_equal(binned(np.array([5.0]), np.array([2.0]), 3, np.mean)[0], 2.0)
