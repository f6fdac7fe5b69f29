"""A video on its way: what it waits for, the process that works on it, and what became of that."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..store import Run
from .forecast import Forecast
from .places import Place, Process, Share
from .summary import Row, State
from .videos import Video

EMPTY, REFUSED = 3, 2  # exit statuses of `da3-stream run`
MOST_LOSSES = 5  # of machines under a video, that are not counted as attempts
OWN_OPTIONS = ("--json-log", "-", "-q")


@dataclass(eq=False)
class Work:
    """A process for a video, and what was promised to it."""

    place: Place
    process: Process
    share: Share
    began: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class Task:
    """A video, the row that tells of it, and its state in this process."""

    video: Video
    row: Row
    folder: Path
    sent_to: str | None = None  # the address that its run goes to
    forecast: Forecast | None = None
    work: Work | None = None
    attempts: int = 0  # of this process; those of the row are of all
    losses: int = 0  # of machines
    done: int = 0  # frames of the run that goes on
    frames: int = 0  # that processes of this batch have done
    total: int | None = None
    said: str = ""  # how its process ended, in its own words

    @property
    def path(self) -> Path:
        """Its run directory."""
        return self.folder / self.video.name

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.row.state not in (State.WAITING, State.RUNNING):
            return 1.0
        return self.done / self.total if self.total else 0.0

    def fixed_workers(self) -> int | None:
        """The workers that its options name, or those that it was begun with: a run goes on with what it has."""
        asked = self.video.settings.model.workers
        if asked is not None or not (self.path / "run.json").is_file():
            return asked
        try:
            begun = Run(self.path).read_status()["settings"]["model"]["workers"]
        except (StoreError, LookupError, TypeError):
            return None  # the run will say what is wrong with it
        return begun if isinstance(begun, int) and begun > 0 else None

    def disk_bytes(self) -> int:
        """What it may still take of the disk."""
        assert self.forecast is not None
        return round(self.forecast.disk_bytes * (1 - self.share))

    def words(self, workers: int, overwrite: bool) -> list[str]:
        """The command line of its run."""
        own = () if self.video.settings.model.workers is not None else ("--workers", str(workers))
        anew = ("--overwrite",) if overwrite and not self.attempts else ()
        place = ("-o", self.row.out, "--work", str(self.path)) if self.sent_to else ("-o", str(self.path))
        return ["run", *place, *self.video.options, *own, *anew, *OWN_OPTIONS, "--", *self.video.inputs]

    def clear(self) -> None:
        """A run that was sent leaves this disk."""
        if self.sent_to is not None:
            shutil.rmtree(self.path, ignore_errors=True)

    def begin(self, work: Work) -> None:
        """A process was started for it."""
        self.work, self.said, self.done, self.total = work, "", 0, None
        self.attempts, self.row.attempts = self.attempts + 1, self.row.attempts + 1
        self.row.state, self.row.error = State.RUNNING, None

    def hear(self, events: Iterable[Mapping[str, Any]]) -> None:
        """What its process tells."""
        for event in events:
            kind, of_run = event.get("event"), event.get("what") == "reconstructing"
            if kind in ("begin", "progress") and of_run:
                self._count(kind, event.get("done") or 0)
                self.total = event.get("total")
            elif kind == "result":
                self.row.take_result(event)
            elif kind == "export":
                path = str(event["path"]).replace(str(self.path), self.row.out)
                self.row.exports += [path] * (path not in self.row.exports)
            elif kind == "end":
                self.said = event.get("message") or ""

    def _count(self, kind: str, done: int) -> None:
        """Frames of its run, and those of them that came since it began."""
        if kind == "progress":
            self.frames += done - self.done
        self.done = done

    def end(self) -> int:
        """Its process has ended: what it told at last, and its exit status."""
        work = self.work
        assert work is not None
        self.hear(work.process.news())
        status = work.process.status()
        assert status is not None
        lost, words = work.process.is_lost, work.process.last_words()
        work.process.close()
        self.row.seconds = round(self.row.seconds + time.monotonic() - work.began, 2)
        if self.forecast is not None:
            self.forecast = self.forecast.at_least(work.process.peak_bytes(), work.share.workers)
        self.work = None
        if lost and self.losses < MOST_LOSSES:  # no fault of the video's, unless it is so every time
            self.attempts, self.losses = self.attempts - 1, self.losses + 1
        self.said = self.said or (words if lost else _how(status, words))
        return status


def _how(status: int, last_words: str) -> str:
    """Why a process ended that did not say so itself."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        hint = ", as the system does where memory runs out" if status == -signal.SIGKILL else ""
        return f"its process was killed ({name}{hint})"
    return f"its process ended with exit status {status}{': ' if last_words else ''}{last_words}"
