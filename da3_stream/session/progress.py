"""What a person sees while a run goes on, and the log that stays in the run directory."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..errors import StoreError
from ..slam import WindowUpdate
from .estimate import estimate_disk
from .job import Job

if TYPE_CHECKING:
    from tqdm import tqdm

LOGGER = "da3_stream"
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

WINDOWS_TO_TIME = 3  # after which the time left is told

log = logging.getLogger(__name__)


def say(text: str, shown: bool) -> None:
    """A line for the log, and for people where they are `shown` how it goes."""
    from tqdm import tqdm

    log.info(text)
    if shown:
        tqdm.write(text, file=sys.stderr)


def progress_bar(total: int | None, description: str, shown: bool, done: int = 0) -> tqdm:
    """A bar over frames on stderr: frames a second and, where the total is known, the time left."""
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=done,
        desc=description,
        unit="frame",
        disable=not shown,
        dynamic_ncols=True,
        smoothing=0,  # frames come in whole windows: the mean over the run is the honest rate
        mininterval=0.2,
    )


class RunProgress:
    """The bar over the frames of a run, of which some may be `done`; before it, in words, what the run will take."""

    def __init__(self, out: Path, job: Job, done: int, shown: bool) -> None:
        self._out, self._job, self._done, self._shown = out, job, done, shown

    def __enter__(self) -> Self:
        free, expected = shutil.disk_usage(self._out).free, self._job.source.expected
        say(f"to do: {estimate_disk(self._job, self._done).text(free)}", self._shown)
        self._bar = progress_bar(expected, "reconstructing", self._shown, self._done)
        self._time = TimeEstimate(None if expected is None else expected - self._done, self._shown)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._bar.close()

    def advance(self, update: WindowUpdate) -> None:
        """A window is committed, with the frames that it owns and those left out beside them."""
        frames = sum(1 + len(frame.left_out) for frame in update.prediction.window.owned_frames)
        self._bar.update(frames)
        self._time.advance(frames)


@dataclass
class TimeEstimate:
    """Tells once, after some windows, how long the rest of `expected` frames (None: unknown) will take."""

    expected: int | None
    shown: bool
    _windows: int = 0
    _frames: int = 0
    _start: float = field(default_factory=time.monotonic)

    def advance(self, frames: int) -> None:
        """A window is finished, and with it so many frames."""
        self._windows, self._frames = self._windows + 1, self._frames + frames
        if self._windows == WINDOWS_TO_TIME:
            left = None if self.expected is None else max(self.expected - self._frames, 0)
            say(rate_text(self._frames, time.monotonic() - self._start, left), self.shown)


def rate_text(frames: int, seconds: float, left: int | None) -> str:
    """How fast it goes, and how long it will go on."""
    rate = frames / max(seconds, 1e-6)
    if left is None:
        return f"{rate:.3g} frames a second"
    return f"{rate:.3g} frames a second: about {_duration(left / rate)} left, and the time for the outputs"


class _LogFile(logging.FileHandler):
    """A log that a full disk leaves with gaps; that the disk is full is told by what matters more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Nothing."""


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """What the package logs from INFO on goes to a file, too. Raises StoreError if it cannot be opened."""
    logger = logging.getLogger(LOGGER)
    try:
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    handler.setLevel(logging.INFO)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logging.INFO, logger.getEffectiveLevel()))
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.close()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
