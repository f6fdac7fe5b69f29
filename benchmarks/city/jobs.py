"""The jobs of a hierarchy, each for any process: from files to files."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.city.dissection import Part
from benchmarks.city.fronts import BorderEquations, Eliminated
from benchmarks.city.subgraph import Subgraph
from benchmarks.city.world import Array, City, Indices
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import Row
from da3_stream.geometry import Sim3Array

NUMBERS = 13  # of a transform: scale, rotation, translation


@dataclass(frozen=True, eq=False)
class Job:
    """A district with all its parts, or a separator further up; with the edges that it brings into the equations."""

    number: int
    parts: list[Part]  # children first
    edges: Indices

    @property
    def top(self) -> Part:
        """The part whose border is the job's."""
        return self.parts[-1]


@dataclass(frozen=True, eq=False)
class JobFiles:
    """What jobs leave for each other in a folder."""

    folder: Path
    number: dict[int, int]  # of a job, by `id` of its topmost part

    @staticmethod
    def of(folder: Path, jobs: Sequence[Job], count: int) -> JobFiles:
        """Files for the jobs of a city of `count` submaps."""
        for name, numbers in (("now", NUMBERS), ("next", NUMBERS), ("step", 7)):
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float64, (count, numbers))
        return JobFiles(folder, {id(job.top): job.number for job in jobs})

    def rows(self, name: str) -> Array:
        """The rows [N,...] of all submaps: "now", "next" (their transforms), or "step"; writing to them is lasting."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r+")

    def read_state(self, submaps: Indices | slice = slice(None), name: str = "now") -> Sim3Array:
        """Where submaps are."""
        rows = np.array(self.rows(name)[submaps])
        return Sim3Array(rows[:, 0], rows[:, 1:10].reshape(-1, 3, 3), rows[:, 10:])

    def write_state(self, state: Sim3Array, submaps: Indices | slice = slice(None), name: str = "now") -> None:
        """Put submaps where a state has them."""
        rows = np.column_stack([state.scale, state.rotation.reshape(-1, 9), state.translation])
        self.rows(name)[submaps] = rows

    def accept(self) -> None:
        """Let the submaps be where the last step has them."""
        (self.folder / "now.npy").write_bytes((self.folder / "next.npy").read_bytes())

    def tell(self, job: Job, told: BorderEquations) -> int:
        """Write what a job tells of its border; the bytes, none without a border."""
        return _save(self._path("told", job.number), told) if len(told.slope) else 0

    def told(self, part: Part) -> BorderEquations:
        """What the job tells whose topmost part this is; it is told once."""
        if not len(part.border):
            return BorderEquations(np.zeros((0, 0)), np.zeros(0))
        return _load(self._path("told", self.number[id(part)]))

    def keep(self, job: Job, eliminated: list[Eliminated], slopes: Array) -> int:
        """Write what a job needs on the way down; the bytes."""
        return _save(self._path("kept", job.number), (eliminated, slopes))

    def kept(self, job: Job) -> tuple[list[Eliminated], Array]:
        """What a job kept, for the last time."""
        return _load(self._path("kept", job.number))

    def _path(self, name: str, number: int) -> Path:
        return self.folder / f"{name}_{number}.pickle"


@dataclass
class _Worker:
    """What a process works on; set when it is started."""

    city: City | None = None
    weights: Array | None = None
    jobs: Sequence[Job] = ()
    files: JobFiles | None = None


_WORKER = _Worker()


def work_on(city: City, weights: Array, jobs: list[Job], files: JobFiles) -> None:
    """Let this process do the jobs of a city with weighted edges [E]; called once in every process of a pool."""
    by_number = sorted(jobs, key=lambda job: job.number)
    _WORKER.city, _WORKER.weights, _WORKER.jobs, _WORKER.files = city, weights, by_number, files


def cost_of(number: int) -> float:
    """The cost of a job's factors now."""
    _, subgraph, files = _begin(number)
    return subgraph.cost(files.read_state(subgraph.nodes))


def go_up(number: int, damping: float) -> Row:
    """Eliminate a job's submaps and tell its border; CPU seconds and bytes."""
    begun = time.process_time()
    job, subgraph, files = _begin(number)
    equations = subgraph.linearise(files.read_state(subgraph.nodes))
    inside = {id(part) for part in job.parts}
    told = {id(c): files.told(c) for part in job.parts for c in part.below if id(c) not in inside}
    eliminated, border = equations.eliminate(told, damping)
    sizes = {"told_bytes": files.tell(job, border), "kept_bytes": files.keep(job, eliminated, equations.by_node())}
    return {**sizes, "cpu_s": time.process_time() - begun, "peak_mib": status_mib("VmHWM")}


def go_down(number: int) -> Row:
    """Move a job's submaps by the step that follows from its border's; predicted decrease and new cost."""
    begun = time.process_time()
    job, subgraph, files = _begin(number)
    eliminated, slopes = files.kept(job)
    step = files.rows("step")
    for part, equations in zip(job.parts[::-1], eliminated[::-1], strict=True):
        step[part.own] = equations.substitute(step[part.border].ravel()).reshape(-1, 7)
    own = subgraph.own
    files.write_state(files.read_state(own) @ Sim3Array.exp(np.array(step[own])), own, "next")
    return {
        "predicted": -float(np.sum(slopes * step[subgraph.nodes])) / 2,
        "cost": subgraph.cost(files.read_state(subgraph.nodes, "next")),
        "cpu_s": time.process_time() - begun,
    }


def _begin(number: int) -> tuple[Job, Subgraph, JobFiles]:
    city, weights, job, files = _WORKER.city, _WORKER.weights, _WORKER.jobs[number], _WORKER.files
    assert city is not None and weights is not None and files is not None  # noqa: PT018  (work_on was called)
    return job, Subgraph.of(city, job.parts, job.edges, weights[job.edges]), files


def _save(path: Path, value: object) -> int:
    with path.open("wb") as file:
        pickle.dump(value, file, protocol=5)
        return file.tell()


def _load(path: Path) -> Any:
    """Read and delete a file."""
    with path.open("rb") as file:
        value = pickle.load(file)
    os.unlink(path)
    return value
