"""One line that tells how far something is: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tqdm import tqdm

FIRST_S = 10.0  # between plain lines
GROWTH = 0.1  # the longer something lasts, the rarer they come: this share of its time passes between two


@dataclass(frozen=True)
class Figures:
    """How far it is: `done` of `total` (None: nobody knows); the rate a second over what this process did, the seconds
    that are left, and what else is to be told."""

    done: int
    total: int | None = None
    per_second: float | None = None
    seconds_left: float | None = None
    more: tuple[str, ...] = ()

    def text(self, unit: str) -> str:
        """All but how much is done, in words."""
        rate = () if self.per_second is None else (f"{self.per_second:.3g} {unit}/s",)
        left = () if self.seconds_left is None else (f"{duration(self.seconds_left)} left",)
        return ", ".join([*rate, *left, *self.more])


class Bar(Protocol):
    """Whoever shows it."""

    def show(self, figures: Figures) -> None:
        """Now it is so far."""
        ...

    def close(self) -> None:
        """It has ended."""
        ...


class NoBar:
    """Nobody does."""

    def show(self, figures: Figures) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class TerminalBar:
    """A bar of tqdm on stderr, as wide as the terminal."""

    def __init__(self, what: str, unit: str, total: int | None, done: int) -> None:
        from tqdm import tqdm

        self._unit = unit
        counted = "{n_fmt}/{total_fmt}" if total is not None else f"{{n_fmt}} {unit}s"
        form = f"{what} {{percentage:3.0f}}%|{{bar}}| {counted}" if total is not None else f"{what} {counted}"
        self._bar: tqdm = tqdm(
            total=total, initial=done, bar_format=f"{form}{{postfix}}", dynamic_ncols=True, mininterval=0.2
        )

    def show(self, figures: Figures) -> None:
        """Draw it, if the last time is long enough ago."""
        self._bar.set_postfix_str(figures.text(self._unit), refresh=False)
        self._bar.update(figures.done - self._bar.n)

    def close(self) -> None:
        """Leave it as it is at last."""
        self._bar.refresh()
        self._bar.close()


@dataclass
class PlainLines:
    """Lines on stderr without control codes: about one in ten seconds at first, later one in a tenth of the time that
    has passed, so that they are few however long it lasts; and one at the end."""

    what: str
    unit: str
    _start: float = field(default_factory=lambda: time.monotonic())
    _next_s: float = FIRST_S
    _waiting: Figures | None = None

    def show(self, figures: Figures) -> None:
        """Tell it, if the last time is long enough ago."""
        passed = time.monotonic() - self._start
        self._waiting = figures
        if passed >= self._next_s:
            self._next_s = passed + max(FIRST_S, GROWTH * passed)
            self._tell()

    def close(self) -> None:
        """Tell what was not told yet."""
        self._tell()

    def _tell(self) -> None:
        figures, self._waiting = self._waiting, None
        if figures is not None:
            of = "" if figures.total is None else f"/{figures.total}"
            rest = figures.text(self.unit)
            sys.stderr.write(f"{self.what} {figures.done}{of} {self.unit}s{', ' * bool(rest)}{rest}\n")


def open_bar(what: str, total: int | None, shown: bool, done: int = 0, unit: str = "frame") -> Bar:
    """What shows people how far something (`what`) is, as stderr can: over `total` units, of which some are `done`."""
    if not shown:
        return NoBar()
    if sys.stderr.isatty():
        return TerminalBar(what, unit, total, done)
    return PlainLines(what, unit)


def say(text: str) -> None:
    """A line on stderr that does not tear a bar."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)


def duration(seconds: float) -> str:
    """In the unit that people would take."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
