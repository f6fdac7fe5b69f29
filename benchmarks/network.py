"""How long and how much memory does the DA3 network take on the CPU? Seeded weights, one process for each row.

"groups of 8" is the schedule of the package, "groups of 2" one for less memory; "plain" looks at all frames at once and
runs the ray branch, as the original. "kept" is what has to be kept of all frames until the end, counted: tokens, keys
and values, projected features, and the maps that are the answer. The rest should not grow with the frames.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import Column, Row

GROUPS = (8, 2)  # the default first
LONG = {("da3-small", "504x154"): "64,128"}  # windows only tried where they do not take hours

COLUMNS = [
    Column("model", "model"),
    Column("size", "size"),
    Column("frames", "frames"),
    Column("schedule", "schedule"),
    Column("s/frame", "s_per_frame", "{:.3f}"),
    Column("resident MiB", "resident_mib", "{:.0f}"),
    Column("peak MiB", "peak_mib", "{:.0f}"),
    Column("peak - resident", "extra_mib", "{:.0f}"),
    Column("kept", "kept_mib", "{:.0f}"),
    Column("rest", "rest_mib", "{:.0f}"),
    Column("time / plain", "time_ratio", "{:.2f}"),
    Column("memory / plain", "memory_ratio", "{:.2f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--models", default="da3-small,da3-base", help="names of architectures, with commas")
    command.add_argument("--sizes", default="504x154,504x378", help="WIDTHxHEIGHT in multiples of 14, with commas")
    command.add_argument("--frames", default="8,32", help="frames in one pass that the plain schedule tries, too")
    command.add_argument("--more-frames", default="16", help="frames in one pass for the package's schedules alone")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for each model, size, number of frames and schedule."""
    for model in options.models.split(","):
        for size in options.sizes.split(","):
            yield from _growth(model, size, options)


def _growth(model: str, size: str, options: argparse.Namespace) -> Iterator[Row]:
    """Every number of frames in both group sizes, and where it is asked for in the plain schedule."""
    compared = [int(word) for word in options.frames.split(",")]
    more = ",".join([options.more_frames, LONG.get((model, size), "")]) if options.more_frames else ""
    for frames in sorted({*compared, *(int(word) for word in more.split(",") if word)}):
        default, *others = (_row(model, size, frames, f"groups of {group}") for group in GROUPS)
        if frames in compared:
            plain = _row(model, size, frames, "plain")
            default |= _ratios(default, plain)
            others.append(plain)
        yield from (default, *others)


def _ratios(row: Row, plain: Row) -> Row:
    """The row against the plain schedule of the same run."""
    return {
        "time_ratio": row["s_per_frame"] / plain["s_per_frame"],
        "memory_ratio": row["extra_mib"] / plain["extra_mib"],
    }


def _row(model: str, size: str, frames: int, schedule: str) -> Row:
    tell(f"{model} {size}, {frames} frames, {schedule}")
    row = in_child("benchmarks.network", model, size, frames, schedule)
    return {"model": model, "size": size, "frames": frames, "schedule": schedule, **row}


def _measure(model: str, size: str, frames: str, schedule: str) -> Row:
    """In a process of its own: seconds, resident memory once loaded, and the highest it came to."""
    import torch

    from da3_stream.da3 import Network

    width, height = (int(side) for side in size.split("x"))
    generator, count, plain = torch.Generator().manual_seed(0), int(frames), schedule == "plain"
    network = Network.from_config(model)
    shapes = {key: value.shape for key, value in network.tensors().items()}
    network.load_tensors({key: 0.02 * torch.randn(shape, generator=generator) for key, shape in shapes.items()})
    images = torch.randn(1, count, 3, height, width, generator=generator)
    network.forward(images[:, :1])  # what torch sets up at its first call is not the network's
    resident, start = status_mib("VmRSS"), time.perf_counter()
    network.forward(images, use_ray_pose=plain, frames_at_once=count if plain else int(schedule.split()[-1]))
    seconds, peak = time.perf_counter() - start, status_mib("VmHWM")
    extra, kept = peak - resident, None if plain else _kept_mib(model, (height, width), count)
    return {
        "s_per_frame": seconds / count,
        "resident_mib": resident,
        "peak_mib": peak,
        "extra_mib": extra,
        "kept_mib": kept,
        "rest_mib": None if kept is None else extra - kept,
    }


def _kept_mib(model: str, size: tuple[int, int], frames: int) -> float:
    """What a pass keeps of all frames: as the planner counts it (without the images, which are given here), and two
    maps in float32."""
    import torch

    from da3_stream.da3.config import named_config
    from da3_stream.da3.memory import MemoryPlanner

    pixels = frames * size[0] * size[1]
    planner = MemoryPlanner(named_config(model), torch.device("cpu"), torch.float32)
    return (planner.need(frames, (size[0] // 14, size[1] // 14)).window - 3 * pixels + 2 * 4 * pixels) / 2**20


if __name__ == "__main__":
    serve_child(_measure) or main()
