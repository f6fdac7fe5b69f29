"""How many frames a model in a folder can look at in one pass, told before its weights are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import ModelError
from ..models.hub import WEIGHTS
from .backbone.embedding import PATCH
from .checkpoint import read_architecture
from .config import NestedConfig, NetworkConfig
from .device import best_device, suited_dtype, usable_device
from .memory import GB, MemoryPlanner

RESULT_BYTES = 64  # of main memory for each pixel: pictures, depth and confidence, and copies while they are stored
GAUSSIAN_BYTES = 2 * 38 * 4  # more for each pixel with Gaussians: 38 numbers, once more while they are stored
SURE = 0.9  # share of the free memory that is counted on


@dataclass(frozen=True)
class Capacity:
    """How many frames fit into one pass (None: nobody knows), whether the model sees them together and gives poses, and
    what was counted, in bytes: the weights, what any pass takes beside them, what each frame adds on the device, and
    what is free there (None: nobody knows)."""

    frames: int | None
    has_poses: bool
    weights: int
    fixed: int
    frame: int
    free: int | None

    def __str__(self) -> str:
        known = "" if self.free is None else f", and {self.free / GB:.1f} GB are free"
        return (
            f"the weights take {self.weights / GB:.1f} GB, a pass {self.fixed / GB:.2f} GB and "
            f"{self.frame / 1e6:.0f} MB a picture{known}"
        )


def capacity(
    folder: Path,
    size: tuple[int, int],
    *,
    device: str | None = None,
    vram_gb: float | None = None,
    spare_bytes: int | None = None,
    gaussians: bool = False,
) -> Capacity:
    """How many frames of (width, height) `size`, as the network looks at them, fit into one pass on a device (None: the
    best), before anything large is allocated; `spare_bytes` of main memory are free (None: unknown).

    Raises ModelError for a folder without a checkpoint, or where not even one frame fits.
    """
    _, config = read_architecture(folder)
    chosen = best_device() if device is None else usable_device(device)
    weights = _bytes_of_weights(folder)
    grid = (max(1, round(size[1] / PATCH)), max(1, round(size[0] / PATCH)))
    fixed, frame = _needs(config, chosen, grid, gaussians)
    result = grid[0] * grid[1] * PATCH * PATCH * (RESULT_BYTES + gaussians * GAUSSIAN_BYTES)
    free = MemoryPlanner(config, chosen, suited_dtype(chosen), 0, vram_gb).free()
    on_cpu = chosen.type == "cpu"
    if on_cpu:
        free, frame = _least(free, spare_bytes), frame + result
    fitting = _least(_fitting(free, weights + fixed, frame), None if on_cpu else _fitting(spare_bytes, 0, result))
    has_poses = isinstance(config, NestedConfig) or config.has_camera
    found = Capacity(fitting, has_poses, weights, fixed, frame, free)
    if fitting == 0:
        raise ModelError(
            f"not even one picture of {size[0]}x{size[1]} fits into memory: {found}; choose a smaller model, or a "
            "smaller model.resolution"
        )
    return found


def _bytes_of_weights(folder: Path) -> int:
    """Of the file, an upper bound: half precision takes less."""
    try:
        return (folder / WEIGHTS).stat().st_size
    except OSError:
        raise ModelError(f"{folder} is no checkpoint: it has no {WEIGHTS}") from None


def _needs(
    config: NetworkConfig | NestedConfig, device: torch.device, grid: tuple[int, int], gaussians: bool
) -> tuple[int, int]:
    """Bytes of any pass, frame by frame, and what each frame adds, its place in the cache included."""

    def total(count: int) -> int:
        planner = MemoryPlanner(config, device, suited_dtype(device), cache_frames=count)
        return planner.need(count, grid, gaussians=gaussians).total(1)

    one, two = total(1), total(2)
    return 2 * one - two, two - one


def _fitting(free: int | None, fixed: int, each: int) -> int | None:
    return None if free is None else max(0, int((SURE * free - fixed) // each))


def _least(*counts: int | None) -> int | None:
    return min((count for count in counts if count is not None), default=None)
