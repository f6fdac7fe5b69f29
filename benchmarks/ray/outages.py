"""Nodes that are lost, and object stores that are too small or full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ray.clusters import DISK_FULL, MIB, NO_SPILLING, cluster
from benchmarks.ray.sleeping import Sleeping
from benchmarks.ray.trials import World, meanwhile, ring_world, trial
from benchmarks.scaling.footprint import descendants
from benchmarks.tables import Row
from da3_stream import Settings
from tests.faults.killing import finished_window
from tests.faults.troubled import Trouble, notes_of

LARGE, SMALL, LARGE_FRAMES = (640, 480), (32, 24), 200
STORE_MIB, FILLED_AFTER, PIECE_MIB = 120, 4, 10


def nodes(folder: Path) -> Iterator[Row]:
    """One of two nodes is lost."""
    world = ring_world(folder)
    for number in (2, 5):
        window = world.windows()[number][0]
        with cluster([0, 2, 2]) as made:
            beside = partial(_node_lost, made=made, window=window)
            out = folder / f"node{number}"
            yield trial(world, out, f"a node lost during window {number}, of two", 2, Trouble("node", window), beside)


def _node_lost(out: Path, made: Any, window: int) -> AbstractContextManager[None]:
    """Meanwhile the node that predicts a window is taken from the cluster as soon as it is asked."""

    def step() -> bool:
        at = [note.process for note in notes_of(out) if note.what == "window" and note.span[0] == window]
        if at:
            _remove(made, at[0], out)
        return bool(at)

    return meanwhile(step)


def _remove(made: Any, process: int, out: Path) -> None:
    for node in list(made.worker_nodes):
        here = {pid for started in node.live_processes() for pid in descendants(started[1].pid)}
        if process in here:
            (out / "killed").write_text(" ".join(map(str, here)))
            made.remove_node(node, allow_graceful=False)


def _large_world(folder: Path) -> World:
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


def stores(folder: Path) -> Iterator[Row]:
    """Frames that are more than the object store holds, and a store that is full."""

    world = _large_world(folder)
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
        unfinished = _forget_unfinished(world, out)
        again = trial(world, out, f"{what}; gone on with when there is room", 2)
        lost = {"again": again["again"] + unfinished, "lost": again["lost"] + unfinished}
        yield again | lost | {"ended": f"{row['ended']} ({said}); then {again['ended']}"}


@contextmanager
def _store_filled(out: Path) -> Iterator[None]:
    """Meanwhile the store is filled with what is of no use, once so many windows are finished."""
    import ray

    kept: list[Any] = []

    def step() -> bool:
        if sum(note.what == "finished" for note in notes_of(out)) > FILLED_AFTER:
            with suppress(ray.exceptions.RayError):
                kept.append(ray.put(np.zeros(PIECE_MIB * MIB, np.uint8)))
        return False

    with meanwhile(step):
        yield
    kept.clear()


def _forget_unfinished(world: World, out: Path) -> int:
    """Take from a run's notes what it had asked for that is not committed, and tell how much that was."""
    committed, notes = world.windows()[: finished_window(out / "run") + 1], out / "notes"
    lines = notes.read_text().splitlines() if notes.exists() else []
    kept = [line for line in lines if tuple(map(int, line.split()[1:3])) in committed]
    notes.write_text("".join(f"{line}\n" for line in kept))
    return sum(line.startswith("window") for line in lines) - sum(line.startswith("window") for line in kept)
