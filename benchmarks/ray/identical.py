"""Are the files of a run the same wherever its windows were predicted? Exit status 1 if not.

Every file of the run directory, byte by byte, times apart (see tests/faults/whole_run.py). For Depth Anything 3 also
how often a frame goes through the per-frame layers: once where a window follows another in the same actor, twice where
a span of windows begins in an actor that has not seen the frames which it shares with the one before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import benchmark, make_town, tell
from benchmarks.ray.clusters import cluster
from benchmarks.ray.counted_da3 import OVERLAP, WINDOW, CountedDa3, passes, pictures
from benchmarks.ray.trials import differing
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from tests.faults.whole_run import everything
from tests.worlds.seeded_models import ANY_VIEW, write_checkpoint

TOWN_SIZE = (160, 120)
MOST_ACTORS = 4

COLUMNS = [
    Column("predictor", "predictor"),
    Column("where", "where"),
    Column("actors", "actors"),
    Column("windows in a row", "span"),
    Column("files", "files"),
    Column("same", "same"),
    Column("differs", "differs"),
    Column("passes a frame", "passes", "{:.3f}"),
    Column("seconds", "seconds", "{:.0f}"),
]

Drive = Callable[[Path, Any], Any]  # a run into the directory, by the engine


@dataclass(frozen=True)
class Case:
    """A run that is made again and again; `spans` are lengths of rows of windows for one actor."""

    name: str
    drive: Drive
    spans: tuple[int | None, ...] = (None,)
    actors: tuple[int, ...] = (1, 2, 4)
    frames: int = 0  # those whose passes are noted beside the run


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sfm-frames", type=int, default=90, help="length of the town clip for sfm")
    command.add_argument("--da3-frames", type=int, default=100, help="frames for the small network")
    command.add_argument("--cases", default="sfm, K given;sfm, no K;da3", help="which predictors, by semicolons")


@benchmark(COLUMNS, _options, good=lambda row: row["same"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Run in this process and on actors, compare."""
    cases = [case for case in _cases(folder, options) if case.name in options.cases.split(";")]
    with cluster([MOST_ACTORS]):
        for case in cases:
            yield from _compared(folder, case)


def _cases(folder: Path, options: argparse.Namespace) -> Iterator[Case]:
    names = options.cases.split(";")
    if any(name.startswith("sfm") for name in names):
        yield from _sfm_cases(folder, options.sfm_frames)
    checkpoint = write_checkpoint(folder / "seeded", ANY_VIEW)
    drive = partial(_drive_da3, checkpoint, options.da3_frames)
    yield Case("da3", drive, (None, 1, 2, 8), frames=options.da3_frames)


def _sfm_cases(folder: Path, frames: int) -> Iterator[Case]:
    town = make_town(folder / "town", frames, TOWN_SIZE, depth=False)
    k = np.loadtxt(town / "intrinsics.txt").tolist()
    sfm = {"model": {"name": "sfm"}, "windows": {"size": 24, "overlap": 8}}
    for name, camera in (("sfm, K given", {"intrinsics": k}), ("sfm, no K", {})):
        yield Case(name, partial(_drive_settings, town / "town.mp4", Settings.build(sfm | {"camera": camera})))


def _drive_settings(clip: Path, settings: Settings, out: Path, engine: Any) -> None:
    pipeline.run(clip, out, settings, engine=engine)


def _drive_da3(checkpoint: Path, frames: int, out: Path, engine: Any) -> None:
    settings = Settings.build({"windows": {"size": WINDOW, "overlap": OVERLAP}, "loops": {"descriptor": "off"}})
    pipeline.run(pictures(frames), out, settings, CountedDa3(checkpoint, out.parent / "passes"), engine=engine)


def _compared(folder: Path, case: Case) -> Iterator[Row]:
    name = case.name.replace(", ", "_").replace(" ", "_")
    whole, row = _once(case, folder / name / "here", None)
    yield row | {"where": "in one process", "same": "yes"}
    for span in case.spans:
        for actors in case.actors if span is None else (2,):
            engine = RayEngine(actors=actors) if span is None else RayEngine(actors=actors, span=span)
            found, row = _once(case, folder / name / f"ray{actors}_{span}", engine)
            yield row | {"where": "Ray", "actors": actors, "span": engine.span} | _beside(found, whole)


def _once(case: Case, place: Path, engine: Any) -> tuple[dict[str, Any], Row]:
    """What a run leaves, and a row about it."""
    place.mkdir(parents=True)
    begun = time.perf_counter()
    case.drive(place / "run", engine)
    seconds = time.perf_counter() - begun
    found = everything(place / "run")
    tell(f"{case.name}, {place.name}: {seconds:.0f} s")
    share = passes(place / "passes") / case.frames if case.frames else None
    return found, {"predictor": case.name, "files": len(found), "seconds": seconds, "passes": share}


def _beside(found: Mapping[str, Any], whole: Mapping[str, Any]) -> Row:
    differs = differing(found, whole)
    return {"same": "NO" if differs else "yes", "differs": ", ".join(differs[:3]) or None}


if __name__ == "__main__":
    main()
