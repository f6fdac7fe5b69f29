"""A run as a page sees it, finished or going on: every answer that the page asks for, as plain values."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..cloud.levels import SubmapLevels
from ..errors import StoreError
from ..store import Run
from .frame_details import frame_details
from .journal_loops import GrowingLoops
from .level_files import LevelFiles
from .run_files import Stamp, is_locked, run_stamps, stamp
from .snapshot import RUNNING, Snapshot, read_run, tables_of, up_now
from .state import state_of
from .submap_facts import FactsOfSubmaps
from .tables import WantedRows

LOOK_S = 1.0  # at most so often the file system is asked whether anything is new
WAIT_S = 1.0  # between two looks while a page waits


class RunView:
    """Follows a run directory by reading it, and only when it is asked. Safe to ask from many threads.

    `formats` tells by name what exports there are, for the page to show their commands.
    """

    def __init__(self, path: Path, formats: Mapping[str, str] | None = None) -> None:
        self.run = Run(Path(path).absolute())
        self.formats = dict(formats or {})
        self._lock = threading.Lock()
        self._facts, self._loops = FactsOfSubmaps(self.run), GrowingLoops(self.run.path / "journal.jsonl")
        self._folder = tempfile.TemporaryDirectory(prefix="da3_view_")
        self._levels = LevelFiles(self.run, Path(self._folder.name))
        self._snapshot = Snapshot(secrets.token_hex(6), 1)
        self._seen: tuple[Stamp | bool, ...] | None = None
        self._looked = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was built for this view."""
        self._folder.cleanup()

    def snapshot(self) -> Snapshot:
        """The run as it is now, or was a second ago; as it was, where its files cannot be read now."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_S:
                seen = (*run_stamps(self.run.path), self._is_alive())
                if seen != self._seen:
                    self._renew(seen)
                self._looked = time.monotonic()
            return self._snapshot

    def wait(self, since: int | None, epoch: str | None, seconds: float) -> Snapshot | None:
        """The run when its revision is not `since` any more; None where that does not come in time."""
        until = time.monotonic() + seconds
        while True:
            now = self.snapshot()
            if since != now.revision or (epoch is not None and epoch != now.epoch):
                return now
            if time.monotonic() + WAIT_S >= until:
                return None
            time.sleep(WAIT_S)

    def state(self) -> dict[str, Any]:
        """What the page is told at first and whenever anything is new."""
        return state_of(self.snapshot(), self.run.path, self.formats)

    def frames(self, first: int = 0) -> bytes:
        """The table of frames from a row on (see `tables`)."""
        return self.snapshot().frames.pack(first)

    def poses(self, since: int = 0, first: int = 0) -> bytes:
        """world_from_submap of all frames that moved after a revision."""
        return self.snapshot().poses.pack_submaps(WantedRows(since, first))

    def cameras(self, since: int = 0, first: int = 0) -> bytes:
        """world_from_camera of the same, and their intrinsics."""
        return self.snapshot().poses.pack_cameras(WantedRows(since, first))

    def levels(self, submap: int) -> SubmapLevels:
        """The levels of detail of a submap's points: those stored, or else built now. Raises StoreError where its page
        cannot be read."""
        return self._levels.open(submap)

    def frame(self, row: int) -> dict[str, Any]:
        """Details of a frame in words. Raises IndexError for a row that is not there."""
        return frame_details(self.snapshot(), row)

    def _is_alive(self) -> bool:
        """Whether a process works in the directory, as far as that can be told."""
        return is_locked(self.run.path / ".lock") is not False

    def _renew(self, seen: tuple[Stamp | bool, ...]) -> None:
        before = self._snapshot
        try:
            now = self._read(before, alive=bool(seen[-1]))
        except StoreError as error:  # it is being written: the next look sees it whole
            if before.problem == str(error):
                return
            self._snapshot = replace(before, revision=before.revision + 1, problem=str(error))
            return
        self._snapshot, self._seen = now, seen

    def _read(self, before: Snapshot, alive: bool) -> Snapshot:
        revision = before.revision + 1
        if stamp(self.run.path / "run.json") is None:
            return Snapshot(before.epoch if before.reader is None else secrets.token_hex(6), revision)
        reader, submaps = read_run(self.run, self._facts)
        state = str(reader.status.get("state", RUNNING))
        if state == RUNNING and not alive:
            state = "interrupted"
        frames, poses = tables_of(reader, revision)
        now = Snapshot(secrets.token_hex(6), revision, reader, state, "", submaps, frames, poses, self._loops.read())
        if now.continues(before):
            now = replace(now, epoch=before.epoch, poses=poses.after(before.poses, revision))
        up, up_of = up_now(reader, state, before if now.epoch == before.epoch else Snapshot("", 0))
        return replace(now, up=up, up_of=up_of)
