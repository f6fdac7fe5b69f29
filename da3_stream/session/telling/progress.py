"""What is told of a run while it goes on: how far it is, and what happens to it, for people and for programs."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ...progress import Figures, Listener, open_bar, say
from ...progress.bar import duration
from ...slam import WindowUpdate
from ..estimate import estimate_disk
from ..job import Job
from .news import News, NewsWatch

if TYPE_CHECKING:
    from ..status import RunStatus

WINDOWS_TO_TIME = 3  # after which the time left is told

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MapFigures:
    """What a map has until now; the path's length is in `units`."""

    segments: int = 0
    loops: int = 0
    path_length: float = 0.0
    units: str = "relative"

    def words(self) -> tuple[str, ...]:
        """What there is of it."""
        return (
            length_text(self.path_length, self.units),
            *([f"{self.loops} loop{'s' * (self.loops != 1)}"] if self.loops else []),
            *([f"{self.segments} segments"] if self.segments > 1 else []),
        )


class RunProgress:
    """The bar over the frames of a run, of which some may be `done`; before it, in words, what the run will take.

    Between, a line for each thing that people want to know when it happens. The `listener` hears all that is told, also
    where nothing is `shown`.
    """

    def __init__(self, out: Path, job: Job, status: RunStatus, shown: bool, listener: Listener) -> None:
        self._out, self._job, self._status, self._shown, self._listener = out, job, status, shown, listener
        self._done = self._done_before = len(status.source_indices)
        self._windows = status.windows.total()

    def __enter__(self) -> Self:
        free, self._total = shutil.disk_usage(self._out).free, self._job.source.expected
        self._say(
            f"to do: {estimate_disk(self._job, self._done).text(free)}; after each window this tells how far it is"
        )
        self._bar = open_bar("reconstructing", self._total, self._shown, self._done)
        self._pace = Pace(None if self._total is None else self._total - self._done)
        self._watch = NewsWatch(self._job, self._status)
        self._listener("begin", {"what": "reconstructing", "done": self._done, "total": self._total})
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._bar.close()

    def advance(self, update: WindowUpdate, figures: MapFigures) -> None:
        """A window is committed, with the frames that it owns and those left out beside them."""
        frames = sum(1 + len(frame.left_out) for frame in update.prediction.window.owned_frames)
        self._done, self._windows = self._done + frames, self._windows + 1
        told = self._pace.advance(frames)
        if told:
            self._say(told)
        self._tell(self._watch.of_window(update))
        rate, left = self._pace.rate(), self._pace.seconds_left()
        self._bar.show(Figures(self._done, self._total, rate, left, figures.words()))
        self._listener("progress", self._fields(figures, rate, left))

    def finish(self) -> None:
        """All windows are committed, and the last word on the map is spoken."""
        self._tell(self._watch.of_advice())

    def _fields(self, figures: MapFigures, rate: float, left: float | None) -> dict[str, Any]:
        return {
            "what": "reconstructing",
            "done": self._done,
            "total": self._total,
            "per_second": round(rate, 3),
            "seconds_left": None if left is None else round(left, 1),
            "windows": self._windows,
            "segments": figures.segments,
            "loops": figures.loops,
            "path_length": round(figures.path_length, 3),
            "units": figures.units,
            "skipped": len(self._status.skipped),
        }

    def _tell(self, news: Iterable[News]) -> None:
        for new in news:
            self._say(new.line)
            self._listener(new.event, {**new.fields, "line": new.line})

    def _say(self, text: str) -> None:
        """A line for the log, and for people."""
        log.info(text)
        if self._shown:
            say(text)


@dataclass
class Pace:
    """How fast windows come, of which `expected` frames (None: unknown) are to come; earlier processes don't count."""

    expected: int | None
    _windows: int = 0
    _frames: int = 0
    _start: float = field(default_factory=time.monotonic)

    def advance(self, frames: int) -> str | None:
        """A window is finished, and with it so many frames; once, after some windows, how long the rest will take."""
        self._windows, self._frames = self._windows + 1, self._frames + frames
        return rate_text(self.rate(), self.seconds_left()) if self._windows == WINDOWS_TO_TIME else None

    def rate(self) -> float:
        """Frames a second: they come in whole windows, and the mean over the run is the honest rate."""
        return self._frames / max(time.monotonic() - self._start, 1e-6)

    def seconds_left(self) -> float | None:
        """Until the last window, not that of the outputs; None where nobody knows how many frames come."""
        if self.expected is None or not self._frames:
            return None
        return max(self.expected - self._frames, 0) / self.rate()


def rate_text(rate: float, seconds_left: float | None) -> str:
    """How fast it goes, and how long it will go on."""
    if seconds_left is None:
        return f"{rate:.3g} frames a second"
    return f"{rate:.3g} frames a second: about {duration(seconds_left)} left, and the time for the outputs"


def length_text(length: float, units: str) -> str:
    """A length with its unit."""
    if units != "metres":
        return f"{length:.3g} units"
    return f"{length / 1000:.2f} km" if length >= 1000 else f"{length:.0f} m" if length >= 10 else f"{length:.2f} m"
