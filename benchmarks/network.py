"""How long and how much memory does the DA3 network take on the CPU? Seeded weights, one process for each row.

"frugal" is the schedule of the package, "plain" looks at all frames at once and runs the ray branch, as the original.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from common import ROOT, Column, Row, plain_parser, report, surroundings, tell

ORIGINAL = {  # measured once on two other cores at 32 frames (issue 4): resident MiB, peak MiB, seconds a frame
    ("da3-small", "504x154"): (394, 1105, 0.40),
    ("da3-small", "504x378"): (394, 1979, 1.80),
    ("da3-base", "504x154"): (857, 2018, 1.09),
    ("da3-base", "504x378"): (858, 3695, 4.23),
}
SCHEDULES = ("frugal", "plain")

COLUMNS = [
    Column("model", "model"),
    Column("size", "size"),
    Column("frames", "frames"),
    Column("schedule", "schedule"),
    Column("s/frame", "s_per_frame", "{:.3f}"),
    Column("resident MiB", "resident_mib", "{:.0f}"),
    Column("peak MiB", "peak_mib", "{:.0f}"),
    Column("peak - resident", "extra_mib", "{:.0f}"),
    Column("time / plain", "time_ratio", "{:.2f}"),
    Column("memory / plain", "memory_ratio", "{:.2f}"),
    Column("original s/frame", "original_s", "{:.2f}"),
    Column("original extra MiB", "original_extra_mib", "{:.0f}"),
]


def main() -> None:
    """One row for each model, size, number of frames and schedule."""
    options = _options()
    if options.child:
        print(json.dumps(_measure(*options.child)))
        return
    around = surroundings()
    rows = [
        row
        for model in options.models.split(",")
        for size in options.sizes.split(",")
        for frames in options.frames.split(",")
        for row in _pair(model, size, int(frames))
    ]
    report(options, around, COLUMNS, rows)


def _options() -> argparse.Namespace:
    found = plain_parser(__doc__)
    found.add_argument("--models", default="da3-small,da3-base", help="names of architectures, with commas")
    found.add_argument("--sizes", default="504x154,504x378", help="WIDTHxHEIGHT in multiples of 14, with commas")
    found.add_argument("--frames", default="8,32", help="frames in one pass, with commas")
    found.add_argument("--child", nargs=4, metavar="WORD", help=argparse.SUPPRESS)
    return found.parse_args()


def _pair(model: str, size: str, frames: int) -> list[Row]:
    """Both schedules one after the other, the frugal one with its ratios."""
    rows = [_row(model, size, frames, schedule) for schedule in SCHEDULES]
    frugal, plain = rows
    frugal["time_ratio"] = frugal["s_per_frame"] / plain["s_per_frame"]
    frugal["memory_ratio"] = frugal["extra_mib"] / plain["extra_mib"]
    if frames == 32 and (model, size) in ORIGINAL:
        resident, peak, seconds = ORIGINAL[model, size]
        frugal |= {"original_s": seconds, "original_extra_mib": peak - resident}
    return [frugal, plain]


def _row(model: str, size: str, frames: int, schedule: str) -> Row:
    tell(f"{model} {size}, {frames} frames, {schedule}")
    words = [sys.executable, __file__, "--child", model, size, str(frames), schedule]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    row: Row = json.loads(found.stdout.strip().splitlines()[-1])
    return {"model": model, "size": size, "frames": frames, "schedule": schedule, **row}


def _measure(model: str, size: str, frames: str, schedule: str) -> Row:
    """In a process of its own: seconds, resident memory once loaded, and the highest it came to."""
    import torch

    from da3_stream.da3 import Network

    width, height = (int(side) for side in size.split("x"))
    generator = torch.Generator().manual_seed(0)
    network = Network.from_config(model)
    shapes = {key: value.shape for key, value in network.branches[""].state_dict().items()}
    network.load_tensors({key: 0.02 * torch.randn(shape, generator=generator) for key, shape in shapes.items()})
    images = torch.randn(1, int(frames), 3, height, width, generator=generator)
    network.forward(images[:, :1])  # what torch sets up at its first call is not the network's
    plain, resident, start = schedule == "plain", _status_mib("VmRSS"), time.perf_counter()
    network.forward(images, use_ray_pose=plain, frames_at_once=int(frames) if plain else 8)
    seconds, peak = time.perf_counter() - start, _status_mib("VmHWM")
    return {
        "s_per_frame": seconds / int(frames),
        "resident_mib": resident,
        "peak_mib": peak,
        "extra_mib": peak - resident,
    }


def _status_mib(name: str) -> float:
    """A figure of Linux on this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


if __name__ == "__main__":
    main()
