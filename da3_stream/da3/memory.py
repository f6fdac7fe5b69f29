"""How many frames are processed at once: planned from the free memory, halved where that was too many."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from ..errors import ModelError
from .backbone.embedding import PATCH, Grid
from .config import GaussianConfig, NestedConfig, NetworkConfig
from .gaussians.head import GaussianHead
from .gaussians.row_stream import band_numbers

log = logging.getLogger(__name__)

GB = 1_000_000_000
MOST_ON_CPU, MOST_ON_DEVICE = 8, 32  # frames beyond which larger groups gain nothing
CONTEXT_BYTES = 500_000_000  # what CUDA itself takes of the card, beside torch's allocator
FLOAT = 4
ATTENTION_FLOATS = 8  # float32 values for every channel of a token while a layer asks for queries
TAP_FLOATS = 6  # the same while a layer is tapped: its two halves, normed and joined
CONV_COPIES = 6  # maps of the head's width that are alive at once at half size, with workspace
LAST_COPIES = 4  # and of half that width at full size
BANDS_ALIVE = 32  # of rows on their way through the Gaussian head

Result = TypeVar("Result")


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that a pass takes beside the weights."""

    window: int  # for all frames, whatever the group
    frame: int  # for every frame of a group in the backbone
    maps: int  # for every frame of a group in the head

    def total(self, frames_at_once: int) -> int:
        """With groups of so many frames; the head takes a quarter of them."""
        return self.window + max(self.frame * frames_at_once, self.maps * max(1, frames_at_once // 4))

    def with_more(self, other: MemoryNeed) -> MemoryNeed:
        """Both for all frames, and for a group that of the larger: what groups take is taken in turns."""
        return MemoryNeed(self.window + other.window, max(self.frame, other.frame), max(self.maps, other.maps))


class MemoryPlanner:
    """Chooses group sizes for one network, with weights of so many bytes, on one device.

    `limit_gb` (1e9 bytes) bounds weights and passes together; raises ModelError where the weights alone are more.
    """

    def __init__(
        self,
        config: NetworkConfig | NestedConfig,
        device: torch.device,
        dtype: torch.dtype,
        weights: int = 0,
        limit_gb: float | None = None,
        cache_frames: int = 0,
    ) -> None:
        if limit_gb is not None and weights >= limit_gb * GB:
            raise ModelError(f"the weights alone take {weights / GB:.1f} GB, {limit_gb:g} GB are allowed")
        self._branches = [config] if isinstance(config, NetworkConfig) else [config.da3, config.da3_metric]
        self._device, self._dtype, self._weights = device, dtype, weights
        self._cache_frames = cache_frames
        self._limit = None if limit_gb is None else int(limit_gb * GB)
        self._most = MOST_ON_CPU if device.type == "cpu" else MOST_ON_DEVICE

    def run(
        self, work: Callable[[int], Result], count: int, size: tuple[int, int], *, gaussians: bool = False
    ) -> Result:
        """The result of `work(frames_at_once)` for a window of `count` frames of (height, width), with `gaussians` or
        without; halved where memory runs out, for later windows too. Raises ModelError where one frame does not fit."""
        need = self.need(count, (size[0] // PATCH, size[1] // PATCH), gaussians=gaussians)
        group = self.plan(need)
        while True:
            try:
                return work(group)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            if group == 1:
                raise ModelError(self._too_little(need, count, size))
            group = self._most = group // 2
            log.warning("out of memory: going on with groups of %d frames", group)
            if self._device.type == "cuda":
                torch.cuda.empty_cache()  # once for each halving, so that pieces become whole again

    def plan(self, need: MemoryNeed) -> int:
        """The largest power of two that fits, at least one."""
        free, group = self.free(), self._most
        while group > 1 and free is not None and need.total(group) > free:
            group //= 2
        return group

    def free(self) -> int | None:
        """Bytes that a pass may take; None on a CPU without a limit, where the system decides."""
        left = None if self._limit is None else self._limit - self._weights
        if self._device.type == "cuda":
            held = torch.cuda.memory_allocated(self._device)
            there = torch.cuda.mem_get_info(self._device)[0] + torch.cuda.memory_reserved(self._device) - held
            return there if self._limit is None else min(there, self._limit - held - CONTEXT_BYTES)
        if self._device.type == "mps":
            there = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
            return there if left is None else min(there, left)
        return left

    def need(self, count: int, grid: Grid, *, gaussians: bool = False) -> MemoryNeed:
        """The need of the hungriest branch, for images of so many patches: branches run one after the other."""
        needs = [_need(branch, count, grid, self._dtype.itemsize, self._kept) for branch in self._branches]
        if gaussians:
            more = [
                _need_of_gaussians(branch.gaussians, count, grid, self._kept, self._device) for branch in self._branches
            ]
            needs = [one.with_more(other) for one, other in zip(needs, more, strict=True)]
        images = 3 * count * grid[0] * grid[1] * PATCH * PATCH
        remembered = self._cache_frames * (grid[0] * grid[1] + 1) * self._branches[0].vit.embed_dim * self._kept
        return MemoryNeed(
            images + remembered + max(need.window for need in needs),
            max(need.frame for need in needs),
            max(need.maps for need in needs),
        )

    @property
    def _kept(self) -> int:
        """Bytes of a number that is kept of all frames (`Backbone.kept_dtype`)."""
        return 2 if self._dtype == torch.bfloat16 else FLOAT

    def _too_little(self, need: MemoryNeed, count: int, size: tuple[int, int]) -> str:
        free = self.free()
        known = "" if free is None else f", {max(free, 0) / GB:.1f} GB are left for it"
        return (
            f"not even one frame at a time fits: {count} frames of {size[1]}x{size[0]} take about "
            f"{need.total(1) / GB:.1f} GB beside {self._weights / GB:.1f} GB of weights{known}; use shorter windows, a "
            "smaller resolution or a smaller model"
        )


def limit_process_memory(device: torch.device, limit_gb: float | None) -> None:
    """Hold all of this process on a CUDA device to the limit, what CUDA itself takes counted in; None: to none."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        share = 1.0 if limit_gb is None else max(limit_gb * GB - CONTEXT_BYTES, 0) / total
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device, or the CPU's allocator, had no memory left."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error).lower() for word in words)


def _need(config: NetworkConfig, count: int, grid: Grid, itemsize: int, kept: int) -> MemoryNeed:
    """Counted from the schedule of `Branch`; sizes of temporaries are upper bounds."""
    vit, head = config.vit, config.head
    patches = grid[0] * grid[1]
    tokens, width = patches + 1, vit.embed_dim
    levels = patches * sum(head.out_channels) * kept
    window = count * (tokens * width * (FLOAT + 2 * itemsize) + levels) if vit.alternates else 0
    hidden = 4 * width * (2 if vit.ffn_layer == "mlp" else 4) * itemsize + 2 * width * FLOAT
    frame = tokens * max(ATTENTION_FLOATS * width * FLOAT, hidden, TAP_FLOATS * head.dim_in * FLOAT)
    fine, full = 64 * patches, PATCH * PATCH * patches
    maps = FLOAT * (CONV_COPIES * head.features * fine + LAST_COPIES * head.features // 2 * full)
    return MemoryNeed(window, frame, maps)


def _need_of_gaussians(
    config: GaussianConfig | None, count: int, grid: Grid, kept: int, device: torch.device
) -> MemoryNeed:
    """What the Gaussian head takes beside the rest, its weights included: they come to the device when it is asked."""
    if config is None:
        return MemoryNeed(0, 0, 0)
    head, patches = config.head, grid[0] * grid[1]
    coarse = math.ceil(grid[0] / 2) * math.ceil(grid[1] / 2)
    levels = patches * (head.out_channels[0] + head.out_channels[1]) + head.features * (patches + coarse)
    with torch.device("meta"):
        weights = sum(weight.nbytes for weight in GaussianHead(head).parameters())
    row = head.features // 2 * PATCH * grid[1]
    bands = FLOAT * BANDS_ALIVE * max(band_numbers(device), row)
    return MemoryNeed(count * levels * kept + weights + bands, 0, 0)
