"""What the names of pictures tell: times, or numbers of frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from math import gcd

from .stamps import nanoseconds, plain_unit, read_date

_PLAIN = re.compile(r"(?<![\d.])(\d{10}\.\d+|\d{10}|\d{13}|\d{16}|\d{19})(?!\d)(?!\.\d)")
_PARTS = re.compile(r"(?<![\d.])(\d{10})[_-](\d{9}|\d{6})(?!\d)")  # seconds, and all digits of a fraction
_SHORT = re.compile(r"(?<![\w.])(\d+\.\d{6,})(?!\d)")  # seconds of any clock
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_. T]*(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)"
    r"(?:\.?(\d{9}|\d{6}|\d{3}))?(?!\d)"
)
_LONG = re.compile(r"(?<!\d)(\d{11,18})(?!\d)")  # nanoseconds of another clock, if their steps are those of frames
FRAME_STEPS = (10**7, 10**9)  # ns, the median: 1 to 100 frames a second
LARGEST_NUMBER = 10**8  # of a frame; more is a time of an unknown clock


def times_in_names(stems: Sequence[str]) -> list[int] | None:
    """The nanoseconds that names (without suffix) plainly are: seconds, milliseconds, microseconds or nanoseconds
    since 1970, seconds with six decimals and more, dates with a time of day (as if UTC), or nanoseconds of another
    clock by which pictures come as frames do.

    None where a name has none, where they differ in anything else, or where two are the same.
    """
    for pattern, read in (
        (_PLAIN, _plain),
        (_PARTS, _parts),
        (_SHORT, _short),
        (_DATE, _date),
        (_LONG, _long),
    ):
        found = [pattern.search(stem) for stem in stems]
        matches = [match for match in found if match is not None]
        around = {(match.string[: match.start()], match.string[match.end() :]) for match in matches}
        if len(matches) < len(stems) or len(around) != 1:
            continue
        times = [time for time in map(read, matches) if time is not None]
        if len(set(times)) == len(stems) and (pattern is not _LONG or _step_like_frames(times)):
            return times
    return None


def frame_numbers(stems: Sequence[str]) -> list[int] | None:
    """The numbers that names (without suffix) count frames by, ascending; None where they do not.

    One number differs, and nothing else; zeros before it do not matter.
    """
    parts = [re.split(r"(\d+)", stem) for stem in stems]
    if len(stems) < 2 or len({len(part) for part in parts}) > 1:
        return None
    columns = list(zip(*parts, strict=True))
    differing = [k for k, column in enumerate(columns) if len(set(column)) > 1]
    if len(differing) != 1 or differing[0] % 2 == 0:
        return None
    numbers = [int(text) for text in columns[differing[0]]]
    ascend = all(a < b for a, b in zip(numbers, numbers[1:], strict=False))
    return numbers if ascend and numbers[-1] < LARGEST_NUMBER else None


def even_steps(numbers: Sequence[int]) -> list[int]:
    """Ascending frame numbers counted from the first one, in units of their greatest common step: where every tenth
    frame was kept, that is no gap."""
    since = [number - numbers[0] for number in numbers]
    unit = reduce(gcd, since)
    return [number // unit for number in since]


def _plain(match: re.Match[str]) -> int | None:
    number = Decimal(match[1])
    unit = plain_unit(number)
    return None if unit is None else nanoseconds(number, unit)


def _parts(match: re.Match[str]) -> int | None:
    number = Decimal(f"{match[1]}.{match[2]}")
    return nanoseconds(number, "s") if plain_unit(number) == "s" else None


def _short(match: re.Match[str]) -> int:
    return nanoseconds(Decimal(match[1]), "s")


def _date(match: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second, fraction = match.groups()
    return read_date(f"{year}-{month}-{day} {hour}:{minute}:{second}.{fraction or 0}")


def _long(match: re.Match[str]) -> int:
    return int(match[1])


def _step_like_frames(times: Sequence[int]) -> bool:
    steps = sorted(b - a for a, b in pairwise(sorted(times)))
    return len(steps) > 0 and FRAME_STEPS[0] <= steps[len(steps) // 2] <= FRAME_STEPS[1]
