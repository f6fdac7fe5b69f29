"""The times of a sequence's pictures, as whatever tells them gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .stamps import seconds


@dataclass(frozen=True, eq=False)
class PictureTimes:
    """Times of those pictures that have one.

    `order` are their numbers among all pictures, in order of their times, `times` [N] their seconds, and `nanoseconds`
    [N] the same exactly, where the input has times. `said` is what people should know of them.
    """

    order: Sequence[int]
    times: Sequence[float]
    nanoseconds: Sequence[int] = ()
    said: Sequence[str] = ()

    @property
    def has_times(self) -> bool:
        """Whether the times are the input's own, and not assumed."""
        return bool(self.nanoseconds)


def by_time(nanoseconds: Sequence[int], numbers: Sequence[int], said: Sequence[str]) -> PictureTimes:
    """The times of the pictures with these numbers, sorted; another order than that of the numbers is said."""
    pairs = sorted(zip(nanoseconds, numbers, strict=True))
    order = [number for _, number in pairs]
    times = [time for time, _ in pairs]
    moved = [] if order == sorted(order) else ["the pictures are in order of their times, not of their names"]
    return PictureTimes(order, seconds(times), times, [*said, *moved])
