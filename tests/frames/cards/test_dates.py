"""Dates in names are read in the order in which they were written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from da3_stream.frames.sources.cards.dates import read_dates

NOON = datetime(2024, 3, 1, 12, 30, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "stem",
    [
        "2024_0301_123015_0001F",
        "20240301123015_000123F",
        "NO20240301-123015-000001F",
        "DJI_20240301123015_0001_D",
        "VID_20240301_123015",
        "VID_20240301_123015_00_001",
        "REC_2024_03_01_12_30_15_F",
        "2024-03-01_12-30-15-front",
        "WhatsApp Video 2024-03-01 at 12.30.15",
        "2024-03-01T12:30:15",
        "240301_123015_001_FH",
        "01-03-2024 12-30-15",
        "dji_fly_20240301_123015_12_1709296215000_video",
        "clip_1709296215",
    ],
)
def test_a_date_with_the_time_of_day(stem: str) -> None:
    (date,) = read_dates([stem])
    assert date is not None and date.seconds == NOON and date.is_moment


def test_milliseconds_of_phones() -> None:
    (date,) = read_dates(["PXL_20240301_123015250"])
    assert date is not None and date.seconds == NOON + 0.25


@pytest.mark.parametrize("stem", ["GH010001", "DJI_0001", "IMG_1234", "C0001", "clip", "MOV_99999999", "00001"])
def test_counters_are_no_dates(stem: str) -> None:
    assert read_dates([stem]) == [None]


def test_a_day_alone_is_no_moment() -> None:
    (date,) = read_dates(["trip 2024-03-01"])
    assert date is not None and not date.is_moment


def test_the_order_of_day_and_month_is_that_in_which_files_lie_closest() -> None:
    days = read_dates([f"{day:02d}-03-2024_12-30-15" for day in (1, 2, 3)])
    months = read_dates([f"03-{day:02d}-2024_12-30-15" for day in (1, 2, 3)])
    assert [date.seconds - NOON for date in days if date] == [0, 86400, 2 * 86400]
    assert [date.seconds - NOON for date in months if date] == [0, 86400, 2 * 86400]


def test_a_thirteenth_month_tells_the_order_of_all() -> None:
    dates = read_dates(["03-01-2024_12-30-15", "03-13-2024_12-30-15"])
    assert [date.seconds - NOON for date in dates if date] == [0, 12 * 86400]
