"""What does the DA3 network do on this GPU? Parity with the CPU, peak memory under a cap, speed, and where time goes.

It needs torch, numpy, opencv, safetensors and scipy only. Seeded weights; "baseline" is a plain schedule as others run
it: float32 weights under autocast, all frames at once with the ray branch, windows of 120 that share 60.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks import gpu_parts as parts
from benchmarks.common import parser, tell
from benchmarks.tables import Column, Row, report, surroundings
from da3_stream.da3 import DepthAnything3
from da3_stream.da3.device import usable_device
from da3_stream.da3.memory import GB, limit_process_memory

FASTER = 5.0  # than the baseline, in frames a second
BUDGET_GB = {"504x378": 8.0, "504x154": 5.0}  # of the largest model

COLUMNS = [
    Column("what", "what"),
    Column("model", "model"),
    Column("size", "size"),
    Column("frames", "frames"),
    Column("figure", "figure"),
    Column("value", "value", "{:.4g}"),
    Column("limit", "limit", "{:.3g}"),
    Column("holds", "holds"),
]


def main() -> None:
    """All sections, one row for each figure."""
    options = _options()
    around = surroundings()
    device = usable_device(options.device)
    if device.type == "cuda":
        around["machine"]["processor"] += f"; {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    sections = {"parity": _parity, "windows": _windows, "streaming": _streaming, "profile": _profile}
    rows = [row for name in options.sections.split(",") for row in _told(name, sections[name](options, device))]
    report(options, around, COLUMNS, rows)


def _options() -> argparse.Namespace:
    found = parser(__doc__, settings=False)
    found.add_argument("--device", default="cuda")
    found.add_argument("--sections", default="parity,windows,streaming,profile", help="with commas")
    found.add_argument("--models", default="da3-small,da3-large,da3-giant,da3nested-giant-large", help="with commas")
    found.add_argument("--sizes", default="504x378,504x154", help="WIDTHxHEIGHT in multiples of 14, with commas")
    found.add_argument("--frames", default="30,60,120", help="frames in a window, with commas")
    found.add_argument("--vram-gb", type=float, default=8.0, help="the hard cap of the windows section")
    found.add_argument("--goldens", type=Path, help="folder with golden vectors, recipe.py and manifests/")
    return found.parse_args()


def _told(name: str, rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        tell(f"{name}: {' '.join(str(row.get(column.key, '')) for column in COLUMNS[1:6])}")
        yield {"what": name, **row}


def _parity(options: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """The device against the CPU in float32, and against the golden vectors where they are at hand."""
    if options.goldens is None:
        tell("parity: no --goldens, seeded weights instead")
    for case in parts.parity_cases(options.goldens, options.models.split(",")):
        for dtype in (torch.float32, parts.half_of(device)):
            yield from parts.parity(case, device, dtype)


def _windows(options: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """Peak memory under the cap, frames a second, and the share of the card's matrix rate."""
    rate = parts.matrix_rate(device)
    yield {"model": "matrix product", "figure": "TFLOP/s", "value": rate / 1e12}
    for name in options.models.split(","):
        model = parts.seeded_model(name, device, options.vram_gb)
        for size in options.sizes.split(","):
            for frames in options.frames.split(","):
                yield from _window(model, size, int(frames), options.vram_gb, rate)
        del model
        _forget()
    limit_process_memory(device, None)


def _window(model: DepthAnything3, size: str, frames: int, cap_gb: float, rate: float) -> Iterator[Row]:
    pictures, about = parts.pictures(size, frames), {"model": model.name, "size": size, "frames": frames}
    infer = partial(model.infer, resolution=max(pictures[0].shape))
    with parts.peak(model.device) as peak:
        infer(pictures)
    limit = BUDGET_GB.get(size, cap_gb) if model.name.startswith("da3nested") else cap_gb
    if peak.reserved is not None and peak.allocated is not None:
        yield parts.checked({**about, "figure": "peak GB allocated", "value": peak.allocated / GB}, limit)
        yield parts.checked({**about, "figure": "peak GB reserved", "value": peak.reserved / GB}, cap_gb)
    seconds = parts.seconds(lambda: infer(pictures), model.device)
    flops = parts.window_flops(model.name, size, frames)
    yield {**about, "figure": "frames a second", "value": frames / seconds}
    yield {**about, "figure": "share of the matrix rate", "value": flops / seconds / rate}


def _streaming(options: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """New frames a second in long videos, ours (windows of 60 that share 12) and the baseline's, side by side."""
    last, frames = options.models.split(",")[-1], max(int(n) for n in options.frames.split(","))
    for size in options.sizes.split(","):
        about = {"model": last, "size": size}
        ours = parts.new_frames_a_second(parts.seeded_model(last, device, None), size, frames // 2, frames // 10)
        _forget()
        with parts.baseline(last, device) as network:
            plain = parts.plain_frames_a_second(network, device, size, frames, frames // 2)
        del network
        _forget()
        yield {**about, "frames": frames // 2, "figure": "new frames a second, ours", "value": ours}
        yield {**about, "frames": frames, "figure": "new frames a second, baseline", "value": plain}
        holds = "yes" if ours / plain >= FASTER else "no"
        yield {**about, "figure": "ours / baseline", "value": ours / plain, "limit": FASTER, "holds": holds}


def _profile(options: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """The kernels that take most of a window."""
    name, size = options.models.split(",")[-1], options.sizes.split(",")[0]
    frames = sorted(int(n) for n in options.frames.split(","))[-1]
    model, pictures = parts.seeded_model(name, device, None), parts.pictures(size, frames)
    infer = partial(model.infer, pictures, resolution=max(pictures[0].shape))
    infer()
    for kernel, share in parts.shares(infer, device):
        yield {"model": name, "size": size, "frames": frames, "figure": kernel, "value": share}


def _forget() -> None:
    """What the last model held is given back before the next one comes."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
