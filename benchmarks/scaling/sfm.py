"""The whole pipeline with sfm over laps of the town: memory with all processes, scratch disk, CPU time, pace."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import tell
from benchmarks.scaling.footprint import Growth, Sampler, Track
from benchmarks.tables import Column, Row
from da3_stream import reconstruct
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate
from da3_stream.predictors.sfm.processes.scratch import PREFIX
from da3_stream.settings import load_settings
from da3_stream.synthetic import make_town

SETTLED = 2000  # frames after which nothing may grow; a shorter run is looked at from its second tenth on
TENTHS = 10
MIB = 2**20

COLUMNS = [
    Column("frames", "frames"),
    Column("fps", "fps", "{:.2f}"),
    Column("CPU ms/frame", "cpu_ms", "{:.0f}"),
    Column("RAM MiB, largest", "ram_mib", "{:.0f}"),
    Column("of it in workers", "workers_mib", "{:.0f}"),
    Column("scratch MiB, largest", "scratch_mib", "{:.1f}"),
    Column("run directory MiB", "run_mib", "{:.1f}"),
    Column("threads", "threads"),
    Column("open files", "files"),
]


def measure(folder: Path, options: argparse.Namespace) -> Growth:
    """Drive the laps and watch; one row per tenth of the run."""
    track, status = _watched_run(folder, options)
    facts = _facts(track, status, options) | _quality(folder)
    return Growth(COLUMNS, _tenths(track, status["frames"]), facts, partial(_draw, track))


def _watched_run(folder: Path, options: argparse.Namespace) -> tuple[Track, Row]:
    town = make_town("block", frames=options.lap, size=options.size)
    tell(f"rendering {options.lap} frames at {_size(options)}")
    lap = [town.frame(i) for i in range(options.lap)]
    images = [frame.image for frame in lap]
    k = town.intrinsics
    camera = [float(k[0, 0]), float(k[1, 1]), float(k[0, 2]) - 0.5, float(k[1, 2]) - 0.5]
    given = {"model.name": "sfm", "camera.intrinsics": camera}
    settings = load_settings(None, options.set, given)
    out = folder / "run"
    tell(f"{options.frames} frames of sfm")
    with Sampler(out, PREFIX, options.every) as sampler:
        reconstruct(_looped(images, options), out=out, settings=settings)
    status = json.loads((out / "run.json").read_text())
    _write_truth(folder / "truth.txt", [frame.world_from_camera for frame in lap], status["frames"])
    return sampler.track(), status


def _size(options: argparse.Namespace) -> str:
    width, height = options.size
    return f"{width}x{height}"


def _looped(images: list[NDArray[np.uint8]], options: argparse.Namespace) -> Iterator[NDArray[np.uint8]]:
    until = time.monotonic() + 60 * (options.minutes or np.inf)
    for i in range(options.frames):
        if time.monotonic() > until:
            return
        yield images[i % len(images)]


def _write_truth(path: Path, poses: list[NDArray[np.float64]], count: int) -> None:
    rows = np.stack([pose[:3].ravel() for pose in poses])
    np.savetxt(path, rows[np.arange(count) % len(rows)])


def _tenths(track: Track, frames: int) -> list[Row]:
    borders = np.linspace(0, frames, TENTHS + 1)
    return [_tenth(track, first, last) for first, last in zip(borders[:-1], borders[1:], strict=True)]


def _tenth(track: Track, first: float, last: float) -> Row:
    """What was seen while these frames were finished."""
    inside = (track["frames"] >= first) & (track["frames"] < last)
    start, end = (track.at(frame) for frame in (first, last))
    row: Row = {"frames": f"{first:.0f}-{last:.0f}"}
    if end["seconds"] > start["seconds"]:
        row["fps"] = (last - first) / (end["seconds"] - start["seconds"])
        row["cpu_ms"] = 1000 * (end["cpu_s"] - start["cpu_s"]) / (last - first)
    if inside.any():
        row |= {name: float(track[name][inside].max()) for name in ("ram_mib", "workers_mib", "scratch_mib")}
        row |= {name: int(track[name][inside].max()) for name in ("threads", "files")}
        row["run_mib"] = float(track["run_mib"][inside][-1])
    return row


def _facts(track: Track, status: Row, options: argparse.Namespace) -> Row:
    frames = status["frames"]
    since = SETTLED if frames >= 2 * SETTLED else frames / TENTHS
    rows = _tenths(track, frames)
    fps, cpu = (rows[-1].get(key, np.nan) / rows[1].get(key, np.nan) for key in ("fps", "cpu_ms"))
    seconds = {k: round(1000 * v / frames, 1) for k, v in status["seconds_in_predictor"].items()}
    return {
        "frames": frames,
        "size": _size(options),
        "settings": " ".join(options.set) or "defaults",
        "windows by status": status["windows_by_status"],
        "segments": status["segments"],
        "RAM, line fitted from frame": f"{since:.0f}: {track.slope('ram_mib', since) * MIB:+.0f} bytes per frame",
        "its part in the main process": f"{track.slope('main_mib', since) * MIB:+.0f} bytes per frame",
        "last tenth to second": f"frames per second {fps:.3f}, CPU time per frame {cpu:.3f}",
        "largest scratch MiB": round(float(track["scratch_mib"].max()), 2),
        "scratch MiB afterwards": round(float(track["scratch_mib"][-1]), 2),
        "CPU ms per frame by work": json.dumps(seconds),
    }


def _quality(folder: Path) -> Row:
    """Whether it tracked: error over all the laps."""
    try:
        found = evaluate(folder / "run", folder / "truth.txt", format="kitti")
    except Da3StreamError as error:
        return {"trajectory": str(error)}
    keys = ("path_length_m", "ate_rmse_m", "ate_percent", "rpe_trans_percent", "coverage", "segments")
    return {"trajectory": ", ".join(f"{key} {found[key]:.4g}" for key in keys)}


def _draw(track: Track, figure: Any) -> None:
    drawn: list[tuple[str, dict[str, Any]]] = [
        ("MiB of RAM", {"all": track["ram_mib"], "main": track["main_mib"], "workers": track["workers_mib"]}),
        ("MiB of scratch", {"scratch": track["scratch_mib"]}),
        ("CPU seconds", {"all": track["cpu_s"]}),
    ]
    for axes, (title, lines) in zip(figure.subplots(3, 1, sharex=True), drawn, strict=True):
        for name, values in lines.items():
            axes.plot(track["frames"], values, linewidth=0.8, label=name)
        axes.set_ylabel(title)
        axes.legend(loc="lower right")
    axes.set_xlabel("frames finished")
