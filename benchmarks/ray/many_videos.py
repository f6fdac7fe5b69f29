"""Does a batch of many short videos end as it should, on this machine and on a cluster of Ray?

Two of the videos are broken. Midway one run is killed, then the whole batch, and the same command is given again: the
summary must be right, nothing that was finished may be run again, no process and nothing temporary may be left. Exit
status 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.common import benchmark, tell
from benchmarks.ray.clusters import MARK, left
from benchmarks.tables import ROOT, Column, Row
from da3_stream.predictors.sfm.processes.scratch import PREFIX
from tests.worlds.clips import write_clip

COLUMNS = [
    Column("engine", "engine"),
    Column("videos", "videos"),
    Column("finished", "finished"),
    Column("failed", "failed"),
    Column("seconds until killed", "first_s", "{:.0f}"),
    Column("seconds after", "second_s", "{:.0f}"),
    Column("finished before", "before"),
    Column("of these run again", "again"),
    Column("tried twice", "twice"),
    Column("left after kill -9", "left_killed"),
    Column("left at the end", "left_ended"),
    Column("run directories MB", "kept_mb", "{:.1f}"),
    Column("temporary MB, peak", "temporary_mb", "{:.1f}"),
    Column("left MB", "temporary_left_mb", "{:.1f}"),
    Column("right", "right"),
    Column("wrong", "wrong"),
]
WALLS = 12  # different scenes
STEP_PX = 12  # from one video's first frame to the next one's, of the same scene
BROKEN_AT = (3, 7)  # every so many-th of the list
MB = 1e6
PATIENCE_S = 90.0  # a cluster of Ray notices after a while that its driver was killed


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--videos", type=int, default=200)
    command.add_argument("--frames", type=int, default=16)
    command.add_argument("--size", default="64x48")
    command.add_argument("--engines", default="local,ray")


@benchmark(COLUMNS, _options, good=lambda row: row["right"] == "yes")
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A row for each engine."""
    clips = _write_clips(folder / "clips", options)
    for engine in options.engines.split(","):
        row = _trial(folder, clips, engine, options)
        tell(f"{engine}: {row['right']} {row['wrong']}")
        yield row


def _write_clips(folder: Path, options: argparse.Namespace) -> Path:
    """The videos, of which two cannot be read: one is no video, one ends in its head."""
    size = tuple(map(int, options.size.split("x")))
    for number in range(options.videos):
        first = STEP_PX * (number // WALLS)
        write_clip(folder / f"v{number:03d}.mkv", first, options.frames, seed=number % WALLS, size=size)
    text, cut = (folder / f"v{options.videos * share // 10:03d}.mkv" for share in BROKEN_AT)
    text.write_bytes(b"this is no video" * 100)
    cut.write_bytes(cut.read_bytes()[:60])
    return folder


@dataclass
class _Temporary:
    """Looks at scratch folders and temporary files again and again, while the block lasts."""

    out: Path
    peak: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def now(self) -> int:
        """Bytes at the moment."""
        places = [*Path("/dev/shm").glob(f"{PREFIX}*"), *self.out.rglob(".*.tmp")]
        return sum(_size(file) for place in places for file in (place, *place.rglob("*")))

    def left(self) -> int:
        """Bytes that are still there after a while; what other programs of this machine have there goes by itself."""
        end = time.monotonic() + PATIENCE_S
        while self.now() and time.monotonic() < end:
            time.sleep(0.5)
        return self.now()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self.peak = max(self.peak, self.now())


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:
        return 0  # it has just gone


def _trial(folder: Path, clips: Path, engine: str, options: argparse.Namespace) -> Row:
    out, summary, mark = folder / engine, folder / f"{engine}.json", uuid.uuid4().hex
    words = ["batch", str(clips), "-o", str(out), "--model", "sfm", "--summary", str(summary), "--export", "tum", "-q"]
    words += ["--engine", engine, *(word for text in options.set for word in ("--set", text))]
    with _Temporary(out) as temporary:
        tell(f"{engine}: da3-stream {' '.join(words)}")
        start = time.monotonic()
        batch = _begin(words, mark)
        killed_run = _kill_midway(batch, out, options.videos // 2)
        first_s = time.monotonic() - start
        left_killed = left(PATIENCE_S, mark, everything=True)
        before = {row["name"] for row in _rows(summary) if row["state"] == "finished"}
        made = {name: (out / name / "run.json").stat().st_mtime_ns for name in before}
        tell(f"{engine}: killed with {len(before)} finished; {len(left_killed)} processes left; again")
        start = time.monotonic()
        status = _begin(words, mark).wait()
        second_s = time.monotonic() - start
        left_ended = left(PATIENCE_S, mark, everything=True)
    rows = _rows(summary)
    again = [name for name in before if (out / name / "run.json").stat().st_mtime_ns != made[name]]
    found = {
        "engine": engine,
        "videos": len(rows),
        "finished": sum(row["state"] == "finished" for row in rows),
        "failed": sum(row["state"] == "failed" for row in rows),
        "first_s": first_s,
        "second_s": second_s,
        "before": len(before),
        "again": len(again),
        "twice": sum(row["attempts"] > 1 for row in rows),
        "left_killed": len(left_killed),
        "left_ended": len(left_ended),
        "kept_mb": sum(map(_size, out.rglob("*"))) / MB,
        "temporary_mb": temporary.peak / MB,
        "temporary_left_mb": temporary.left() / MB,
    }
    wrong = [*_wrong(rows, options, killed_run), *map(str, left_killed + left_ended)]
    wrong += [f"exit status {status}, not 1"] if status != 1 else []
    wrong += [f"{name} was run again" for name in again]
    wrong += ["temporary files are left"] if found["temporary_left_mb"] else []
    return found | {"right": "NO" if wrong else "yes", "wrong": "; ".join(wrong[:5])}


def _begin(words: Sequence[str], mark: str) -> subprocess.Popen[bytes]:
    """The command, in whose environment and that of all that it starts the mark stands."""
    around = {**os.environ, MARK: mark, "RAY_worker_niceness": "0"}  # Ray's own 15 starves them beside other work
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "da3_stream", *words], cwd=ROOT, env=around, **quiet)


def _kill_midway(batch: subprocess.Popen[bytes], out: Path, half: int) -> str:
    """Kill one run at a third, and the batch once so many are finished; returns the name of that run."""
    name = ""
    while batch.poll() is None:
        rows = _rows(out / "summary.json")
        finished = sum(row["state"] == "finished" for row in rows)
        if not name and finished > half * 2 // 3:
            name = _kill_a_run(rows)
        if finished >= half:
            break
        time.sleep(0.2)
    batch.send_signal(signal.SIGKILL)
    batch.wait()
    return name


def _kill_a_run(rows: Sequence[Row]) -> str:
    """The name of a video whose process was killed; none where it had just ended."""
    for row in rows:
        for folder in Path("/proc").glob("[0-9]*") if row["state"] == "running" else ():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"run" in words and row["out"].encode() in words:
                os.kill(int(folder.name), signal.SIGKILL)
                return str(row["name"])
    return ""


def _rows(path: Path) -> list[Row]:
    return json.loads(path.read_text()) if path.exists() else []


def _wrong(rows: Sequence[Row], options: argparse.Namespace, killed_run: str) -> Iterator[str]:
    """What of the summary is not as it must be."""
    broken = {f"v{options.videos * share // 10:03d}" for share in BROKEN_AT}
    if len(rows) != options.videos:
        yield f"{len(rows)} rows"
    for row in rows:
        name, state = row["name"], row["state"]
        if name in broken:
            if state != "failed" or not row["error"]:
                yield f"{name}, which is broken, is {state}: {row['error']}"
        elif state != "finished" or row["error"] or row["frames"] != options.frames or row["seconds"] <= 0:
            yield f"{name} is {state}: {row['frames']} frames, {row['error']}"
        elif len(row["exports"]) != 1 or not Path(row["exports"][0]).is_file():
            yield f"{name} has no export"
    if killed_run and next(row["attempts"] for row in rows if row["name"] == killed_run) < 2:
        yield f"{killed_run} was killed and not tried again"


if __name__ == "__main__":
    main()
