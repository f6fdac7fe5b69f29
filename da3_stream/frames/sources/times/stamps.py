"""Times as texts and as whole nanoseconds.

Nanoseconds are exact where float64 seconds of today are 240 ns apart: `seconds` rounds once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

Unit = Literal["s", "ms", "us", "ns"]

POWER: dict[Unit, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}  # of ten: nanoseconds in a unit
SINCE, UNTIL = 10**9, 2 * 10**9  # seconds since 1970 that are plainly such: from 2001 to 2033
DIGITS = 40  # at most, before the point: more is no time


def read_number(text: str) -> Decimal | None:
    """The finite number that a text stands for, exactly; None where it is none."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < DIGITS else None


def plain_unit(number: Decimal) -> Unit | None:
    """The unit in which a number is a time of our years since 1970; None where it is in none."""
    for unit, power in POWER.items():
        if SINCE <= number.scaleb(power - 9) < UNTIL:
            return unit
    return None


def nanoseconds(number: Decimal, unit: Unit) -> int:
    """The nearest whole nanosecond."""
    return int(number.scaleb(POWER[unit]).to_integral_value())


def seconds(times: Iterable[int]) -> list[float]:
    """Nanoseconds as the nearest float64 seconds."""
    return [time / 10**9 for time in times]


def read_date(text: str) -> int | None:
    """Nanoseconds since 1970 of an ISO date with a time of day (as if UTC, where it tells no zone); else None."""
    head, point, rest = text.strip().partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(head + rest[len(digits) :])
    except ValueError:
        return None
    if len(head) < len("2026-05-01 09:30") or (point and not digits):
        return None
    whole = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(whole.timestamp()) * 10**9 + int((digits + "0" * 9)[:9])
