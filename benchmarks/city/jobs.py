"""The jobs of a hierarchy, each for any process: from files to files."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.city.dissection import Part
from benchmarks.city.subgraph import Subgraph
from benchmarks.city.world import Array, City, Indices
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

    def tell(self, name: str, job: Job, told: Array) -> int:
        """Write what a job tells of its border, "matrix" or "slope"; the bytes, none without a border."""
        return self.keep(name, job, told) if len(told) else 0

    def told(self, name: str, part: Part) -> Array:
        """What the job tells whose topmost part this is; it is told once."""
        if not len(part.border):
            return np.zeros((0, 0) if name == "matrix" else 0)
        path = self._path(name, self.number[id(part)])
        value: Array = _load(path)
        path.unlink()
        return value

    def keep(self, name: str, job: Job, value: object) -> int:
        """Write what a job needs again; the bytes."""
        with self._path(name, job.number).open("wb") as file:
            pickle.dump(value, file, protocol=5)
            return file.tell()

    def kept(self, name: str, job: Job) -> Any:
        """What a job kept."""
        return _load(self._path(name, job.number))

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


def factor(number: int, damping: float) -> Row:
    """Eliminate a job's submaps and tell its border; CPU seconds and bytes."""
    begun = time.process_time()
    job, subgraph, files = _begin(number)
    equations = subgraph.linearise(files.read_state(subgraph.nodes))
    eliminated, border = equations.eliminate(_told(files, "matrix", job), damping)
    sizes = {"told_bytes": files.tell("matrix", job, border), "kept_bytes": files.keep("factors", job, eliminated)}
    return {**sizes, "cpu_s": time.process_time() - begun}


def go_up(number: int) -> Row:
    """Tell a job's border the slope of the cost, by the factors that are there; CPU seconds and bytes."""
    begun = time.process_time()
    job, subgraph, files = _begin(number)
    equations = subgraph.linearise(files.read_state(subgraph.nodes))
    reduced, border = equations.reduce(files.kept("factors", job), _told(files, "slope", job))
    kept_bytes = files.keep("reduced", job, (reduced, equations.by_node()))
    sizes = {"told_bytes": files.tell("slope", job, border), "kept_bytes": kept_bytes}
    return {**sizes, "cpu_s": time.process_time() - begun}


def go_down(number: int) -> Row:
    """Move a job's submaps by the step that follows from its border's; predicted decrease and new cost."""
    begun = time.process_time()
    job, subgraph, files = _begin(number)
    eliminated, (reduced, slopes) = files.kept("factors", job), files.kept("reduced", job)
    step = files.rows("step")
    for part, factors, own in zip(job.parts[::-1], eliminated[::-1], reduced[::-1], strict=True):
        step[part.own] = factors.substitute(own, step[part.border].ravel()).reshape(-1, 7)
    own = subgraph.own
    files.write_state(files.read_state(own) @ Sim3Array.exp(np.array(step[own])), own, "next")
    return {
        "predicted": -float(np.sum(slopes * step[subgraph.nodes])) / 2,
        "cost": subgraph.cost(files.read_state(subgraph.nodes, "next")),
        "cpu_s": time.process_time() - begun,
    }


def _told(files: JobFiles, name: str, job: Job) -> dict[int, Array]:
    """What the jobs told whose borders the job's parts hold."""
    inside = {id(part) for part in job.parts}
    below = [child for part in job.parts for child in part.below if id(child) not in inside]
    return {id(child): files.told(name, child) for child in below}


def _begin(number: int) -> tuple[Job, Subgraph, JobFiles]:
    city, weights, job, files = _WORKER.city, _WORKER.weights, _WORKER.jobs[number], _WORKER.files
    assert city is not None and weights is not None and files is not None  # noqa: PT018  (work_on was called)
    return job, Subgraph.of(city, job.parts, job.edges, weights[job.edges]), files


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)
