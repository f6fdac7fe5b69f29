"""Drivers that are killed: their runs are gone on with, on Ray and in one process.

What these rows tell of windows is what the driver that goes on asks its predictor for; asked for again is what of it
was committed before.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.common import tell
from benchmarks.ray.clusters import MARK, cluster, left
from benchmarks.tables import Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from tests.faults.killing import SETTINGS, Fuse, Moment, drive
from tests.faults.trials import Job, trial, undisturbed
from tests.worlds import ring_street as ring

MOMENTS = (Moment("after commit", 2), Moment("before renaming resume/tip.npz", 4), Moment("after predict", 6))


def drivers(folder: Path) -> Iterator[Row]:
    """A driver killed at some moments, on a cluster and with one of its own, gone on with by either engine."""
    whole = undisturbed(folder / "driver", drive)
    with cluster([4], connect=False) as made:
        on_ray = partial(drive_on_ray, made.address, os.environ[MARK])
        for moment in MOMENTS:
            for before, after in ((on_ray, on_ray), (on_ray, drive), (drive, on_ray)):
                row = trial(folder, replace(whole, job=after), "killed", moment, before)
                yield _of_driver(row, moment, before, after, left())
    mark = f"alone{time.monotonic_ns()}"
    alone = partial(drive_on_ray, None, mark)
    row = trial(folder, whole, "killed", MOMENTS[0], alone)
    yield _of_driver(row, MOMENTS[0], alone, drive, left(mark=mark, everything=True))


def _of_driver(row: Row, moment: Moment, before: Job, after: Job, processes: list[str]) -> Row:
    said = {True: "on Ray", False: "in one process"}
    place = f"{moment.place}, time {moment.number}"
    what = f"a driver {said[before is not drive]} killed {place}; gone on with {said[after is not drive]}"
    found = {
        "what": what,
        "actors": 2,
        "ended": f"signal {-row['status']}",
        "asked": row["asked"],
        "again": row["repeated"],
        "lost": 0,
        "missing": 0,
        "alike": row["same"],
        "differs": row["differs"],
        "left": len(processes),
    }
    tell(json.dumps(found | {"processes": processes}))
    return found


def drive_on_ray(address: str | None, mark: str, fuse: Fuse) -> None:
    """The ring's run, on two actors of a cluster, or of one that this process starts."""
    os.environ[MARK] = mark
    engine = RayEngine(address=address, actors=2)
    pipeline.run(ring.pictures(), fuse.run, Settings.build(SETTINGS), ring.RingPredictor(), engine=engine)
