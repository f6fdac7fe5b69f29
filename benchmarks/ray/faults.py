"""What becomes of a run whose actors, nodes, driver or object store fail? Exit status 1 where it is not as without."""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import benchmark, tell
from benchmarks.ray.clusters import DISK_FULL, MARK, MIB, NO_SPILLING, cluster, left
from benchmarks.ray.sleeping import Sleeping
from benchmarks.ray.trials import COLUMNS, Refusing, World, good, learning_world, ring_world, trial
from benchmarks.scaling.footprint import descendants
from benchmarks.tables import Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.store import open_run
from tests.faults.killing import SETTINGS, Fuse, Moment, drive, finished_window
from tests.faults.trials import Job, undisturbed
from tests.faults.trials import trial as driver_trial
from tests.faults.troubled import ALWAYS, Trouble, notes_of
from tests.worlds import ring_street as ring

WINDOW_STAGES = ("before", "during", "sending")
MOMENTS = (Moment("after commit", 2), Moment("before renaming resume/tip.npz", 4), Moment("after predict", 6))
LARGE, SMALL, LARGE_FRAMES = (640, 480), (32, 24), 200
STORE_MIB, FILLED_AFTER, PIECE_MIB = 120, 4, 10


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--parts", default="actor,learning,poison,node,store,driver", help="which of these")


@benchmark(COLUMNS, _options, good=good, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """All that can befall a run on a cluster, in one table."""
    parts = {
        "actor": _actors,
        "learning": _learning,
        "poison": _poison,
        "node": _nodes,
        "store": _stores,
        "driver": _drivers,
    }
    return (row for name in options.parts.split(",") for row in parts[name](folder))


def _actors(folder: Path) -> Iterator[Row]:
    world = ring_world(folder)
    window, pair = world.windows()[3][0], world.pairs()[1][0]
    troubles = [Trouble("loading"), *(Trouble(stage, window) for stage in WINDOW_STAGES), Trouble("pair", pair)]
    with cluster([4]):
        yield trial(world, folder / "nothing", "nothing", 2)
        for trouble in troubles:
            what = f"an actor killed: {_words(trouble)}"
            yield trial(world, folder / f"actor_{trouble.stage}", what, 2, trouble)
        yield trial(world, folder / "only", "the only actor killed: during window 3", 1, Trouble("during", window))


def _words(trouble: Trouble) -> str:
    return {
        "loading": "as its predictor is made",
        "before": "before a window",
        "during": "during a window",
        "sending": "after a window, as its geometry is sent",
        "state": "after a window, as what it taught is sent",
        "pair": "in a loop check",
    }[trouble.stage]


def _learning(folder: Path) -> Iterator[Row]:
    world = learning_world(folder)
    window = world.windows()[1][0]
    with cluster([4]):
        yield trial(world, folder / "learning_nothing", "nothing, a predictor that learns", 2)
        for stage in (*WINDOW_STAGES, "state"):
            trouble = Trouble(stage, window)
            what = f"an actor killed while it learns: {_words(trouble)}"
            yield trial(world, folder / f"learning_{stage}", what, 2, trouble)
        after = Trouble("during", world.windows()[5][0])
        yield trial(world, folder / "learnt", "an actor killed: during a window, when all is learnt", 2, after)


def _poison(folder: Path) -> Iterator[Row]:
    world = ring_world(folder)
    first = world.windows()[3][0]
    with cluster([4]):
        for actors in (2, 1):
            out = folder / f"poison{actors}"
            trouble = Trouble("during", first, ALWAYS)
            shut = folder / f"poison{actors}_whole"
            row = trial(world, out, "a window that kills whatever looks at it", actors, trouble)
            reason = _reason(out, first)
            replace(world, predictor=Refusing(world.predictor, first, reason)).drive(shut)
            yield trial_again(row, shut, out) | {"ended": f"{row['ended']}; window {first}: {reason}"}


def trial_again(row: Row, whole: Path, out: Path) -> Row:
    """The row with its files judged beside another run."""
    from benchmarks.ray.trials import judged, killed_processes

    return row | judged(whole, out, killed_processes(out))


def _reason(out: Path, first: int) -> str:
    events = [event for event in open_run(out / "run").read_events() if event["event"] == "window"]
    return "; ".join(next(event["notes"] for event in events if event["frames"][0] == first))


def _nodes(folder: Path) -> Iterator[Row]:
    world = ring_world(folder)
    for number in (2, 5):
        window = world.windows()[number][0]
        with cluster([0, 2, 2]) as made:
            beside = partial(_node_lost, made=made, window=window)
            out = folder / f"node{number}"
            yield trial(world, out, f"a node lost during window {number}, of two", 2, Trouble("node", window), beside)


@contextmanager
def _node_lost(out: Path, made: Any, window: int) -> Iterator[None]:
    """Meanwhile the node that predicts a window is taken from the cluster as soon as it is asked."""

    def watch() -> None:
        while not over.wait(0.005):
            for note in notes_of(out):
                if note.what == "window" and note.span[0] == window:
                    _remove(made, note.process, out)
                    return

    over = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _remove(made: Any, process: int, out: Path) -> None:
    for node in list(made.worker_nodes):
        here = {pid for started in node.live_processes() for pid in descendants(started[1].pid)}
        if process in here:
            (out / "killed").write_text(" ".join(map(str, here)))
            made.remove_node(node, allow_graceful=False)


def large_world(folder: Path) -> World:
    """Pictures that are large beside an object store, of which a predictor says little."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (LARGE[1], LARGE[0], 3), dtype=np.uint8)
    settings = {
        "windows": {"size": 24, "overlap": 8},
        "loops": {"descriptor": "off"},
        "scale": {"camera_height": "off"},
    }
    pictures = [np.roll(picture, k, axis=1) for k in range(LARGE_FRAMES)]
    return World(folder / "large", pictures, Sleeping(0.05, SMALL), Settings.build(settings))


def _stores(folder: Path) -> Iterator[Row]:

    world = large_world(folder)
    world.whole  # noqa: B018 - before the cluster is there
    size = LARGE_FRAMES * LARGE[0] * LARGE[1] * 3 / MIB
    for spilling in (True, False):
        what = (
            f"{size:.0f} MiB of frames through a store of {STORE_MIB} MiB, Ray {'may' if spilling else 'may not'} spill"
        )
        with cluster([4], STORE_MIB, None if spilling else NO_SPILLING):
            yield trial(world, folder / f"store{spilling}", what, 2)
    with cluster([4], STORE_MIB, DISK_FULL):
        out = folder / "filled"
        what = f"the store of {STORE_MIB} MiB filled by somebody else after window {FILLED_AFTER}, the disk full"
        row = trial(world, out, what, 2, beside=_store_filled)
        said = "one sentence" if row["ended"] != "finished" and "\n" not in row["ended"] else "NO sentence"
        unfinished = forget_unfinished(world, out)
        again = trial(world, out, f"{what}; gone on with when there is room", 2)
        lost = {"again": again["again"] + unfinished, "lost": again["lost"] + unfinished}
        yield again | lost | {"ended": f"{row['ended']} ({said}); then {again['ended']}"}


@contextmanager
def _store_filled(out: Path) -> Iterator[None]:
    """Meanwhile the store is filled with what is of no use, once so many windows are finished."""
    import ray

    kept, over = [], threading.Event()

    def fill() -> None:
        while not over.wait(0.005):
            if sum(note.what == "finished" for note in notes_of(out)) > FILLED_AFTER:
                with suppress(ray.exceptions.RayError):
                    kept.append(ray.put(np.zeros(PIECE_MIB * MIB, np.uint8)))

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        kept.clear()


def forget_unfinished(world: World, out: Path) -> int:
    """Take from a run's notes what it had asked for that is not committed, and tell how much that was."""
    committed, notes = world.windows()[: finished_window(out / "run") + 1], out / "notes"
    lines = notes.read_text().splitlines() if notes.exists() else []
    kept = [line for line in lines if tuple(map(int, line.split()[1:3])) in committed]
    notes.write_text("".join(f"{line}\n" for line in kept))
    return sum(line.startswith("window") for line in lines) - sum(line.startswith("window") for line in kept)


def _drivers(folder: Path) -> Iterator[Row]:
    whole = undisturbed(folder / "driver", drive)
    with cluster([4], connect=False) as made:
        on_ray = partial(drive_on_ray, made.address, os.environ[MARK])
        for moment in MOMENTS:
            for before, after in ((on_ray, on_ray), (on_ray, drive), (drive, on_ray)):
                row = driver_trial(folder, replace(whole, job=after), "killed", moment, before)
                yield _of_driver(row, moment, before, after, left())
    mark = f"alone{time.monotonic_ns()}"
    alone = partial(drive_on_ray, None, mark)
    row = driver_trial(folder, whole, "killed", MOMENTS[0], alone)
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


if __name__ == "__main__":
    main()
