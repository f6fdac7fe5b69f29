"""The whole pipeline over laps of the town, predicted by the truth.

The frames of one lap are rendered once. The stub returns their exact geometry with noise, every window in a unit of
its own, and descriptors that know the place; all else is the pipeline as users run it. Memory is what is resident when
a window is finished, after garbage collection and without what was freed (the highest moment, mostly the solver's, is
told apart); CPU seconds are the process's, whole-graph solutions and rewriting apart.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import tell
from benchmarks.scaling.footprint import Growth
from benchmarks.tables import Column, Row
from da3_stream import pipeline
from da3_stream.errors import RunError
from da3_stream.machine import peak_rss_bytes, release_memory
from da3_stream.posegraph import PoseGraph
from da3_stream.session import RunSession
from da3_stream.session.live_trajectory import LiveTrajectory
from da3_stream.settings import Settings, load_settings
from da3_stream.slam import WindowUpdate
from da3_stream.synthetic import make_town
from da3_stream.types import Float32, Frame, WindowGeometry

SIZE = (64, 48)
FROM = 2000  # frames before which nothing is asked to be flat
EVERY = 20  # windows between two looks at the memory
DEPTH_NOISE, POSE_NOISE, SCALE_NOISE = 0.01, 0.002, 0.003  # relative, m, of log-scale
FEATURES, KERNEL_M, LIKENESS_NOISE = 510, 6.0, 0.3
MOST_BYTES_A_FRAME, MOST_SLOWER, MOST_SHARE = 600.0, 1.15, 0.25

COLUMNS = [
    Column("tenth", "tenth"),
    Column("frames", "frames"),
    Column("RSS MiB", "rss_mib", "{:.1f}"),
    Column("CPU s per 1000", "cpu_s", "{:.2f}"),
    Column("of solutions", "solve_s", "{:.2f}"),
    Column("of rewriting", "rewrite_s", "{:.2f}"),
    Column("wall s per 1000", "wall_s", "{:.2f}"),
    Column("loops", "loops"),
    Column("refused", "refused"),
]


@dataclass(frozen=True, eq=False)
class Lap:
    """One lap of the town: pictures, depth, poses, and what its places look like to a descriptor."""

    images: NDArray[np.uint8]  # [L,H,W,3]
    depth: Float32  # [L,H,W]
    world_from_camera: NDArray[np.float64]  # [L,4,4]
    intrinsics: NDArray[np.float64]  # [3,3]
    descriptors: Float32  # [L,D]

    @staticmethod
    def rendered(count: int, size: tuple[int, int] = SIZE) -> Lap:
        """So many frames of the figure of eight."""
        town = make_town("eight", frames=count, size=size)
        frames = list(town)
        poses = np.stack([frame.world_from_camera for frame in frames])
        return Lap(
            np.stack([frame.image for frame in frames]),
            np.stack([frame.depth for frame in frames]),
            poses,
            town.intrinsics,
            likeness(poses[:, :2, 3]),
        )


def likeness(places: NDArray[np.float64]) -> Float32:
    """Descriptors [N,D] of places on the ground [N,2] (m), the more alike the nearer they are."""
    rng = np.random.default_rng(0)
    waves, phase = rng.normal(0, 1 / KERNEL_M, (2, FEATURES)), rng.uniform(0, 2 * np.pi, FEATURES)
    return np.cos(places @ waves + phase).astype(np.float32)


@dataclass
class Drive:
    """Lap after lap as a predictor, and what was measured on the way."""

    lap: Lap
    name: str = "stand-in"
    gives_descriptors: bool = True
    windows: int = 0
    marks: list[Row] = field(default_factory=list)
    clock: dict[str, float] = field(default_factory=lambda: {"solve": 0.0, "rewrite": 0.0})

    def pictures(self, frames: int) -> Iterator[NDArray[np.uint8]]:
        for index in range(frames):
            yield self.lap.images[index % len(self.lap.images)]

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """The truth of the lap, a little off, in a unit of the window's own."""
        indices = np.array([frame.index for frame in frames])
        rng = np.random.default_rng(int(indices[0]) * 1_000_003 + int(indices[-1]))
        at = indices % len(self.lap.images)
        unit = float(np.exp(rng.normal(0, 0.3)))
        poses = np.linalg.inv(self.lap.world_from_camera[at[0]]) @ self.lap.world_from_camera[at]
        poses[:, :3, 3] = (poses[:, :3, 3] + rng.normal(0, POSE_NOISE, (len(at), 3))) / unit
        depth = self.lap.depth[at] * np.exp(rng.normal(0, DEPTH_NOISE, self.lap.depth[at].shape)) / unit
        seen = self.lap.descriptors[at] + rng.normal(0, LIKENESS_NOISE, (len(at), FEATURES))
        return WindowGeometry(
            frame_indices=indices,
            images=np.stack([frame.image for frame in frames]),
            depth=(depth * np.exp(rng.normal(0, SCALE_NOISE))).astype(np.float32),
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(self.lap.intrinsics, (len(at), 1, 1)),
            window_from_camera=poses,
            is_metric=False,
            descriptors=seen.astype(np.float32),
        )

    def mark(self, last: int) -> None:
        """A window is finished, the last one of which had this frame: every so often look at clocks and memory."""
        self.windows += 1
        if self.windows % EVERY == 1:
            gc.collect()
            release_memory()
            mark = {"frame": last, "rss": _rss(), "cpu": time.process_time(), "wall": time.perf_counter()}
            self.marks.append(mark | self.clock)
            if self.windows % (10 * EVERY) == 1:
                tell(f"{last} frames, {mark['rss'] / 2**20:.1f} MiB, {mark['cpu']:.0f} s of CPU")


def measure(folder: Path, options: argparse.Namespace) -> Growth:
    """One run, told by tenths."""
    width, height = options.size
    tell(f"rendering a lap of {options.lap} frames at {width}x{height}")
    drive = Drive(Lap.rendered(options.lap, options.size))
    out = folder / "long_run"
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    with watched(drive):
        broken = _driven(drive, out, load_settings(assignments=options.set), options.frames)
    seconds = time.perf_counter() - start
    tell(f"{options.frames} frames in {seconds:.0f} s")
    facts = _facts(drive, out, options.frames, seconds) | {"ended": f"NO: {broken}" if broken else "in order"}
    return Growth(COLUMNS, _tenths(drive, out, options.frames), facts, partial(_draw, drive))


def _driven(drive: Drive, out: Path, settings: Settings, frames: int) -> str | None:
    """Why the run broke off, None if it did not: what was measured until then is told all the same."""
    try:
        pipeline.run(drive.pictures(frames), out, settings, drive)
    except RunError as error:
        return str(error)
    return None


@contextmanager
def watched(drive: Drive) -> Iterator[None]:
    """Runs meanwhile mark every window that is finished, and add up the CPU seconds of solving and of rewriting."""

    def committed(session: RunSession, update: WindowUpdate) -> None:
        commit(session, update)
        drive.mark(update.prediction.window.frames[-1].index)

    commit = RunSession.commit
    with (
        patch.object(RunSession, "commit", committed),
        patch.object(PoseGraph, "solve", _timed(PoseGraph.solve, drive, "solve")),
        patch.object(LiveTrajectory, "_rewrite", _timed(LiveTrajectory._rewrite, drive, "rewrite")),
    ):
        yield


def _timed(method: Callable[..., Any], drive: Drive, clock: str) -> Callable[..., Any]:
    """Adds up a method's own CPU seconds."""

    def timed(*given: object) -> object:
        start = time.thread_time()
        try:
            return method(*given)
        finally:
            drive.clock[clock] += time.thread_time() - start

    return timed


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _tenths(drive: Drive, out: Path, frames: int) -> list[Row]:
    """Between the marks nearest to the borders of the tenths."""
    marks = drive.marks
    at = np.array([mark["frame"] for mark in marks])
    borders = [marks[int(np.argmin(np.abs(at - tenth * frames / 10)))] for tenth in range(11)]
    events = _loops(out)
    rows = []
    for tenth in range(10):
        a, b = borders[tenth], borders[tenth + 1]
        per = (b["frame"] - a["frame"]) / 1000 or np.nan
        solve, rewrite = b["solve"] - a["solve"], b["rewrite"] - a["rewrite"]
        inside = [kind for frame, kind in events if a["frame"] <= frame < b["frame"]]
        rows.append(
            {
                "tenth": tenth + 1,
                "frames": f"{a['frame']}-{b['frame']}",
                "rss_mib": b["rss"] / 2**20,
                "cpu_s": (b["cpu"] - a["cpu"] - solve - rewrite) / per,
                "solve_s": solve / per,
                "rewrite_s": rewrite / per,
                "wall_s": (b["wall"] - a["wall"]) / per,
                "loops": inside.count("loop"),
                "refused": inside.count("loop refused"),
            }
        )
    return rows


def _loops(out: Path) -> list[tuple[int, str]]:
    from da3_stream.store import open_run

    events = [event for event in open_run(out).read_events() if event["event"] in ("loop", "loop refused")]
    return [(event["frames"][1], event["event"]) for event in events]


def _facts(drive: Drive, out: Path, frames: int, seconds: float) -> dict[str, str]:
    rows = _tenths(drive, out, frames)
    later = [mark for mark in drive.marks if mark["frame"] >= FROM]
    slope = float(np.polyfit([m["frame"] for m in later], [m["rss"] for m in later], 1)[0])
    slower = rows[-1]["cpu_s"] / rows[1]["cpu_s"]
    total = drive.marks[-1]["cpu"] - drive.marks[0]["cpu"]
    share = (drive.marks[-1]["solve"] + drive.marks[-1]["rewrite"]) / total
    files = {name: sum(f.stat().st_size for f in (out / name).iterdir()) for name in ("windows", "cloud", "places")}
    pixels = drive.lap.depth[0].size
    disk = {name: f"{size / frames / pixels:.2f}" for name, size in files.items()}
    return {
        "RSS grows by": _judged(slope, MOST_BYTES_A_FRAME, "bytes a frame"),
        "CPU seconds of the last tenth over those of the second": _judged(slower, MOST_SLOWER, ""),
        "solutions and rewriting": _judged(share, MOST_SHARE, "of all CPU seconds"),
        "most resident at any moment": f"{peak_rss_bytes() / 2**20:.0f} MiB",
        "whole run": f"{seconds:.0f} s",
        "disk, bytes a pixel and frame": ", ".join(f"{name} {size}" for name, size in disk.items()),
        "disk, bytes a frame of places": f"{files['places'] / frames:.0f}",
    }


def _judged(value: float, most: float, unit: str) -> str:
    return f"{value:.4g} {unit} (asked for: at most {most:g}: {'yes' if value <= most else 'NO'})"


def _draw(drive: Drive, figure: Any) -> None:
    frames = np.array([mark["frame"] for mark in drive.marks])
    memory, clock = figure.subplots(2, 1, sharex=True)
    memory.plot(frames, [mark["rss"] / 2**20 for mark in drive.marks])
    memory.set_ylabel("resident memory, MiB")
    memory.set_ylim(bottom=0)
    steps = np.diff(frames) / 1000
    for name in ("cpu", "solve", "rewrite"):
        clock.plot(frames[1:], np.diff([mark[name] for mark in drive.marks]) / steps, label=name)
    clock.set_ylabel("CPU seconds per 1000 frames")
    clock.set_xlabel("frame")
    clock.legend()
