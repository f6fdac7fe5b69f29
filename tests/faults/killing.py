"""Runs that die at a chosen moment: in which function, before, after or in the middle of writing which file."""

from __future__ import annotations

import builtins
import hashlib
import io
import json
import multiprocessing
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import da3_stream.predictors.scheduler as predicting
import da3_stream.session.checkpoint as checkpoint
import da3_stream.session.lifecycle as recording
import da3_stream.session.outputs as outputs
import da3_stream.session.resume as resume
import da3_stream.session.session as session
import da3_stream.slam.chain as submap_chain
import da3_stream.slam.loop_closing as loop_closing
import da3_stream.slam.submaps as submaps
from da3_stream import Settings, pipeline
from da3_stream.cli.console import fail, stoppable
from da3_stream.errors import Da3StreamError, RunError
from da3_stream.loops import LoopVerifier
from da3_stream.loops.index import PlaceIndex
from da3_stream.posegraph import PoseGraph
from da3_stream.store import Run, read_tree
from da3_stream.store.append_log import AppendLog
from tests.worlds import ring_street as ring

FUNCTIONS: list[tuple[Any, str]] = [
    (predicting, "predict"),
    (loop_closing, "predict_pair"),
    (submap_chain, "align_windows"),
    (PlaceIndex, "append"),
    (LoopVerifier, "verify"),
    (PoseGraph, "solve"),
    (AppendLog, "append"),
    (Run, "write_scene"),
    (submaps, "write_submap"),
    (session, "write_page"),
    (session.RunSession, "_write_preview"),
    (session, "commit"),
    (checkpoint, "drop_after"),
    (recording, "conclude"),
    (outputs, "write_tum"),
    (outputs, "write_merged_cloud"),
    (outputs, "write_overview"),
    (recording, "write_report"),
]
SETTINGS = {"loops": {"most_per_window": 1, "reach": 5}, "scale": {"camera_height": "off"}}
TOLD = (
    "frames",
    "windows",
    "keyframes",
    "windows_by_status",
    "segments",
    "units",
    "scale",
    "source_indices",
    "timestamps",
)
TOLD += ("trust", "advice")
COMPARED = ("trajectory.*", "camera_poses.txt", "intrinsics.txt", "frames.csv", "cloud.ply", "scene.json")
COMPARED += ("places/descriptors.bin",)

PRELOADED = ("da3_stream.pipeline", "faiss", "laspy", "lazrs", "matplotlib.figure")

Action = Callable[[], None]


@dataclass(frozen=True)
class Moment:
    """The n-th time (from 1) that a process comes by a place; `signal` ends it there, or without it an exception."""

    place: str
    number: int = 1
    signal: int = signal.SIGKILL
    power_cut: bool = False  # what was not synced is lost too


@dataclass
class Fuse:
    """Counts what a process comes by, and ends it at its moment."""

    run: Path
    notes: Path
    moment: Moment | None = None
    counts: Counter[str] = field(default_factory=Counter)
    synced: dict[str, int] = field(default_factory=dict)  # bytes of files that would survive a power cut
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, place: str, first: Action = lambda: None) -> None:
        """A place; `first` is done where it is the last one."""
        with self._lock:
            self.counts[place] += 1
            if self.moment is None or (place, self.counts[place]) != (self.moment.place, self.moment.number):
                return
            first()
            if self.moment.power_cut:
                self.lose()
            os.kill(os.getpid(), self.moment.signal)

    def note(self, *words: object) -> None:
        """A line that survives."""
        with self.notes.open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    def lose(self) -> None:
        """What the system had not brought to the disk yet."""
        for path in files_of(self.run):
            os.truncate(path, min(path.stat().st_size, self.synced.get(str(path), 0)))

    def class_of(self, path: str | Path) -> str | None:
        """The name of a file in the run directory, with a star for its number; None elsewhere."""
        if not Path(path).is_relative_to(self.run):
            return None
        name = str(Path(path).relative_to(self.run))
        return re.sub(r"\d{6,}", "*", re.sub(r"(^|/)\.(.*)\.tmp$", r"\1\2", name))


def files_of(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.is_file() and path.name not in (".lock", "log.txt"))


def arm(fuse: Fuse) -> None:
    """Let this process come by all places that there are. It is for children: nothing is put back."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
    fuse.synced.update({str(path): path.stat().st_size for path in files_of(fuse.run)})
    for owner, name in FUNCTIONS:
        place = f"{owner.__name__}.{name}" if isinstance(owner, type) else name
        setattr(owner, name, _passing(fuse, place, getattr(owner, name)))
    os.fsync = _syncing(fuse, os.fsync)
    os.replace = _replacing(fuse, os.replace)
    io.open = builtins.open = _tearing(fuse, io.open)


def _passing(fuse: Fuse, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def passing(*args: Any, **kwargs: Any) -> Any:
        fuse.passes(f"before {name}")
        if name == "predict":
            fuse.note("window", args[1][0].index, args[1][-1].index)
        if name == "predict_pair":
            fuse.note("check", args[1][0].index, args[2][-1].index)
        found = function(*args, **kwargs)
        if name == "commit":
            fuse.note("commit", args[4].prediction.window.number)
        fuse.passes(f"after {name}")
        return found

    return passing


def _syncing(fuse: Fuse, fsync: Callable[[int], None]) -> Callable[[int], None]:
    def syncing(number: int) -> None:
        path = os.readlink(f"/proc/self/fd/{number}")
        name = fuse.class_of(path)
        fuse.passes(f"before syncing {name}")
        fsync(number)
        fuse.synced[path] = os.fstat(number).st_size
        fuse.passes(f"after syncing {name}")

    return syncing


def _replacing(fuse: Fuse, replace: Callable[..., None]) -> Callable[..., None]:
    def replacing(source: Any, target: Any) -> None:
        name = fuse.class_of(target)
        fuse.passes(f"before renaming {name}")
        replace(source, target)
        fuse.synced[str(target)] = fuse.synced.pop(str(source), 0)
        fuse.passes(f"after renaming {name}")

    return replacing


def _tearing(fuse: Fuse, opened: Callable[..., Any]) -> Callable[..., Any]:
    """open() whose binary files in the run directory can be torn in the middle of a write."""

    def tearing(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        name = fuse.class_of(file) if isinstance(file, str | Path) else None
        if name is None or "b" not in mode or not set(mode) & set("wax+") or "opener" in kwargs:
            return opened(file, mode, *args, **kwargs)
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter

        class Torn(kind):  # type: ignore[misc, valid-type]
            def write(self, data: Any) -> int:
                fuse.passes(f"half of {name}", lambda: self._half(memoryview(data).cast("B")))
                return super().write(data)

            def _half(self, data: memoryview) -> None:
                super().write(data[: len(data) // 2])
                self.flush()

        return Torn(io.FileIO(file, mode.replace("b", "")))

    return tearing


def drive(fuse: Fuse) -> None:
    """A run through the ring street."""
    pipeline.run(ring.pictures(), fuse.run, Settings.build(SETTINGS), ring.RingPredictor())


def drive_as_command(fuse: Fuse, job: Callable[[Fuse], None] = drive) -> None:
    """The same as the command line does it: an exit status, and one sentence, which is kept beside the notes."""
    with (
        fuse.notes.with_suffix(".said").open("w") as said,
        redirect_stderr(said),
        stoppable(f"what was placed until then is in {fuse.run}"),
    ):
        try:
            job(fuse)
        except Da3StreamError as error:
            fail(error, 1 if isinstance(error, RunError) else 2)


def drive_unwarned(fuse: Fuse) -> None:
    """As if something else took the disk while the run goes on: nobody looks at it before."""
    resume.require_disk = lambda *_: None
    drive_as_command(fuse)


def drive_clip(clip: Path, fuse: Fuse) -> None:
    """The command line's way with `sfm` through a clip."""
    settings = Settings.build({"model": {"name": "sfm"}, "windows": {"size": 40, "overlap": 12}})
    with stoppable(f"what was placed until then is in {fuse.run}"):
        pipeline.run(clip, fuse.run, settings)


def damaged(data: bytes, how: str) -> bytes:
    """The first half (cut), or all with another bit in the middle, of text in the first words of a line (flip)."""
    place = len(data) // 2
    if how == "cut":
        return data[:place]
    if data.startswith(b"{"):
        place = data.rindex(b"\n", 0, place) + len('{"event": "')
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def contents(run: Path) -> dict[str, Any]:
    """All that must not depend on interruptions: digests of files, the journal without its times, facts of run.json."""
    names = [path for pattern in COMPARED for path in run.glob(pattern)]
    names += [path for folder in ("windows", "cloud", "splats") for path in (run / folder).glob("*")]
    status = json.loads((run / "run.json").read_text())
    return {
        **{str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(names)},
        **{f"run.json {name}": status[name] for name in TOLD},
        "journal.jsonl": [{k: v for k, v in event.items() if k not in ("time", "crc32")} for event in events(run)],
    }


def events(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The names of what is not alike."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def finished_window(run: Path) -> int:
    """The last window that a run directory holds for good, -1 without one."""
    tip = run / "resume" / "tip.npz"
    return int(read_tree(tip)["window"]) if tip.exists() else -1


def notes_of(path: Path) -> list[tuple[str, ...]]:
    """What a process had noted, in its order."""
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def asked_after(notes: Sequence[tuple[str, ...]], window: int) -> Counter[tuple[str, ...]]:
    """What an undisturbed run asks its predictor that was not needed for this window and those before it."""
    windows = [note for note in notes if note[0] == "window"][window + 1 :]
    committed = [("commit", str(window)) == note for note in notes]
    later = notes[committed.index(True) :] if any(committed) else notes
    return Counter([*windows, *(note for note in later if note[0] == "check")])


def process(run: Path, notes: Path, moment: Moment | None = None, job: Callable[[Fuse], None] = drive) -> int:
    """Do a job in a process of its own, until its moment; its exit status, negative for a signal.

    It is forked from a process that has done nothing but import the packages.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    child = context.Process(target=_live, args=(job, run, notes, moment))
    child.start()
    child.join()
    return child.exitcode or 0


def _live(job: Callable[[Fuse], None], run: Path, notes: Path, moment: Moment | None) -> None:
    """The life of a child process."""
    fuse = Fuse(run, notes, moment)
    arm(fuse)
    job(fuse)
    notes.with_suffix(".json").write_text(json.dumps(fuse.counts))
