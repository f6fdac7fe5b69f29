"""What does it cost to read windows of a video at random, beside reading all of it in turn? CPU time of each frame that
is used, at 10 frames a second of videos with 30, and of opening; a window has 60 frames. Every frame is compared."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from zlib import crc32

from benchmarks.common import benchmark, find_clip, tell
from benchmarks.decode import make_video
from benchmarks.tables import Column, Row
from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame

SIZE = (1920, 1080)
WINDOW = 60
VIDEOS = (("H.264", 250, ".mp4"), ("H.264", 30, ".mp4"), ("H.264", 30, ".mkv"), ("HEVC", 250, ".mp4"))
AT_TEN = FramesSettings(fps=10)
COLUMNS = (
    Column("video", "video"),
    Column("key frame every", "key_every"),
    Column("windows", "windows"),
    Column("identical", "identical"),
    Column("opening, CPU ms", "open_ms", "{:.0f}"),
    Column("in turn, CPU ms a frame", "turn_ms", "{:.1f}"),
    Column("at random, CPU ms a frame", "random_ms", "{:.1f}"),
    Column("ratio", "ratio", "{:.2f}"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", type=int, default=900, help="length of the videos")
    command.add_argument("--windows", type=int, default=12, help="windows that are read, in random order")
    command.add_argument("--clips", default="", help="videos of the shared data to take instead, such as video/a.mp4")
    command.add_argument("--side", type=int, default=504, help="longest side of the frames")


@benchmark(COLUMNS, _options, good=lambda row: bool(row["identical"]), settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    for clip in filter(None, options.clips.split(",")):
        row: Row = {"video": clip, **measured(find_clip(clip).source, options)}
        tell(str(row))
        yield row
    for codec, key_every, suffix in () if options.clips else VIDEOS:
        path = make_video(folder, codec, SIZE, options.frames, key_every, suffix)
        row = {"video": f"1080p {codec} {suffix[1:]}", "key_every": key_every, **measured(path, options)}
        tell(str(row))
        yield row


def measured(path: Path, options: argparse.Namespace) -> Row:
    """One row: all frames in turn, then windows of them from a source that is opened anew."""
    start = time.process_time()
    in_turn = {frame.index: _mark(frame) for frame in open_source(path, AT_TEN, options.side)}
    turn = (time.process_time() - start) / len(in_turn)
    start = time.process_time()
    source = open_source(path, AT_TEN, options.side)
    opening = time.process_time() - start
    indices, rng = list(in_turn), Random(0)
    firsts = [rng.randrange(len(indices) - WINDOW + 1) for _ in range(options.windows)]
    windows = [indices[first : first + WINDOW] for first in firsts]
    start = time.process_time()
    found = [{frame.index: _mark(frame) for frame in source.frames_at(window)} for window in windows]
    at_random = (time.process_time() - start) / (WINDOW * len(windows))
    same = all(marks == {i: in_turn[i] for i in window} for marks, window in zip(found, windows, strict=True))
    times = {"open_ms": opening, "turn_ms": turn, "random_ms": at_random}
    return {
        "windows": len(windows),
        "identical": same,
        **{name: 1000 * seconds for name, seconds in times.items()},
        "ratio": at_random / turn,
    }


def _mark(frame: Frame) -> tuple[float, int]:
    return frame.timestamp, crc32(frame.image.tobytes())


if __name__ == "__main__":
    main()
