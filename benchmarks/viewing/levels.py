"""What do levels of detail cost a run, and how exact are they?

Made-up submaps from 10 m to 2 km (a hilly ground between facades, a voxel of 1/1000 of it and no more than 0.2 m), and
with --runs the pages of finished runs. CPU time is that of one core: the least of some writings, beside that of the
page. Every point is looked for in what was written: the worst distance on an axis, how many are lost or come twice.
Evenness is of what a viewer sees of a whole submap, its coarsest nodes: the spread of the distances to the nearest
neighbour over their mean; points at random on a surface have 0.52.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream.cloud import Points, SubmapLevels, read_page, write_levels, write_page
from da3_stream.cloud.pages import level_order
from da3_stream.store import Run, create_run, open_run

MADE = ((20_000, 10.0), (350_000, 10.0), (350_000, 100.0), (350_000, 500.0), (350_000, 2000.0), (3_000_000, 500.0))
MOST_SHARE = 0.01  # of a run's CPU seconds
COLUMNS = (
    Column("submaps", "submaps"),
    Column("points", "points", "{:,}"),
    Column("reach m", "reach", "{:.0f}"),
    Column("voxel m", "voxel", "{:.3f}"),
    Column("levels CPU ms", "levels_ms", "{:.0f}"),
    Column("page CPU ms", "page_ms", "{:.0f}"),
    Column("share of the run's CPU", "share", "{:.2%}"),
    Column("levels B/point", "levels_bytes", "{:.2f}"),
    Column("page B/point", "page_bytes", "{:.2f}"),
    Column("nodes", "nodes"),
    Column("most points", "largest", "{:,}"),
    Column("header kB", "header_kb", "{:.1f}"),
    Column("coarsest", "coarsest", "{:,}"),
    Column("worst mm", "worst_mm", "{:.3f}"),
    Column("in voxels", "worst_voxels", "1/{:.0f}"),
    Column("lost", "lost"),
    Column("twice", "twice"),
    Column("unevenness", "unevenness", "{:.2f}"),
    Column("next level", "unevenness_1", "{:.2f}"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--runs", type=Path, nargs="*", default=[], help="finished runs whose pages are written again")
    command.add_argument("--times", type=int, default=5, help="writings, of which the fastest counts")


def _good(row: Row) -> bool:
    exact = row["lost"] == row["twice"] == 0 and row["worst_voxels"] >= 64
    return exact and row["largest"] <= 65_536 and (row["share"] is None or row["share"] <= MOST_SHARE)


@benchmark(COLUMNS, _options, settings=False, good=_good)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    for count, reach in MADE:
        tell(f"{count:,} points over {reach:.0f} m")
        measured = [_measured(_made(count, reach), folder, options.times)]
        yield {"submaps": "made up", **_together(measured), "share": None}
    for path in options.runs:
        tell(str(path))
        run = open_run(path)
        pages = sorted((run.path / "cloud").glob("??????.laz"))
        measured = [_measured(_as_made(run, int(page.stem)), folder, options.times) for page in pages]
        row = _together(measured)
        seconds = sum(json.loads((path / "run.json").read_text())["seconds_by_stage"].values())
        name = f"{len(pages)} of {path.name}"
        yield {"submaps": name, **row, "share": row["levels_ms"] * len(pages) / 1000 / seconds}


def _made(count: int, reach: float) -> Points:
    rng = np.random.default_rng(0)
    x, y = reach * rng.random(count), reach * (rng.random(count) - 0.5)
    facade = rng.random(count) < 0.3
    height = np.where(facade, 0.1 * reach * rng.random(count), 0.01 * reach * np.sin(20 * x / reach))
    y[facade] = 0.1 * reach * np.sign(y[facade])
    xyz = np.stack([x, height, y], axis=-1).astype(np.float32)
    rgb, frame = rng.integers(0, 256, (count, 3), dtype=np.uint8), np.sort(rng.integers(0, 100, count))
    confidence = np.exp(rng.uniform(0, 6, count)).astype(np.float32)
    return Points(xyz, rgb, frame.astype(np.int32), confidence, min(reach / 1000, 0.2))


def _as_made(run: Run, submap: int) -> Points:
    """The points of a page in the order in which they were before it was written."""
    points = read_page(run, submap)
    return points.take(np.argsort(level_order(len(points))))


def _measured(points: Points, folder: Path, times: int) -> Row:
    """Of one submap."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        run = create_run(Path(place) / "run")
        levels_s = _cpu_seconds(lambda: write_levels(run, 0, points), times)
        page_s = _cpu_seconds(lambda: write_page(run, 0, points), min(times, 2))
        levels = SubmapLevels.open(run.levels_path(0))
        sizes = [path.stat().st_size / len(points) for path in (run.levels_path(0), run.page_path(0))]
        tops = [k for k, node in enumerate(levels.nodes) if node["points"] > 1]
        first = levels.nodes[tops[0]]["level"]
        return {
            "points": len(points),
            "reach": float(np.ptp(points.xyz, axis=0).max()),
            "voxel": points.voxel,
            "levels_ms": 1000 * levels_s,
            "page_ms": 1000 * page_s,
            "levels_bytes": sizes[0],
            "page_bytes": sizes[1],
            "nodes": len(levels.nodes),
            "largest": max(node["points"] for node in levels.nodes),
            "header_kb": len(levels.text) / 1000,
            "coarsest": sum(node["points"] for node in levels.nodes if node["level"] <= first),
            **_exactness(levels, replace(points, rgb=_numbers(len(points))), folder),
            "unevenness": _unevenness(levels, first),
            "unevenness_1": _unevenness(levels, first + 1),
        }


def _cpu_seconds(work: Callable[[], None], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def _numbers(count: int) -> np.ndarray:
    number = np.arange(count)
    return np.stack([number >> 16, number >> 8, number], axis=-1).astype(np.uint8)


def _exactness(levels: SubmapLevels, numbered: Points, folder: Path) -> Row:
    """The points once more, each with its number for a colour, so that it is known again."""
    run = create_run(folder / "numbered", overwrite=True)
    write_levels(run, 0, numbered)
    found = SubmapLevels.open(run.levels_path(0))
    parts = [found.points(node) for node in range(len(found.nodes))]
    rgb = np.concatenate([part.rgb for part in parts]).astype(np.int64)
    number = rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
    counts = np.bincount(number, minlength=len(numbered))
    off = np.abs(np.concatenate([part.xyz for part in parts]) - numbered.xyz[number].astype(np.float64)).max()
    return {
        "worst_mm": 1000 * float(off),
        "worst_voxels": numbered.voxel / float(off),
        "lost": int((counts == 0).sum()),
        "twice": int((counts > 1).sum()),
    }


def _unevenness(levels: SubmapLevels, level: int) -> float | None:
    """Of all points down to a level."""
    nodes = [k for k, node in enumerate(levels.nodes) if node["level"] <= level]
    xyz = np.concatenate([levels.points(k).xyz for k in nodes])
    if len(xyz) < 100:
        return None
    nearest = cKDTree(xyz).query(xyz, 2)[0][:, 1]
    return float(nearest.std() / nearest.mean())


def _together(measured: Sequence[Row]) -> Row:
    """Means over submaps; of what must not happen, the worst."""
    row = {key: _mean([each[key] for each in measured]) for key in measured[0]}
    for key in ("worst_mm", "lost", "twice", "largest"):
        row[key] = max(each[key] for each in measured)
    row["worst_voxels"] = min(each["worst_voxels"] for each in measured)
    return row | {key: round(row[key]) for key in ("points", "nodes", "coarsest")}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


if __name__ == "__main__":
    main()
