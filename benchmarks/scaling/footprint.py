"""What a run takes while it goes on: memory and CPU time of this process and those it started, files, scratch."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import Column, Row

Sample = dict[str, float]
MIB = 2**20
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Growth:
    """What a long run took: a row per tenth, facts about the whole, and a picture."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    facts: Row
    draw: Callable[[Any], None]  # on a matplotlib figure


class Track:
    """Samples over time: one array [n] for each quantity."""

    def __init__(self, samples: list[Sample]) -> None:
        self._columns = {name: np.array([sample[name] for sample in samples]) for name in samples[0]}

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self._columns[name]

    def at(self, frames: float) -> Sample:
        """Everything at the moment when so many frames were finished, between two samples on a straight line."""
        done, first = np.unique(self._columns["frames"], return_index=True)
        return {name: float(np.interp(frames, done, values[first])) for name, values in self._columns.items()}

    def slope(self, name: str, since: float) -> float:
        """Growth per frame of a line fitted to all samples from a frame on; NaN where there are too few."""
        inside = self._columns["frames"] >= since
        done, values = self._columns["frames"][inside], self._columns[name][inside]
        return float(np.polyfit(done, values, 1)[0]) if len(np.unique(done)) > 2 else float("nan")


class Sampler:
    """A thread that looks at the processes, the scratch folders and the run directory, again and again.

    Scratch folders are named `prefix`, number of their process, underscore and more; those of other runs do not count.
    """

    def __init__(self, run: Path, prefix: str, every_s: float) -> None:
        self._run, self._prefix, self._every_s = run, prefix, every_s
        self._seen: set[int] = set()
        self._samples: list[Sample] = []
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
        self._samples.append(self._sample())

    def track(self) -> Track:
        """What was seen."""
        return Track(self._samples)

    def _watch(self) -> None:
        while not self._left.wait(self._every_s):
            self._samples.append(self._sample())

    def _sample(self) -> Sample:
        mine, others = os.getpid(), list(descendants(os.getpid()))
        main, workers = rss_bytes(mine) / MIB, sum(rss_bytes(pid) for pid in others) / MIB
        self._seen |= {mine, *others}
        return {
            "seconds": time.monotonic(),
            "frames": self._frames(),
            "cpu_s": sum(cpu_seconds(pid) for pid in (mine, *others)),
            "main_mib": main,
            "workers_mib": workers,
            "ram_mib": main + workers,
            "scratch_mib": sum(disk_bytes(folder) for folder in self._scratch()) / MIB,
            "run_mib": disk_bytes(self._run) / MIB,
            "threads": threading.active_count(),
            "files": len(os.listdir("/proc/self/fd")),
        }

    def _scratch(self) -> Iterator[Path]:
        """The scratch folders of all processes that were ever seen."""
        for place in {Path("/dev/shm"), Path(tempfile.gettempdir())}:
            for folder in place.glob(f"{self._prefix}*"):
                number = folder.name.removeprefix(self._prefix).partition("_")[0]
                if number.isdecimal() and int(number) in self._seen:
                    yield folder

    def _frames(self) -> float:
        """Frames that are stored, as run.json says."""
        try:
            return float(json.loads((self._run / "run.json").read_text()).get("frames", 0))
        except (OSError, ValueError):
            return 0.0


def descendants(process: int) -> Iterator[int]:
    """The processes that a process started, and those that they started."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _text(task).split():
            yield int(child)
            yield from descendants(int(child))


def rss_bytes(process: int) -> int:
    """Resident memory; 0 for a process that is gone."""
    fields = _text(Path(f"/proc/{process}/statm")).split()
    return int(fields[1]) * PAGE if fields else 0


def cpu_seconds(process: int) -> float:
    """CPU time of a process and of its children that ended; 0 for one that is gone."""
    fields = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK if fields else 0.0


def disk_bytes(folder: Path) -> int:
    """What a folder's files take, as far as they are still there."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except OSError:
            continue
    return total


def status_mib(name: str, process: int | str = "self") -> float:
    """A figure of Linux on a process's memory, such as VmHWM, the most that it held so far; 0 for one that is gone.

    What getrusage and wait4 tell of a child begins with its parent's.
    """
    lines = _text(Path(f"/proc/{process}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0) / 1024


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
