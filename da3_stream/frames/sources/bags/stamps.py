"""The times of pictures in a bag: those of their headers, else those at which the bag received them.

Where the clock of headers leaps or falls back and that of the bag does not, it was set: the leap is closed up. A pause
is one in both, and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from .reading import Message

LEAP_NS = 60 * 10**9  # by which one clock goes on more than the other when it was set, and no picture is so late
LONGEST_PAUSE_NS = 24 * 3600 * 10**9  # of both clocks; a robot that learns the time of day sets both
MOST_REPEATS = 0.5  # of the steps between pictures; a clock that stands still more often tells no times


@dataclass(frozen=True)
class Times:
    """Of one message, in nanoseconds: when the bag received it, and what its header says (None: it can't be read)."""

    logged_ns: int
    stamp_ns: int | None


@dataclass(frozen=True)
class BagClock:
    """Which of the two counts, or the rate alone, and how many pictures come a second."""

    kind: Literal["headers", "bag", "rate"]
    rate: float

    @property
    def step_ns(self) -> int:
        """The usual time between two pictures."""
        return round(1e9 / self.rate)

    def told_ns(self, times: Times) -> int | None:
        """What the clock tells of a message; None where it can't be read."""
        return times.stamp_ns if self.kind == "headers" else times.logged_ns


@dataclass(frozen=True, eq=False)
class TimedMessage:
    """A message with its time; `reason` tells why it is no frame, where it is none."""

    time_ns: int
    message: Message
    reason: str = ""


def read_times(message: Message) -> Times:
    """Both times of a message that has a header."""
    if isinstance(message.content, str):
        return Times(message.logged_ns, None)
    stamp = message.content.header.stamp
    return Times(message.logged_ns, int(stamp.sec) * 10**9 + int(stamp.nanosec))


def choose_clock(first: Sequence[Times], default_rate: float) -> tuple[BagClock, str]:
    """The clock by the first pictures' times, and what is to be said of it ("": nothing)."""
    stamps = [times.stamp_ns for times in first if times.stamp_ns is not None]
    logged = [times.logged_ns for times in first]
    if any(stamps) and not _stands_still(stamps):
        return BagClock("headers", _rate(stamps, default_rate)), ""
    why = "stand still" if any(stamps) else "are zero"
    if not _stands_still(logged):
        rate = _rate(logged, default_rate)
        return BagClock(
            "bag", rate
        ), f"the stamps of its pictures {why}: their times are those at which the bag got them"
    return (
        BagClock("rate", default_rate),
        f"the stamps of its pictures {why}, and the bag got all at once: {default_rate:g} a second are assumed "
        "(frames.default_fps)",
    )


def _stands_still(times_ns: Sequence[int]) -> bool:
    steps = _steps(times_ns)
    return bool(steps) and sum(step == 0 for step in steps) > MOST_REPEATS * len(steps)


def _rate(times_ns: Sequence[int], default: float) -> float:
    """Pictures a second by the median step forward."""
    forward = [step for step in _steps(times_ns) if step > 0]
    return 1e9 / median(forward) if forward else default


def _steps(times_ns: Sequence[int]) -> list[int]:
    return [later - earlier for earlier, later in zip(times_ns, times_ns[1:], strict=False)]


def time_messages(messages: Iterable[Message], clock: BagClock, say: Callable[[str], None]) -> Iterator[TimedMessage]:
    """Messages with times in nanoseconds that never fall back; a picture whose stamp does, or stays, is no frame.

    `say` is told where the clock was set.
    """
    before: Times | None = None
    latest_ns = mended_ns = 0
    for number, message in enumerate(messages):
        times = read_times(message)
        told_ns = number * clock.step_ns if clock.kind == "rate" else clock.told_ns(times)
        if told_ns is None:
            latest_ns += clock.step_ns if number else times.logged_ns
            yield TimedMessage(latest_ns, message)
            continue
        if before is not None and (leap_ns := _leap_ns(before, times, clock)):
            mended_ns -= leap_ns
            say(f"the clock of its pictures was set by {leap_ns / 1e9:.3f} s at picture {number}: closed up")
        if before is not None and told_ns + mended_ns <= latest_ns:
            yield TimedMessage(latest_ns, message, "its stamp is not later than that of the picture before")
            continue
        before, latest_ns = times, told_ns + mended_ns
        yield TimedMessage(latest_ns, message)


def _leap_ns(before: Times, times: Times, clock: BagClock) -> int:
    """By how much the clock went on too far (below 0: too little) from one message to the next; 0 if it was not set."""
    told = clock.told_ns(before), clock.told_ns(times)
    if clock.kind == "rate" or told[0] is None or told[1] is None:
        return 0
    step, logged = told[1] - told[0], times.logged_ns - before.logged_ns
    if abs(step - logged) <= LEAP_NS and step <= LONGEST_PAUSE_NS:
        return 0
    return step - (logged if 0 < logged <= LONGEST_PAUSE_NS else clock.step_ns)
