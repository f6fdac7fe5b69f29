"""What a city of runs takes, figure by figure: measured (from the tables of benchmarks/results) or assumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tables import ROOT, Row
from da3_stream.loops.index import CODE_BYTES, KEYFRAME
from da3_stream.loops.verify import NEIGHBOURHOOD_FRAMES

RESULTS = ROOT / "benchmarks" / "results"
CLIP = "kitti07_0-159"  # a car in a street: the clip that stands for a run
LOOK_FRAMES = 2 * NEIGHBOURHOOD_FRAMES
WINDOW_FRAMES = 120  # of sfm
IN_VAIN = 0.1  # of the looks between runs, beside those that a run's own loops take


@dataclass(frozen=True)
class Figure:
    """A number, its unit, and where it is from: "measured by ...", or "assumed: ..."."""

    name: str
    value: float
    unit: str
    source: str

    def as_row(self) -> Row:
        """Ready for a table."""
        return {"figure": self.name, "value": f"{self.value:,.4g}", "unit": self.unit, "source": self.source}


def figures(results: Path = RESULTS) -> dict[str, Figure]:
    """All figures by name; those measured are read from tables, so that they follow when these are made anew."""
    found = [*_of_a_run(results), *_of_places(results), *_of_loops(results), *_of_the_graph(results), *_assumed()]
    return {figure.name: figure for figure in found}


def _of_a_run(results: Path) -> Iterator[Figure]:
    """A car's kilometre, alone."""
    path = _row(results, "accuracy_all.json", lambda row: row["clip"] == CLIP and row["camera"] == "given")
    speed = _row(results, "old_and_new.json", lambda row: row["clip"] == f"{CLIP} K")
    disk = _disk(results)
    frames, pixels = 1000 * path["frames"] / path["path_length_m"], disk["pixels"] / disk["frames"]
    keyframes = disk["places"] / _record(results) * frames
    yield Figure("frames a run", frames, "of a km", f"measured: accuracy_all.md, {CLIP}, 10 a second")
    yield Figure("CPU a frame", speed["cpu_s_per_frame"], "s", f"measured: old_and_new.md, {CLIP} with K, 640x193")
    yield Figure("stored a run", disk["stays"] * pixels * frames, "bytes", f"measured: disk.md, {CLIP}, all that stays")
    yield Figure("keyframes a run", keyframes, "of a km", "measured: disk.md, bytes of places")


def _of_places(results: Path) -> Iterator[Figure]:
    places = _table(results / "city_places.json")
    cells = next(row for row in places["rows"] if row["by"] == "cells of 500 m")
    query_s = places["one shard"][0]["query_ms"] / 1000
    yield Figure("a query", query_s, "CPU s", "measured: city_places.md, a shard of 10 000")
    yield Figure("shards a query", cells["asked"], "", "measured: city_places.md, cells of 500 m")
    yield Figure("keyframe in the index", _record(results), "bytes", "measured: vlad's numbers; 128 of them in memory")


def _of_loops(results: Path) -> Iterator[Figure]:
    looks = _row(results, "backend_revisit.json", lambda row: row["clip"] == "street")
    speed = _row(results, "old_and_new.json", lambda row: row["clip"] == f"{CLIP} K")
    quarter, disk = _table(results / "city_loops.json")["rows"][0], _disk(results)
    look_s, tries = LOOK_FRAMES * speed["cpu_s_per_frame"], looks["looks"] / looks["loops"] / (1 - IN_VAIN)
    window = WINDOW_FRAMES * disk["windows"] * disk["pixels"] / disk["frames"]
    yield Figure("looks a loop", tries, "", "measured: backend_revisit.md, street; assumed: a tenth more in vain")
    yield Figure("a look", look_s, "CPU s", f"assumed: what {LOOK_FRAMES} frames of a run take")
    yield Figure("read for a look", 2 * window, "bytes", f"measured: disk.md, two windows of {WINDOW_FRAMES} frames")
    yield Figure("a quarter", quarter["quarter_cpu_s"], "CPU s", "measured: city_loops.md")
    yield Figure("quarters a run", quarter["quarters"] / quarter["runs"], "", "measured: city_loops.md, 1 % false")


def _of_the_graph(results: Path) -> Iterator[Figure]:
    solved = _table(results / "city_graph.json")["rows"][-1]
    submaps, runs = solved["submaps"], solved["runs"]
    told = solved["told_mib"] * 2**20
    districts_s, separators_s = solved["districts_cpu_s"], solved["separators_cpu_s"]
    yield Figure("submaps a run", submaps / runs, "", "assumed: one every 100 m")
    yield Figure("loops a run", solved["loops"] / runs, "", "made up: streets are driven twice, both ways together")
    yield Figure("districts", districts_s / submaps, "CPU s a submap", f"measured: city_graph.md, {submaps:,} submaps")
    yield Figure("separators", separators_s / submaps**1.5, "CPU s a submap^1.5", "the same; George 1973: n^1.5")
    yield Figure("told", told / submaps, "bytes a submap", "the same")
    yield Figure("a step", solved["step_cpu_s"] / submaps, "CPU s a submap", "the same")
    yield Figure("steps", solved["steps"], "", "the same; factored twice")


def _assumed() -> Iterator[Figure]:
    yield Figure("runs", 1e5, "", "the question")
    yield Figure("video a run", 125e6, "bytes", "assumed: 10 Mbit/s at 10 m/s")
    yield Figure("keyframes between runs", 100, "of a km", "assumed: one every ten metres is sought in other runs")
    yield Figure(
        "overhead a run", 10, "CPU s", "assumed: start, outputs, being handed out; videos of 16 frames: 7 to 14"
    )
    yield Figure("hard runs", 0.01, "", "assumed: they take five times as long")
    yield Figure("attempts that fail", 0.01, "", "assumed: tried three times")
    yield Figure("cores", 16, "a machine", "assumed; a task takes one")
    yield Figure("network", 1.25e9, "bytes/s a machine", "assumed: 10 Gbit/s")
    yield Figure("storage", 10e9, "bytes/s in all", "assumed: shared by all machines")
    yield Figure("a machine's life", 500, "h", "assumed: mean time until one is lost")
    yield Figure("another machine", 0.5, "h", "assumed: until it stands in")


def _disk(results: Path) -> Row:
    return _row(results, "disk.json", lambda row: row["clip"] == CLIP)


def _record(results: Path) -> float:
    """Bytes of a keyframe in an index: half precision, its code, its three numbers."""
    return float(2 * _table(results / "city_places.json")["one shard"][0]["numbers"] + CODE_BYTES + KEYFRAME.itemsize)


def _table(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _row(results: Path, name: str, wanted: Callable[[Row], bool]) -> Row:
    return next(row for row in _table(results / name)["rows"] if wanted(row))
