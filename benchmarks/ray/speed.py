"""How much of the ideal do actors give, and what does a window cost beside its prediction?

A predictor that sleeps shows what the engine takes: so many windows, cut from frames that are there, are predicted, and
their geometry is in this process ("engine alone"); and whole runs, from the moment that the first window is committed
until the last one is, whose back-end takes turns with it; beside that, what all of it took, start of the actors and
outputs too. sfm is the real thing: whole runs with actors beside as many workers in one process, in turn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common import benchmark, find_clip, tell
from benchmarks.ray.clusters import cluster
from benchmarks.ray.sleeping import Sleeping
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.predictors.engine import Engine, GivenRecipe, LocalEngine
from da3_stream.predictors.scheduler import SerializedPredictor, predictions
from da3_stream.store import open_run
from da3_stream.types import Frame, UInt8
from da3_stream.windows import windows

ACTORS = (1, 2, 4, 8)
SIZE, OVERLAP = 24, 6
STEP = SIZE - OVERLAP
FRAME_SIZES = ((32, 24), (320, 240), (504, 280))
ASKED, MOST_OVERHEAD_MS, SMALL = 0.9, 50.0, (320, 240)  # of ideal; a window; up to which frames
STORE_MIB = 2000
ELSEWHERE = ("start", "decoding", "static_mask", "gate", "predict", "outputs", "other")  # stages not of the back-end

COLUMNS = [
    Column("what", "what"),
    Column("actors", "actors"),
    Column("frames", "size"),
    Column("windows", "windows"),
    Column("seconds", "seconds", "{:.2f}"),
    Column("ideal", "ideal", "{:.2f}"),
    Column("share of ideal", "share", "{:.3f}"),
    Column("more than in one process, ms a window", "over_ms", "{:.1f}"),
    Column("back-end, s a window", "backend_s", "{:.3f}"),
    Column("with start and outputs, s", "whole_s", "{:.1f}"),
    Column("missed", "missed"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--windows", type=int, default=48, help="windows of each run")
    command.add_argument("--sleep", type=float, default=1.0, help="seconds of a prediction")
    command.add_argument("--repeat", type=int, default=3, help="of short measurements; the median counts")
    command.add_argument("--clip", default="kitti00_c1018", help="for sfm: a clip of the shared data")
    command.add_argument("--sfm-frames", type=int, default=400, help="of it")
    command.add_argument("--parts", default="engine,overhead,run,sfm", help="which of these")


@benchmark(COLUMNS, _options, good=lambda row: not row.get("missed"), settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """All of it, in one table."""
    parts = options.parts.split(",")
    with cluster([max(ACTORS)], STORE_MIB):
        if "engine" in parts:
            yield from _engine_alone(options)
        if "overhead" in parts:
            yield from _overhead(options)
        if "run" in parts:
            yield from _whole_runs(folder, options)
    if "sfm" in parts:
        with cluster([2], STORE_MIB):
            yield from _sfm(folder, options)


def _engine_alone(options: argparse.Namespace) -> Iterator[Row]:
    for actors in ACTORS:
        seconds = _predicted(RayEngine(actors=actors), options.sleep, (32, 24), options.windows)
        ideal = options.windows * options.sleep / actors
        share = ideal / seconds
        row = {"what": "engine alone", "actors": actors, "size": "32x24", "windows": options.windows}
        yield _told(row | {"seconds": seconds, "ideal": ideal, "share": share, "missed": _missed(share)})


def _missed(share: float) -> str | None:
    return None if share >= ASKED else f"{ASKED:g} of ideal"


def _overhead(options: argparse.Namespace) -> Iterator[Row]:
    """What Ray adds to a window with one actor, by the bytes of its frames and maps."""
    for size in FRAME_SIZES:
        sleep, count = 0.1, 20
        found: dict[str, list[float]] = {"here": [], "ray": []}
        for _ in range(options.repeat):
            for name, engine in (("here", LocalEngine()), ("ray", RayEngine(actors=1))):
                found[name].append(_predicted(engine, sleep, size, count))
        over_ms = 1000 * (median(found["ray"]) - median(found["here"])) / count
        is_over = over_ms > MOST_OVERHEAD_MS and size <= SMALL
        row = {"what": "overhead", "actors": 1, "size": _text(size), "windows": count, "seconds": median(found["ray"])}
        yield _told(row | {"over_ms": over_ms, "missed": f"{MOST_OVERHEAD_MS:g} ms" if is_over else None, "all": found})


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _predicted(engine: Engine, sleep: float, size: tuple[int, int], count: int) -> float:
    """Seconds from the first window's submission until the last one's geometry is here."""
    with engine.open(GivenRecipe(Sleeping(sleep, size))) as predictor:
        serialized = SerializedPredictor(PredictorAdapter(predictor))
        frames = _frames(size, SIZE + (count - 1) * STEP)
        _taken(serialized, frames[: SIZE + STEP])  # whatever is done once
        begun = time.perf_counter()
        assert _taken(serialized, frames) == count
        return time.perf_counter() - begun


def _taken(predictor: SerializedPredictor, frames: list[Frame]) -> int:
    with closing(predictions(windows(frames, SIZE, OVERLAP), predictor)) as predicted:
        return sum(1 for _ in predicted)


def _frames(size: tuple[int, int], count: int) -> list[Frame]:
    return [Frame(k, k / 10, picture, str(k)) for k, picture in enumerate(_pictures(size, count))]


def _pictures(size: tuple[int, int], count: int) -> list[UInt8]:
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return [np.roll(image, k, axis=1) for k in range(count)]


def _whole_runs(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Runs with their back-end, which is one process: however many actors there are, it limits them."""
    plan = {"windows": {"size": SIZE, "overlap": OVERLAP}, "loops": {"descriptor": "off"}}
    settings = Settings.build(plan | {"scale": {"camera_height": "off"}})
    pictures = _pictures((32, 24), SIZE + (options.windows - 1) * STEP)
    for actors in ACTORS:
        out = folder / f"run{actors}"
        begun = time.perf_counter()
        pipeline.run(pictures, out, settings, Sleeping(options.sleep), engine=RayEngine(actors=actors))
        seconds = time.perf_counter() - begun
        stages = open_run(out).read_status()["seconds_by_stage"]
        backend = sum(value for name, value in stages.items() if name not in ELSEWHERE) / options.windows
        ideal = max((options.windows / actors - 1) * options.sleep, (options.windows - 1) * backend)
        between = _first_to_last_s(out)
        row = {"what": "first to last window of a run", "actors": actors, "size": "32x24", "windows": options.windows}
        row |= {"seconds": between, "ideal": ideal, "share": ideal / between, "missed": _missed(ideal / between)}
        yield _told(row | {"backend_s": backend, "whole_s": seconds})


def _first_to_last_s(out: Path) -> float:
    """Seconds from the first window's commitment to the last one's."""
    events = open_run(out).read_events()
    times = [datetime.fromisoformat(event["time"]) for event in events if event["event"] == "window"]
    return (times[-1] - times[0]).total_seconds()


def _sfm(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One process with two workers and two actors, in turn; ideal is what the one process takes."""
    clip = find_clip(options.clip)
    plan: dict[str, Any] = {"model": {"name": "sfm"}, "windows": {"size": 60, "overlap": 12}}
    plan |= {"camera": {"intrinsics": str(clip.intrinsics)}, "frames": {"max_frames": options.sfm_frames}}
    engines = {"workers": (LocalEngine(), {"workers": 2}), "actors": (RayEngine(actors=2), {})}
    found: dict[str, list[float]] = {name: [] for name in engines}
    windows_made = 0
    for turn, name in enumerate(("workers", "actors", "actors", "workers")):
        engine, model = engines[name]
        out = folder / f"sfm{turn}"
        begun = time.perf_counter()
        pipeline.run(clip.source, out, Settings.build(plan | {"model": plan["model"] | model}), engine=engine)
        found[name].append(time.perf_counter() - begun)
        windows_made = open_run(out).read_status()["windows"]
        tell(f"sfm, {name}: {found[name][-1]:.1f} s")
    share = sum(found["workers"]) / sum(found["actors"])
    for name in engines:
        row = {"what": f"sfm, two {name}", "size": options.clip, "windows": windows_made, "all": found[name]}
        row |= {"seconds": sum(found[name]) / 2, "ideal": sum(found["workers"]) / 2}
        is_ray = name == "actors"
        yield row | ({"actors": 2, "share": share, "missed": _missed(share)} if is_ray else {})


def _told(row: Row) -> Row:
    tell(" ".join(f"{key} {value}" for key, value in row.items()))
    return row


if __name__ == "__main__":
    main()
