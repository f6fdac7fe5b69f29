"""One run that something befalls while actors predict it, judged beside the same run in one process."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.common import tell
from benchmarks.ray.clusters import left
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.errors import Da3StreamError
from da3_stream.types import Frame, Predictor, UInt8, WindowGeometry
from tests.faults.killing import SETTINGS
from tests.faults.troubled import Learner, Span, Trouble, Troubled, asked, ended, notes_of
from tests.faults.whole_run import everything
from tests.worlds import ring_street as ring

EVERY_S = 0.005

COLUMNS = [
    Column("what happened", "what"),
    Column("actors", "actors"),
    Column("ended", "ended"),
    Column("windows and loop checks", "asked"),
    Column("asked for again", "again"),
    Column("of these lost", "lost"),
    Column("never asked for", "missing"),
    Column("files alike", "alike"),
    Column("differs", "differs"),
    Column("processes left", "left"),
    Column("seconds", "seconds", "{:.0f}"),
]


@dataclass(frozen=True)
class World:
    """An input with a predictor, and the settings of a run through it."""

    folder: Path
    pictures: Sequence[UInt8]
    predictor: Predictor
    settings: Settings

    def drive(self, out: Path, engine: Any = None, trouble: Trouble | None = None) -> None:
        """A run whose predictor, which has learnt nothing yet, notes what it is asked for in out/notes, and meets with
        trouble; out/run is its directory."""
        predictor = Troubled(deepcopy(self.predictor), out, *([trouble] if trouble else []))
        pipeline.run(self.pictures, out / "run", self.settings, predictor, engine=engine)

    @cached_property
    def whole(self) -> Path:
        """The folder of a run that nothing befalls, in this process."""
        out = self.folder / "whole"
        shutil.rmtree(out, ignore_errors=True)
        self.drive(out)
        return out

    def windows(self) -> list[Span]:
        """The windows, in order."""
        return sorted(asked(self.whole))

    def pairs(self) -> list[Span]:
        """The loop checks, in order."""
        return [note.span for note in notes_of(self.whole) if note.what == "pair"]


def ring_world(folder: Path) -> World:
    """A lap and a half of the ring street, with loops."""
    return World(folder / "ring", ring.pictures(), ring.RingPredictor(), Settings.build(SETTINGS))


def learning_world(folder: Path) -> World:
    """The same with a predictor whose first windows teach it."""
    return World(folder / "learner", ring.pictures(), Learner(ring.RingPredictor()), Settings.build(SETTINGS))


class Refusing:
    """A predictor that has failed on one window, for this reason; else as the other."""

    def __init__(self, inner: Predictor, first: int, reason: str) -> None:
        self._inner, self._first, self._reason = inner, first, reason

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._inner, name)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """The window's geometry, if it is to have any."""
        if frames[0].index == self._first:
            return WindowGeometry.failed(frames, self._reason)
        return self._inner.predict(frames)


def trial(
    world: World,
    out: Path,
    what: str,
    actors: int,
    trouble: Trouble | None = None,
    beside: Callable[[Path], Any] = lambda out: nullcontext(),
    whole: Path | None = None,
) -> Row:
    """A run on the cluster that this process is connected to; `beside` is a block around it."""
    begun = time.perf_counter()
    how = "finished"
    with beside(out):
        try:
            world.drive(out, RayEngine(actors=actors), trouble)
        except Da3StreamError as error:
            how = str(error)
    row = {"what": what, "actors": actors, "ended": how, "seconds": time.perf_counter() - begun}
    row |= judged(whole or world.whole, out, killed_processes(out)) | {"left": len(left())}
    tell(json.dumps(row))
    return row


@contextmanager
def meanwhile(step: Callable[[], bool]) -> Iterator[None]:
    """A block beside which a thread takes a step again and again, until it says that it is done."""

    def watch() -> None:
        while not over.wait(EVERY_S) and not step():
            pass

    over = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def judged(whole: Path, out: Path, killed: set[int]) -> Row:
    """What a run asked for, and whether its files are those of the whole one. Lost is what a killed process had begun
    and was asked for again."""
    need, got = (asked(folder) + asked(folder, "pair") for folder in (whole, out))
    notes = notes_of(out)
    again = {span: count - need[span] for span, count in got.items() if count > need[span]}
    lost = {
        span: min(count, sum(note.span == span and note.process in killed for note in notes if note.what != "finished"))
        for span, count in again.items()
    }
    differs = differing(everything(out / "run"), everything(whole / "run"))
    return {
        "asked": got.total(),
        "again": sum(again.values()),
        "lost": sum(lost.values()),
        "missing": (need - got).total(),
        "alike": "NO" if differs else "yes",
        "differs": ", ".join(differs[:3]) or None,
    }


def killed_processes(out: Path) -> set[int]:
    """The processes that met with trouble, or that a trial has ended and put down in out/killed."""
    by_trial = [int(word) for path in out.glob("killed") for word in path.read_text().split()]
    return {*ended(out), *by_trial}


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Names of files that are not alike."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def good(row: Row) -> bool:
    """Whether nothing was lost, nothing done twice but what was lost, and nothing left behind."""
    return row["alike"] == "yes" and row.get("again") == row.get("lost") and not (row.get("missing") or row["left"])
