"""Do decoding, prediction and back-end run at the same time, so that the slowest of them alone sets the pace?"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream import Settings, pipeline
from da3_stream.geometry import intrinsics_matrix
from da3_stream.session import RunSession
from da3_stream.store import open_run
from da3_stream.types import Frame, UInt8, WindowGeometry

SIZE = (32, 24)
WINDOW, OVERLAP = 60, 12
STEP = WINDOW - OVERLAP
ELSEWHERE = ("start", "decoding", "static_mask", "gate", "predict", "outputs", "other")  # stages not of the back-end
SLACK = 0.1

COLUMNS = [
    Column("ratio asked for", "ratio"),
    Column("windows", "windows"),
    Column("decode, s a window", "decode_s", "{:.3f}"),
    Column("predict", "predict_s", "{:.3f}"),
    Column("back-end", "backend_s", "{:.3f}"),
    Column("one after the other, s", "serial_s", "{:.1f}"),
    Column("bound, s", "bound_s", "{:.1f}"),
    Column("measured, s", "run_s", "{:.1f}"),
    Column("of it outputs, s", "outputs_s", "{:.1f}"),
    Column("predictor idle between windows", "idle", "{:.0%}"),
    Column("within", "within"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--windows", type=int, default=30, help="windows of each run")
    command.add_argument("--unit", type=float, default=0.5, help="seconds of a 1 in a ratio")
    ratios = "0.3:1:0.3,1:0.3:0.3,0.3:0.3:1,1:1:0.3"
    command.add_argument("--ratios", default=ratios, help="decode:predict:back-end, by commas")


@benchmark(COLUMNS, _options, good=lambda row: row["within"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Some ratios, one table; a run must not take longer than it may."""
    ratios = [tuple(float(part) for part in text.split(":")) for text in options.ratios.split(",")]
    _measured(folder / "warm", argparse.Namespace(windows=2, unit=0.01), ratios[0])  # imports are no back-end
    return (_measured(folder / f"run{k}", options, ratio) for k, ratio in enumerate(ratios))


@dataclass
class Sleeping:
    """A predictor that takes its time for a camera that drives along a wall."""

    seconds: float
    spans: list[tuple[float, float]] = field(default_factory=list)
    name: str = "sleeping"

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        begun = time.perf_counter()
        time.sleep(self.seconds)
        count, (width, height) = len(frames), SIZE
        poses = np.tile(np.eye(4), (count, 1, 1))
        poses[:, 0, 3] = 0.1 * np.arange(count)
        found = WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames]),
            images=np.stack([frame.image for frame in frames]),
            depth=np.tile(np.linspace(4, 5, width, dtype=np.float32), (count, height, 1)),
            confidence=np.ones((count, height, width), np.float32),
            intrinsics=np.tile(intrinsics_matrix(30.0, 30.0, width / 2, height / 2), (count, 1, 1)),
            window_from_camera=poses,
            is_metric=False,
        )
        self.spans.append((begun, time.perf_counter()))
        return found


@dataclass
class Decoding:
    """Frames that take their time."""

    count: int
    seconds: float  # a frame
    spent: float = 0.0

    def __iter__(self) -> Iterator[UInt8]:
        image = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        for _ in range(self.count):
            begun = time.perf_counter()
            time.sleep(self.seconds)
            self.spent += time.perf_counter() - begun
            yield image


def _measured(out: Path, options: argparse.Namespace, ratio: Sequence[float]) -> Row:
    decode, predict, backend = (options.unit * part for part in ratio)
    source = Decoding(WINDOW + (options.windows - 1) * STEP, decode / STEP)
    predictor = Sleeping(predict)
    settings = Settings.build(
        {
            "windows": {"size": WINDOW, "overlap": OVERLAP},
            "loops": {"descriptor": "off"},
            "scale": {"camera_height": "off"},
        }
    )
    slowed = _slowed(backend)
    tell(f"decode {decode:.2f} s, predict {predict:.2f} s, back-end at least {backend:.2f} s a window")
    begun = time.perf_counter()
    try:
        pipeline.run(source, out, settings, predictor)
    finally:
        RunSession.commit = slowed
    return _row(ratio, source, predictor, open_run(out).read_status(), backend, time.perf_counter() - begun)


def _slowed(seconds: float) -> Any:
    """Let every commit take so much longer; gives back the one that was there."""
    commit = RunSession.commit

    def slow(*args: Any) -> None:
        time.sleep(seconds)
        commit(*args)

    RunSession.commit = slow
    return commit


def _row(
    ratio: Sequence[float], source: Decoding, predictor: Sleeping, status: Row, slept_s: float, run_s: float
) -> Row:
    """What a run took beside what it may; its back-end computes and, each window, sleeps for so long."""
    stages, windows = status["seconds_by_stage"], status["windows"]
    decode_s = source.spent / source.count * STEP
    predict_s = float(np.mean([end - begun for begun, end in predictor.spans]))
    backend_s = slept_s + sum(seconds for name, seconds in stages.items() if name not in ELSEWHERE) / windows
    latency_s = decode_s * WINDOW / STEP + predict_s + backend_s
    bound_s = (1 + SLACK) * (max(decode_s, predict_s, backend_s) * windows + latency_s)
    over = predictor.spans[-1][1] - predictor.spans[0][0]
    return {
        "ratio": ":".join(f"{part:g}" for part in ratio),
        "windows": windows,
        "decode_s": decode_s,
        "predict_s": predict_s,
        "backend_s": backend_s,
        "serial_s": (decode_s + predict_s + backend_s) * windows,
        "bound_s": bound_s,
        "run_s": run_s,
        "outputs_s": stages["outputs"],
        "idle": 1 - predict_s * windows / over,
        "within": "yes" if run_s <= bound_s else "NO",
    }


if __name__ == "__main__":
    main()
