"""How many frames a second does the whole run take in, dense depth included, and where does the time go?"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.common import benchmark, find_clip, make_town, measured_run, tell
from benchmarks.tables import Column, Row, text_table

BUSY = 0.3  # load above which somebody else is computing
TARGET_FPS = {"kitti07_0-159": 3.0, "hololens_000": 2.5, "town": 1.5}
TOWN_SIZE = (640, 480)

STAGES = ("start", "decoding", "static_mask", "gate", "stitching", "scale", "store", "cloud", "loops", "outputs")
KINDS = ("extract_keypoints", "track_points", "match_chunk", "verify_chunk", "map_window", "dense_depth")  # both of
# run.json's seconds_by_stage

COLUMNS = [
    Column("clip", "clip"),
    Column("frames", "frames"),
    Column("fps", "fps", "{:.2f}"),
    Column("target", "target_fps", "{:.1f}"),
    Column("slowest", "fps_min", "{:.2f}"),
    Column("fastest", "fps_max", "{:.2f}"),
    Column("seconds", "wall_s", "{:.1f}"),
    Column("MiB", "peak_mib", "{:.0f}"),
    Column("missed", "missed"),
]
CPU_COLUMNS = [
    Column("CPU seconds", "clip"),
    *(Column(name.replace("_", " "), f"cpu_{name}", "{:.1f}") for name in (*KINDS, *STAGES)),
    Column("rest", "cpu_rest", "{:.1f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clips", default=",".join(TARGET_FPS), help="names with commas; town is rendered first")
    command.add_argument("--repeat", type=int, default=3, help="runs of each clip; the median counts")
    command.add_argument("--frames", type=int, default=300, help="length of the town's drive")


@benchmark(COLUMNS, _options, note=lambda rows: text_table(CPU_COLUMNS, rows))
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row per clip: the run in the middle by its speed."""
    load = os.getloadavg()[0]
    if load > BUSY * (os.cpu_count() or 1):
        tell(f"the load is {load:.2f}: something else is running, and the speeds will be too low")
    return (_row(name, folder, options) for name in options.clips.split(",") if name)


def _row(name: str, folder: Path, options: argparse.Namespace) -> Row:
    """The median run of a clip, the slowest and the fastest speed beside it."""
    source, intrinsics = _input(name, folder, options)
    words = ["--intrinsics", str(intrinsics)] if intrinsics else []
    runs = [_once(source, folder / f"{Path(name).stem}_{k}", options, words) for k in range(options.repeat)]
    errors = [run["error"] for run in runs if run["error"]]
    target = TARGET_FPS.get(name)
    if errors:
        return {"clip": name, "target_fps": target, "missed": errors[0], "runs": runs}
    speeds = [run["fps"] for run in runs]
    middle = min(runs, key=lambda run: abs(run["fps"] - median(speeds)))
    missed = "fps" if target and middle["fps"] < target else None
    limits = {"fps_min": min(speeds), "fps_max": max(speeds)}
    return {"clip": name, **middle, "target_fps": target, **limits, "missed": missed, "runs": runs}


def _input(name: str, folder: Path, options: argparse.Namespace) -> tuple[Path, Path | None]:
    """The source and the intrinsics, the town rendered if it is asked for."""
    if name == "town":
        town = make_town(folder / "town", options.frames, TOWN_SIZE, depth=False)
        return town / "town.mp4", town / "intrinsics.txt"
    clip = find_clip(name)
    return clip.source, clip.intrinsics


def _once(source: Path, out: Path, options: argparse.Namespace, words: list[str]) -> Row:
    with measured_run(source, out, options, *words) as measured:
        stages = measured.status.get("seconds_by_stage", {})
        rest = sum(seconds for name, seconds in stages.items() if name not in (*STAGES, *KINDS))
        return measured.speed() | {f"cpu_{name}": seconds for name, seconds in stages.items()} | {"cpu_rest": rest}


if __name__ == "__main__":
    main()
