"""How exact are pictures of splats, and what do they take in seconds and memory?

"exact": 2,000 splats of all shapes beside every Gaussian at every pixel in float64, in which nothing is cut off. The
other rows are drawn in a process each, on the CPU, with splats at random in the field of view, one to five units away;
"memory beside them" is the highest resident memory less what was there before, when the splats were there already.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.scaling.footprint import MIB, status_mib
from benchmarks.tables import Column, Row

ASKED_DB = 60.0

COLUMNS = [
    Column("drawn", "drawn"),
    Column("splats", "count", "{:,}"),
    Column("size", "size"),
    Column("threads", "threads"),
    Column("s/picture", "seconds", "{:.2f}"),
    Column("CPU s", "cpu_s", "{:.2f}"),
    Column("splats MiB", "splats_mib", "{:.0f}"),
    Column("memory beside them MiB", "beside_mib", "{:.0f}"),
    Column("covered", "covered", "{:.3f}"),
    Column("PSNR dB", "psnr", "{:.1f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--counts", default="1e5,1e6,1e7", help="numbers of splats, with commas")
    command.add_argument("--size", default="1280x720", help="of the pictures")
    command.add_argument("--threads", type=int, default=2, help="of torch")


def _exact_enough(row: Row) -> bool:
    return row["drawn"] != "exact" or row["psnr"] > ASKED_DB


@benchmark(COLUMNS, _options, note=f"asked for: above {ASKED_DB:g} dB.", good=_exact_enough, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The exact row, then a row for each number of splats, drawn by splats and as points of 2 pixels."""
    yield _exact()
    for count in (int(float(text)) for text in options.counts.split(",")):
        for kind in ("splats", "points"):
            tell(f"{count:,} {kind}")
            found = in_child("benchmarks.rendering.speed", kind, count, options.size, options.threads)
            yield {"drawn": kind, "count": count, "size": options.size, "threads": options.threads, **found}


def _exact() -> Row:
    from da3_stream.rendering import render
    from tests.worlds.splats import psnr, random_gaussians, render_plainly, small_camera

    gaussians, camera = random_gaussians(2000), small_camera(160, 120)
    truth = render_plainly(gaussians, *camera, least_alpha=0)
    found = render(gaussians, *camera, device="cpu")
    return {"drawn": "exact", "count": 2000, "size": "160x120", "psnr": psnr(found.colour, truth.colour)}


def _measure(kind: str, count: str, size: str, threads: str) -> Row:
    """In a process of its own: the second picture, so that what torch sets up at its first call is there."""
    import torch

    from da3_stream.rendering import render, render_points
    from tests.worlds.splats import random_gaussians, small_camera

    torch.set_num_threads(int(threads))
    width, height = map(int, size.split("x"))
    camera = small_camera(width, height)
    render(random_gaussians(100), *camera, device="cpu")
    gaussians = random_gaussians(int(count), size=1.5 / width)
    colours = (0.5 + 0.28 * gaussians.harmonics[..., 0]).clip(0, 1)
    before = status_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
    start, cpu = time.perf_counter(), time.process_time()
    if kind == "points":
        drawn = render_points(gaussians.means, colours, *camera, device="cpu")
    else:
        drawn = render(gaussians, *camera, device="cpu")
    return {
        "seconds": time.perf_counter() - start,
        "cpu_s": time.process_time() - cpu,
        "beside_mib": status_mib("VmHWM") - before,
        "splats_mib": sum(values.nbytes for values in vars(gaussians).values()) / MIB,
        "covered": float(drawn.alpha.mean()),
    }


if __name__ == "__main__":
    serve_child(_measure) or main()
