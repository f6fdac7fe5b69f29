"""What becomes of a run whose actors, nodes, driver or object store fail? Exit status 1 where it is not as without."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from benchmarks.common import benchmark, make_town
from benchmarks.ray.clusters import actors, cluster, left
from benchmarks.ray.drivers import drivers
from benchmarks.ray.outages import nodes, stores
from benchmarks.ray.trials import (
    COLUMNS,
    Refusing,
    differing,
    good,
    judged,
    killed_processes,
    learning_world,
    meanwhile,
    ring_world,
    trial,
)
from benchmarks.tables import Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.store import open_run
from tests.faults.killing import finished_window
from tests.faults.troubled import ALWAYS, Trouble
from tests.faults.whole_run import everything

WINDOW_STAGES = ("before", "during", "sending")
SFM_SIZE, SFM_FRAMES = (160, 120), 72


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--parts", default="actor,learning,poison,node,store,driver,sfm", help="which of these")


@benchmark(COLUMNS, _options, good=good, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """All that can befall a run on a cluster, in one table."""
    parts = {
        "actor": _actors,
        "learning": _learning,
        "poison": _poison,
        "node": nodes,
        "store": stores,
        "driver": drivers,
        "sfm": _sfm,
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
            row |= judged(shut, out, killed_processes(out))
            yield row | {"ended": f"{row['ended']}; window {first}: {reason}"}


def _reason(out: Path, first: int) -> str:
    events = [event for event in open_run(out / "run").read_events() if event["event"] == "window"]
    return "; ".join(next(event["notes"] for event in events if event["frames"][0] == first))


def _sfm(folder: Path) -> Iterator[Row]:
    """An actor with worker processes of its own is killed from outside, once a window is committed."""
    clip = make_town(folder / "town", SFM_FRAMES, SFM_SIZE, depth=False) / "town.mp4"
    settings = Settings.build({"model": {"name": "sfm"}, "windows": {"size": 24, "overlap": 8}})
    whole, run = folder / "sfm_whole" / "run", folder / "sfm" / "run"
    pipeline.run(clip, whole, settings)
    with cluster([2]):
        begun = time.perf_counter()
        with _actor_killed(run):
            pipeline.run(clip, run, settings, engine=RayEngine(actors=2))
        differs = differing(everything(run), everything(whole))
        row = {"what": "an actor of sfm, with its worker processes, killed after a window", "actors": 2}
        row |= {"ended": "finished", "seconds": time.perf_counter() - begun, "left": len(left())}
        yield row | {"alike": "NO" if differs else "yes", "differs": ", ".join(differs[:3]) or None}


def _actor_killed(run: Path) -> AbstractContextManager[None]:
    """Meanwhile one actor is killed."""

    def step() -> bool:
        is_time = finished_window(run) >= 0
        if is_time:
            os.kill(actors()[0], signal.SIGKILL)
        return is_time

    return meanwhile(step)


if __name__ == "__main__":
    main()
