"""Dates in the names of files, as cameras, phones and programs write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

Read = Callable[[re.Match[str]], tuple[str, str, str]]  # year, month, day

TIME = r"(?:[-_. T]|at )*(?P<H>\d\d)[-_.:h ]?(?P<M>\d\d)[-_.:m ]?(?P<S>\d\d)(?P<ms>\d{3})?(?!\d)"
SEPARATED = r"(?<!\d)(?P<a>\d\d)[-_.](?P<b>\d\d)[-_.](?P<y>(?:19|20)\d\d)"
YEAR_FIRST = r"(?<!\d)(?P<y>(?:19|20)\d\d)[-_. ]?(?P<b>\d\d)[-_. ]?(?P<a>\d\d)"
YEAR_LAST = r"(?<!\d)(?P<a>\d\d)(?P<b>\d\d)(?P<y>20\d\d)(?=[-_])"
SHORT = r"(?<!\d)(?P<p>\d\d)(?P<q>\d\d)(?P<r>\d\d)[-_](?=\d{6}(?!\d))"
SECONDS = re.compile(r"(?<!\d)(1[2-9]\d{8})(\d{3})?(?!\d)")  # since 1970, from 2008 on


@dataclass(frozen=True)
class NameDate:
    """Seconds since 1970 that a name tells, by a clock of unknown zone; `is_moment`: with the time of day."""

    seconds: float
    is_moment: bool


@dataclass(frozen=True)
class DateOrder:
    """One way to read dates: a pattern, and which of its groups are year, month and day."""

    name: str
    pattern: re.Pattern[str]
    groups: tuple[str, str, str]

    def read(self, stem: str) -> NameDate | None:
        """The date in a name without its suffix, if it has one that is possible."""
        match = self.pattern.search(stem)
        if match is None:
            return None
        parts = match.groupdict()
        year, month, day = (int(parts[group]) for group in self.groups)
        hour, minute, second = (int(parts.get(key) or 0) for key in "HMS")
        try:
            moment = datetime(year + 2000 * (year < 100), month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            return None
        return NameDate(moment.timestamp() + int(parts.get("ms") or 0) / 1000, parts.get("H") is not None)


def _order(name: str, pattern: str, groups: str) -> DateOrder:
    return DateOrder(name, re.compile(pattern, re.IGNORECASE), (groups[0], groups[1], groups[2]))


ORDERS = (
    _order("year, month, day", YEAR_FIRST + TIME, "yba"),
    _order("day, month, year", SEPARATED + TIME, "yba"),
    _order("month, day, year", SEPARATED + TIME, "yab"),
    _order("day, month, year", YEAR_LAST + TIME, "yba"),
    _order("month, day, year", YEAR_LAST + TIME, "yab"),
    _order("year, month, day", SHORT + TIME, "pqr"),
    _order("day, month, year", SHORT + TIME, "rqp"),
    _order("month, day, year", SHORT + TIME, "rpq"),
    _order("year, month, day", YEAR_FIRST + r"(?!\d)", "yba"),
    _order("day, month, year", SEPARATED + r"(?!\d)", "yba"),
    _order("month, day, year", SEPARATED + r"(?!\d)", "yab"),
)


def read_dates(stems: Sequence[str]) -> list[NameDate | None]:
    """The dates of files from their names without suffixes; None where a name has none.

    Of all orders of day, month and year, the one counts that reads most of the names, and of those that read as many
    the one by which the files lie closest together; files were recorded near each other.
    """
    readings = [[order.read(stem) for stem in stems] for order in ORDERS]
    readings.append([_since_1970(stem) for stem in stems])
    return max(readings, key=_plausibility)


def _plausibility(dates: Sequence[NameDate | None]) -> tuple[int, int, float]:
    known = list(_known(dates))
    seconds = [date.seconds for date in known]
    return len(known), sum(date.is_moment for date in known), min(seconds, default=0) - max(seconds, default=0)


def _known(dates: Sequence[NameDate | None]) -> Iterator[NameDate]:
    return (date for date in dates if date is not None)


def _since_1970(stem: str) -> NameDate | None:
    match = SECONDS.search(stem)
    return None if match is None else NameDate(int(match[1]) + int(match[2] or 0) / 1000, True)
