"""What do laps cost? A ring driven round and a corridor driven there and back: looks of loop closing, lap by lap.

A stand-in predictor knows the truth but for a drift within every window and noise between two places that it is shown
together. A look is a prediction for a loop check. `--beside` takes the JSON of another build (the script run with its
folder in PYTHONPATH), whose looks, loops and errors stand in the columns "before".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.backend.lap_world import DriftingPredictor, LapWorld
from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream import Reconstruction, Settings, pipeline
from da3_stream.geometry import umeyama

MOST_LOOKS, MOST_ATE = 1.2, 1.05  # of the second lap's, and of the ATE before
NEAR = 15  # frames within which two loops are of the same places

COLUMNS = [
    Column("world", "world"),
    Column("lap", "lap"),
    Column("windows", "windows"),
    Column("looks", "looks"),
    Column("before", "looks_before"),
    Column("loops", "loops"),
    Column("before", "loops_before"),
    Column("not looked at", "not_looked_at"),
    Column("first returns found again", "found_again"),
    Column("ATE m", "ate_m", "{:.3f}"),
    Column("before", "ate_before_m", "{:.3f}"),
    Column("missed", "missed"),
]
NOTE = (
    f"asked for: looks of the last lap at most {MOST_LOOKS:g} times the second's, ATE at most {MOST_ATE:g} times "
    "the one before, every loop of a first return found again. ATE is that of the whole run."
)

Loop = tuple[int, int]  # earlier, later frame


def driven(world: LapWorld, out: Path, settings: Settings) -> Iterator[Row]:
    """A row for every lap of a run."""
    tell(f"{out.name}: {len(world)} frames")
    predictor = DriftingPredictor(world)
    pictures = [world.draw(frame)[0] for frame in range(len(world))]
    run = pipeline.run(pictures, out, settings, predictor, overwrite=True)
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    seconds = json.loads((run / "run.json").read_text())["seconds_by_stage"]
    ate_m = _ate(world, run)
    for lap in range(world.laps):
        loops = _loops(world, events, lap)
        yield {
            "world": world.shape,
            "lap": lap + 1,
            "windows": _count(world, predictor.windows, lap),
            "looks": _count(world, predictor.looks, lap),
            "loops": len(loops),
            "not_looked_at": _not_looked_at(world, events, lap),
            "ate_m": ate_m,
            "frames": loops,
            "seconds_by_stage": seconds,
        }


def _ate(world: LapWorld, run: Path) -> float:
    true, centres = world.world_from_camera[:, :3, 3], Reconstruction(run).world_from_camera[:, :3, 3]
    apart = umeyama(true, centres).apply(centres) - true
    return float(np.sqrt(np.square(apart).sum(axis=1).mean()))


def _loops(world: LapWorld, events: Sequence[dict[str, Any]], lap: int) -> list[Loop]:
    """The loops whose later frame is of a lap."""
    loops = [(event["frames"][0], event["frames"][1]) for event in events if event["event"] == "loop"]
    return [loop for loop in loops if loop[1] // world.lap == lap]


def _count(world: LapWorld, frames: Sequence[int], lap: int) -> int:
    return sum(frame // world.lap == lap for frame in frames)


def _not_looked_at(world: LapWorld, events: Sequence[dict[str, Any]], lap: int) -> int:
    """Candidates that would have told little, by the window in which they came up."""
    last, total = 0, 0
    for event in events:
        if event["event"] == "window":
            last = event["frames"][1]
        elif event["event"] == "loops not looked at" and last // world.lap == lap:
            total += event["count"]
    return total


def compared(world: LapWorld, rows: list[Row], before: Sequence[Row]) -> list[Row]:
    """The rows beside those of another build, with what falls short."""
    then = {row["lap"]: row for row in before if row["world"] == world.shape}
    for row in rows:
        old = then.get(row["lap"], {})
        row |= {f"{name}_before": old.get(name) for name in ("looks", "loops")} | {"ate_before_m": old.get("ate_m")}
        returns = [loop for loop in old.get("frames", []) if world.visit(loop[1]) == 1]
        again = sum(_found(loop, row["frames"]) for loop in returns)
        row["found_again"] = f"{again}/{len(returns)}" if returns else None
        row["missed"] = ", ".join(["first returns"] * (again < len(returns)) + _missed(row, rows)) or None
    return rows


def _found(loop: Loop, among: Sequence[Loop]) -> bool:
    """Whether a loop of the same two places is among others."""
    return any(max(abs(loop[0] - other[0]), abs(loop[1] - other[1])) < NEAR for other in among)


def _missed(row: Row, rows: Sequence[Row]) -> list[str]:
    """What a last lap falls short of."""
    if row is not rows[-1]:
        return []
    looks = row["looks"] > MOST_LOOKS * rows[1]["looks"]
    return ["looks"] * looks + ["ATE"] * (row["ate_m"] > MOST_ATE * (row["ate_before_m"] or np.inf))


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--worlds", default="ring,corridor", help="ring, corridor or both, with commas")
    command.add_argument("--frames", type=int, default=1000, help="of a lap")
    command.add_argument("--laps", type=int, default=4)
    command.add_argument("--beside", type=Path, metavar="FILE", help="the JSON of another build")


@benchmark(COLUMNS, _options, note=NOTE, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for every lap of every world."""
    settings = Settings.build({"scale": {"camera_height": "off"}, "cloud": {"fusion": "off"}})
    before = json.loads(options.beside.read_text())["rows"] if options.beside else []
    for shape in options.worlds.split(","):
        world = LapWorld(shape, options.frames, options.laps)
        yield from compared(world, list(driven(world, folder / shape, settings)), before)


if __name__ == "__main__":
    main()
