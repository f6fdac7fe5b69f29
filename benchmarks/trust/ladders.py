"""Runs the bank: up every ladder until a run goes wrong, whatever has a record already left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from filelock import FileLock

from benchmarks.common import tell

from .bank import Job, Ladder
from .records import Record, RecordFolder
from .runner import Bench, source_hash

Run = Callable[[Job], Record]


@dataclass(frozen=True)
class Climber:
    """Does the jobs of ladders that have no record yet; several processes may share one folder of records.

    With `fresh`, records of another version of the program do not count.
    """

    bench: Bench
    records: RecordFolder
    fresh: bool = False

    def climb(self, ladder: Ladder, steps: Sequence[int] = ()) -> list[Record]:
        """The records of a ladder up to the first wrong run, that of the clean run first; or of these steps alone.

        From its variant's first step it goes up until a run is wrong, or down until none is: what is milder than a run
        that is right is taken to be right.
        """
        clean = [self.done(ladder.clean)] if ladder.clean else []
        if steps:
            return clean + [self.done(job) for job in ladder.jobs if job.step in steps]
        percent = clean[0].facts.ate_percent if clean else np.nan
        jobs, done, first = ladder.jobs, list[Record](), ladder.variant.first
        up, down = jobs[first:], jobs[:first][::-1]
        for job in up:
            done.append(self.done(job))
            if done[-1].facts.is_wrong(percent):
                break
        for job in down if done[0].facts.is_wrong(percent) else ():
            done.insert(0, self.done(job))
            if not done[0].facts.is_wrong(percent):
                break
        return clean + done

    def done(self, job: Job) -> Record:
        """The record of a job, run now if there is none."""
        with FileLock(self.records.folder / f".{job.key}.lock"):
            kept = self.records.get(job)
            if kept is not None and not (self.fresh and kept.facts.code != source_hash(self.bench.code)):
                return kept
            record = self.bench.run(job)
            self.records.put(record)
            tell(line(record))
            return record


def climb_all(climber: Climber, chosen: Iterable[Ladder], workers: int, steps: Sequence[int] = ()) -> None:
    """Climb ladders on so many processes."""
    climb = partial(climber.climb, steps=steps)
    if workers == 1:
        for ladder in chosen:
            climb(ladder)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for future in [pool.submit(climb, ladder) for ladder in chosen]:
            future.result()


def line(record: Record) -> str:
    """What a run came to, in a line that gives nothing away of one set apart."""
    facts = record.facts
    if facts.job.apart:
        return f"{facts.key}: done, {facts.cpu_s:.0f} CPU s"
    error = (
        f"turn {facts.turn_error_deg:.2f} deg, {facts.points} points" if facts.turns else f"{facts.ate_percent:.2f} %"
    )
    said = "says OK" if facts.says_ok else "warns"
    right = record.right[record.scored].mean() if record.scored.any() else float("nan")
    return (
        f"{facts.key}: {error}, {facts.placed:.0%} placed in {facts.segments}, {right:.0%} right, {said}, "
        f"{facts.cpu_s:.0f} CPU s {facts.note}"
    )
