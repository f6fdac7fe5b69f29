"""How fast are frames decoded? Videos of 1080p and 4K in H.264 and HEVC into frames of 504 and 640 pixels by the
source that runs use, beside a bare PyAV loop with the same scaler and threads, and beside OpenCV; opening is counted.
The share of decoding is that of the CPU time of a whole run on the 1080p video in H.264."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from benchmarks.common import benchmark, make_town, measured_run, tell
from benchmarks.tables import Column, Row
from da3_stream.frames import open_source
from da3_stream.frames.sources.resizing import fit_size, size_of
from da3_stream.frames.sources.video.pictures import scaling
from da3_stream.settings import FramesSettings
from da3_stream.types import UInt8

SIZES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
CODECS = {
    "H.264": ("libx264", {"preset": "veryfast", "crf": "20"}),
    "HEVC": ("libx265", {"preset": "ultrafast", "crf": "22", "x265-params": "log-level=none"}),
}
TOWN_FRAMES, TOWN_SIZE = 60, (640, 360)
GRAIN = 3.0  # gray levels of noise: what a camera's pictures cost to decode
COLUMNS = (
    Column("video", "video"),
    Column("side", "side"),
    Column("frames/s", "ours", "{:.1f}"),
    Column("PyAV", "pyav", "{:.1f}"),
    Column("OpenCV", "opencv", "{:.1f}"),
    Column("of PyAV", "of_pyav", "{:.2f}"),
    Column("of OpenCV", "of_opencv", "{:.2f}"),
    Column("CPU ms a frame", "cpu_ms", "{:.1f}"),
    Column("PyAV", "pyav_cpu_ms", "{:.1f}"),
    Column("OpenCV", "opencv_cpu_ms", "{:.1f}"),
    Column("of a run's CPU", "share", "{:.3f}"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", type=int, default=150, help="length of a 4K video; 1080p has twice as many")
    command.add_argument("--repeats", type=int, default=5, help="measurements in turn, of which the fastest counts")
    command.add_argument("--sides", default="504,640", help="longest sides of the frames")
    command.add_argument("--no-run", action="store_true", help="leave the whole run out")


def _good(row: Row) -> bool:
    return bool(row["of_pyav"] >= 0.95 and row["of_opencv"] >= 1)


@benchmark(COLUMNS, _options, good=_good)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    for name, size in SIZES.items():
        for codec in CODECS:
            path = make_video(folder, codec, size, options.frames * (2 if name == "1080p" else 1))
            for side in map(int, options.sides.split(",")):
                row: Row = {"video": f"{name} {codec}", "side": side, **compared(path, side, options.repeats)}
                if (name, codec, side) == ("1080p", "H.264", 640) and not options.no_run:
                    row["share"] = share_of_run(path, folder / "run", row["cpu_ms"], options)
                tell(str(row))
                yield row


def make_video(
    folder: Path, codec: str, size: tuple[int, int], frames: int, key_every: int = 250, suffix: str = ".mp4"
) -> Path:
    """A drive through the town to and fro, enlarged to a size, with a camera's noise; a key frame every so many."""
    path = folder / f"{codec}_{size[1]}_{frames}_{key_every}{suffix}"
    if path.exists():
        return path
    town = folder / "town"
    if not town.exists():
        make_town(town, TOWN_FRAMES, TOWN_SIZE, depth=False)
    images = [frame.image for frame in open_source(town / "town.mp4", FramesSettings())]
    tell(f"encoding {path.name}")
    name, settings = CODECS[codec]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=30, options={**settings, "g": str(key_every)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for image in islice(_noisy(cycle([*images, *images[-2:0:-1]]), size), frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _noisy(images: Iterator[UInt8], size: tuple[int, int]) -> Iterator[UInt8]:
    rng = np.random.default_rng(0)
    noises = rng.normal(0, GRAIN, (4, size[1], size[0], 1)).astype(np.int16)
    for image, noise in zip(images, cycle(noises), strict=False):
        large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).astype(np.int16)
        yield np.clip(large + noise, 0, 255).astype(np.uint8)


def compared(path: Path, side: int, repeats: int) -> Row:
    """Frames a second of the three, measured in turn; of each the fastest time counts."""
    ways: Sequence[Callable[[Path, int], Iterator[UInt8]]] = (_by_source, _by_pyav, _by_opencv)
    times = np.array([[_measure(way, path, side) for way in ways] for _ in range(repeats)])  # [repeats,3,3]
    count, seconds, cpu = times[0, 0, 0], times[..., 1].min(axis=0), times[..., 2].min(axis=0)
    ours, pyav, opencv = count / seconds
    row = {"ours": ours, "pyav": pyav, "opencv": opencv, "of_pyav": ours / pyav, "of_opencv": ours / opencv}
    ms = dict(zip(("cpu_ms", "pyav_cpu_ms", "opencv_cpu_ms"), 1000 * cpu / count, strict=True))
    return {name: float(value) for name, value in {**row, **ms, "frames": count}.items()}


def _measure(way: Callable[[Path, int], Iterator[UInt8]], path: Path, side: int) -> tuple[int, float, float]:
    """Number of frames, seconds by the wall clock, and CPU seconds of all threads."""
    start, cpu = time.perf_counter(), time.process_time()
    count = sum(1 for _ in way(path, side))
    return count, time.perf_counter() - start, time.process_time() - cpu


def _by_source(path: Path, side: int) -> Iterator[UInt8]:
    return (frame.image for frame in open_source(path, FramesSettings(), side))


def _by_pyav(path: Path, side: int) -> Iterator[UInt8]:
    scaler = VideoReformatter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        size = fit_size((stream.width, stream.height), side)
        for frame in container.decode(stream):
            yield scaler.reformat(frame, *size, "rgb24", interpolation=scaling(), threads=1).to_ndarray()


def _by_opencv(path: Path, side: int) -> Iterator[UInt8]:
    capture = cv2.VideoCapture(str(path))
    while True:
        done, image = capture.read()
        if not done:
            return
        small = cv2.resize(image, fit_size(size_of(image), side), interpolation=cv2.INTER_AREA)  # type: ignore[arg-type]
        yield cv2.cvtColor(small, cv2.COLOR_BGR2RGB)  # type: ignore[misc]


def share_of_run(path: Path, out: Path, cpu_ms: float, options: argparse.Namespace) -> float | None:
    """The CPU time of decoding so many milliseconds a frame as a share of that of a run over the drive, once there."""
    before = _cpu_of_children()
    with measured_run(path, out, options, "--set", f"frames.max_frames={TOWN_FRAMES}", "--workers", "1") as run:
        spent = _cpu_of_children() - before
        return None if run.error else cpu_ms / 1000 * TOWN_FRAMES / spent


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
