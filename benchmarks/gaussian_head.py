"""How much memory and time do the Gaussian head and its adapter take?

Random weights of da3-giant's sizes, on features, images, depth and cameras that are there before; one process for each
row. "bands" is the package: what is kept of the features while the backbone goes on, then frame by frame, maps in bands
of rows. "plain" is the original's order: eight frames through the head, all channels of the clip, and then for every
pixel a copy of its pose (twice) and of K, with an inverse for each.

A row's temporaries are its highest resident memory less what was there before and less the result (152 bytes a pixel):
kept features, maps, copies that oneDNN makes of weights, and what malloc cannot give back. Before it one frame of the
same size goes through, so that what torch and oneDNN set up once for a size (kernels, mostly) does not count, and free
memory is given back. CPU seconds are those of all threads; beside other work they tell more than the clock.
"grows" is what one more pixel takes, between the two numbers of frames of a schedule; "once" is what is left of the
temporaries for no frame at all.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.scaling.footprint import status_mib
from benchmarks.tables import Column, Row

if TYPE_CHECKING:
    from torch import Tensor

    from da3_stream.da3.gaussians import Gaussians

GROUP = 8  # frames that the original's head takes together
MIB = 2**20

COLUMNS = [
    Column("size", "size"),
    Column("schedule", "schedule"),
    Column("frames", "frames"),
    Column("s/frame", "s_per_frame", "{:.2f}"),
    Column("CPU s/frame", "cpu_s_per_frame", "{:.2f}"),
    Column("result B/pixel", "result_bytes", "{:.0f}"),
    Column("temporaries B/pixel", "temporary_bytes", "{:.0f}"),
    Column("grows B/pixel", "growth_bytes", "{:.0f}"),
    Column("once MiB", "once_mib", "{:.0f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sizes", default="504x378", help="WIDTHxHEIGHT in multiples of 14, with commas")
    command.add_argument("--bands", default="1,8", help="two numbers of frames for the package's schedule")
    command.add_argument("--plain", default="1,8", help="two numbers of frames for the plain schedule")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for each size, schedule and number of frames."""
    for size in options.sizes.split(","):
        yield from _growth(size, "bands", options.bands)
        yield from _growth(size, "plain", options.plain)


def _growth(size: str, schedule: str, frames: str) -> Iterator[Row]:
    few, many = (_row(size, schedule, count) for count in sorted(map(int, frames.split(","))))
    pixels = [row["frames"] * row["pixels"] for row in (few, many)]
    taken = [row["temporary_bytes"] * count for row, count in zip((few, many), pixels, strict=True)]
    growth = (taken[1] - taken[0]) / (pixels[1] - pixels[0])
    yield from (few, many | {"growth_bytes": growth, "once_mib": (taken[1] - growth * pixels[1]) / MIB})


def _row(size: str, schedule: str, frames: int) -> Row:
    tell(f"{size}, {schedule}, {frames} frames")
    row = in_child("benchmarks.gaussian_head", size, schedule, frames)
    return {"size": size, "schedule": schedule, "frames": frames, **row}


def _measure(size: str, schedule: str, frames: str) -> Row:
    """In a process of its own: seconds, and bytes by the pixel."""
    work, count = {"bands": _in_bands, "plain": _plainly}[schedule], int(frames)
    width, height = (int(side) for side in size.split("x"))
    work(_Clip(height, width, 1))
    clip = _Clip(height, width, count)
    ctypes.CDLL(None).malloc_trim(0)  # or what is free of the first call would hide what the next one takes
    before, start, cpu_start = status_mib("VmRSS"), time.perf_counter(), time.process_time()
    Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
    result = work(clip)
    seconds, cpu, peak = time.perf_counter() - start, time.process_time() - cpu_start, status_mib("VmHWM")
    pixels = height * width
    given = sum(values.nbytes for values in vars(result).values()) / pixels / count
    taken = (peak - before) * MIB / pixels / count
    return {
        "s_per_frame": seconds / count,
        "cpu_s_per_frame": cpu / count,
        "result_bytes": given,
        "temporary_bytes": taken - given,
        "pixels": pixels,
    }


class _Clip:
    """What the head and the adapter are given, of random numbers; `features` are those of the first group."""

    def __init__(self, height: int, width: int, count: int) -> None:
        import numpy as np
        import torch

        from da3_stream.da3.config import named_config
        from da3_stream.da3.gaussians.head import GaussianHead

        torch.manual_seed(0)
        config = named_config("da3-giant").gaussians  # type: ignore[union-attr]
        assert config is not None
        self.config, self.head = config.adapter, GaussianHead(config.head).requires_grad_(False)
        self.grid, self.count = (height // 14, width // 14), count
        patches = self.grid[0] * self.grid[1]
        self.features = torch.randn(4, min(count, GROUP), patches, config.head.dim_in)
        self.images, self.depth = torch.randn(count, 3, height, width), torch.rand(count, height, width) + 1
        self.poses = np.tile(np.eye(4)[:3], (count, 1, 1))
        self.k = np.tile(np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]]), (count, 1, 1))

    def groups(self) -> Iterator[slice]:
        """Frames that come together."""
        return (slice(start, min(start + GROUP, self.count)) for start in range(0, self.count, GROUP))


def _in_bands(clip: _Clip) -> Gaussians[Tensor]:
    """As the package does it."""
    import torch

    from da3_stream.da3.gaussians import GaussianOptions
    from da3_stream.da3.gaussians.decoder import GaussianCameras, GaussianDecoder

    kept: list[Tensor] = []
    for level in range(4):
        for i in range(clip.count):
            rows = clip.head.keep(level, clip.features[level, :1], clip.grid)
            if i == 0:
                kept.append(rows.new_empty(clip.count, *rows.shape[1:]))
            kept[level][i : i + 1] = rows
    decoder = GaussianDecoder(clip.head, clip.config, clip.grid, GaussianOptions())
    cameras = GaussianCameras(clip.poses, clip.k)
    return decoder.decode(kept, clip.images, clip.depth, cameras, torch.device("cpu"))


def _plainly(clip: _Clip) -> Gaussians[Tensor]:
    """In the original's order."""
    import torch

    channels = torch.cat([_head_at_once(clip, frames) for frames in clip.groups()])
    return _adapter_by_pixel(clip, channels.permute(0, 2, 3, 1).flatten(0, 2))


def _head_at_once(clip: _Clip, frames: slice) -> Tensor:
    """Channels [n,38,H,W] of a group of frames."""
    from da3_stream.da3.heads.pyramid import resize

    head, images = clip.head, clip.images[frames]
    tokens = clip.features[:, : len(images)]
    laterals = [head.lateral(level, head.project(level, x), clip.grid) for level, x in enumerate(tokens)]
    size = (images.shape[2], images.shape[3])
    x = resize(head.scratch.output_conv1(head.scratch.fuse(laterals)), size) + head.images_merger(images)
    channels: Tensor = head.scratch.output_conv2(head.add_positions(x, clip.grid))
    return channels


def _adapter_by_pixel(clip: _Clip, raw: Tensor) -> Gaussians[Tensor]:
    """Gaussians of channels [G,38], every pixel with matrices of its own."""
    import torch
    from torch.nn import functional

    from da3_stream.da3.gaussians import Gaussians

    each = clip.depth[0].numel()
    pose = torch.eye(4).repeat(len(raw), 1, 1)  # as those of the clip
    world = torch.linalg.inv(pose)
    k = torch.from_numpy(clip.k).float().repeat_interleave(each, dim=0)
    distance = clip.depth.flatten() + raw[:, 36]
    rows, columns = torch.meshgrid(*(torch.arange(side) + 0.5 for side in clip.depth.shape[1:]), indexing="ij")
    pixels = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1).flatten(0, 1).repeat(clip.count, 1)
    pixels[:, :2] += raw[:, :2]
    rays = functional.normalize((torch.linalg.inv(k) @ pixels[..., None])[..., 0], dim=-1)
    turned = (world[:, :3, :3] @ rays[..., None])[..., 0]
    footprint = 0.1 * torch.linalg.inv(k[:, :2, :2]).sum(dim=(-1, -2))
    return Gaussians(
        world[:, :3, 3] + turned * distance[:, None],
        (1e-5 + 30 * raw[:, 2:5].sigmoid()) * (distance * footprint)[:, None],
        functional.normalize(raw[:, 5:9], dim=-1),
        (raw[:, 9:36].unflatten(1, (3, 9)) @ torch.eye(9)).contiguous(),
        raw[:, 37].sigmoid(),
    )


if __name__ == "__main__":
    serve_child(_measure) or main()
