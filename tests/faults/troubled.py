"""Predictors that note what they are asked in a file, from whatever process they are in, and end it at a moment."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.types import Frame, Predictor, WindowGeometry

ALWAYS = 1 << 20
STAGES = ("loading", "before", "during", "sending", "state", "pair")
DURING_S, LONG_S = 0.05, 30.0

Span = tuple[int, int]  # first and last frame


@dataclass(frozen=True)
class Trouble:
    """So many times the process that comes by a stage, with a window or pair that begins with this frame, ends there.

    `loading`: as the predictor comes there (no frame); `before` and `during`: a window's prediction; `sending`: as its
    geometry, finished, is sent off; `state`: between prediction and sending, as what was learnt is asked for; `pair`:
    as two places are looked at.
    """

    stage: str
    first: int = 0
    times: int = 1


@dataclass(frozen=True)
class Asked:
    """One line of the notes: a window or a pair that a process was asked for, or has finished."""

    what: str
    span: Span
    process: int


class Troubled:
    """A predictor with notes in a folder, and trouble. It is sent to other processes by pickle."""

    def __init__(self, inner: Predictor, folder: Path, *troubles: Trouble) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.inner, self.folder, self.troubles = inner, folder, troubles
        self._home, self._last = os.getpid(), 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        found = getattr(self.inner, name)
        if name == "state":
            self._pass("state", self._last)
        return found

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if os.getpid() != self._home:
            self._pass("loading", 0)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        first = self._last = frames[0].index
        self._note("window", frames)
        self._pass("before", first)
        self._pass("during", first)
        geometry = self.inner.predict(frames)
        self._note("finished", frames)
        return self._doomed(geometry) if self._is_due("sending", first) else geometry

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        frames = [*first, *second]
        self._note("pair", frames)
        self._pass("pair", frames[0].index)
        return PredictorAdapter(self.inner).predict_pair(first, second)

    def _note(self, what: str, frames: Sequence[Frame]) -> None:
        line = f"{what} {frames[0].index} {frames[-1].index} {os.getpid()}\n"
        file = os.open(self.folder / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, line.encode())
        os.close(file)

    def _pass(self, stage: str, first: int) -> None:
        if not self._is_due(stage, first):
            return
        if stage == "during":
            threading.Timer(DURING_S, end_process).start()
            time.sleep(LONG_S)  # in the middle of its work
        end_process()

    def _is_due(self, stage: str, first: int) -> bool:
        """Whether the trouble comes here, once more; whoever has written its next file has it."""
        due = [trouble for trouble in self.troubles if (trouble.stage, trouble.first) == (stage, first)]
        for number in range(max((trouble.times for trouble in due), default=0)):
            try:
                with (self.folder / f"trouble_{stage}_{first}_{number}").open("x") as file:
                    file.write(str(os.getpid()))
            except FileExistsError:
                continue
            return True
        return False

    def _doomed(self, geometry: WindowGeometry) -> WindowGeometry:
        return Doomed(**{each.name: getattr(geometry, each.name) for each in fields(WindowGeometry)})


class Doomed(WindowGeometry):
    """A geometry that nobody lives to send."""

    def __reduce__(self) -> NoReturn:
        end_process()


def end_process() -> NoReturn:
    """As the kernel does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody is here")


@dataclass
class Learner:
    """A predictor whose windows hang on what those before have taught it, as long as it learns."""

    inner: Predictor
    lessons: int = 3
    learnt: list[tuple[int, float]] = field(default_factory=lambda: [(-1, 1.0)])  # last frame, the unit after it
    in_flight = 1
    name = "learner"

    @property
    def learns(self) -> bool:
        return len(self.learnt) <= self.lessons

    def __getattr__(self, name: str) -> Any:
        if name in ("window_size", "window_overlap", "image_side"):
            return getattr(self.inner, name)
        raise AttributeError(name)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        found = _in_unit(self.inner.predict(frames), self.learnt[-1][1])
        if self.learns:
            self.learnt.append((frames[-1].index, self.learnt[-1][1] * 1.25 + 0.01 * (frames[0].index % 3)))
        return found

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """With what was known before its last frame."""
        known = [unit for last, unit in self.learnt if last < second[-1].index]
        return _in_unit(PredictorAdapter(self.inner).predict_pair(first, second), known[-1])

    def state(self) -> list[list[float]]:
        return [list(entry) for entry in self.learnt]

    def restore(self, state: list[list[float]]) -> None:
        self.learnt = [(int(last), unit) for last, unit in state]


def _in_unit(geometry: WindowGeometry, unit: float) -> WindowGeometry:
    poses = geometry.window_from_camera.copy()
    poses[:, :3, 3] /= unit
    return replace(geometry, depth=geometry.depth / np.float32(unit), window_from_camera=poses)


def notes_of(folder: Path) -> list[Asked]:
    """What all processes noted, in order."""
    path = folder / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Asked(what, (int(first), int(last)), int(process)) for what, first, last, process in map(str.split, lines)]


def ended(folder: Path) -> list[int]:
    """The processes that met with trouble."""
    return [int(path.read_text()) for path in folder.glob("trouble_*")]


def asked(folder: Path, what: str = "window") -> Counter[Span]:
    """How often each window (or pair) was asked for."""
    return Counter(note.span for note in notes_of(folder) if note.what == what)
