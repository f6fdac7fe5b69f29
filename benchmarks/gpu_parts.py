"""The measurements that `gpu.py` is made of."""

from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.tables import Row
from da3_stream.da3 import DepthAnything3, Network
from da3_stream.da3.backbone.embedding import normalise_images
from da3_stream.da3.checkpoint import ModelCheckpoint
from da3_stream.da3.config import NestedConfig, NetworkConfig, named_config, read_config
from da3_stream.da3.device import suited_dtype
from da3_stream.da3.memory import limit_process_memory
from da3_stream.da3.network.clip import Clip, Request

HEAD_FLOP = {64: 16.5e6, 128: 58.8e6, 256: 221e6}  # for a patch, by the head's width, without the ray branch
PATCH = 14
TOP = 12  # kernels of a profile
LIMITS = {torch.float32: (1e-3, 0.05)}  # 99th percentile of relative depth error, degrees; half precision:
HALF_LIMITS = (1.5e-2, 1.0)

_BRANCH = {"vit": {"embed_dim": 32, "depth": 6, "num_heads": 2}, "out_layers": [2, 3, 4, 5]}
_HEAD = {"features": 8, "out_channels": [8, 8, 8, 8]}
_MEETING = {"alt_start": 2, "qknorm_start": 2, "rope_start": 2, "cat_token": True}
TINY = {  # the shape of the nested model, for trying this out without a GPU
    "da3": {
        "vit": _BRANCH["vit"] | _MEETING,  # type: ignore[operator]
        "out_layers": [2, 3, 4, 5],
        "head": _HEAD | {"type": "DualDPT", "dim_in": 64, "output_dim": 2},
        "cam_enc": {},
        "cam_dec": {},
    },
    "da3_metric": _BRANCH | {"head": _HEAD | {"type": "DPT", "dim_in": 32, "output_dim": 1}},
}


@dataclass(frozen=True)
class Seeded:
    """A tensor of a checkpoint that nobody trained, made where it is used: it keeps the size of what goes through."""

    name: str
    shape: tuple[int, ...]
    device: torch.device

    def read(self) -> torch.Tensor:
        generator = torch.Generator(self.device).manual_seed(sum(self.name.encode()) + len(self.name))
        noise = torch.randn(self.shape, generator=generator, device=self.device)
        if len(self.shape) > 1:
            return noise / math.sqrt(math.prod(self.shape[1:]))
        return 0.02 * noise + (0.0 if self.name.endswith("bias") else 1.0)


@dataclass(frozen=True)
class Case:
    """A clip with what should come out of it; None: what the CPU says."""

    model: str
    images: np.ndarray  # uint8 [N,H,W,3]
    tensors: Mapping[str, Any]
    depth: np.ndarray | None = None
    rotation: np.ndarray | None = None


def config_of(name: str) -> NetworkConfig | NestedConfig:
    """A released architecture, or "tiny"."""
    return read_config(TINY) if name == "tiny" else named_config(name)


def half_of(device: torch.device) -> torch.dtype:
    """The half precision that suits the device."""
    return torch.bfloat16 if device.type == "cpu" else suited_dtype(device)


def seeded(name: str, device: torch.device) -> dict[str, Seeded]:
    """All tensors of a model."""
    return {key: Seeded(key, tuple(value.shape), device) for key, value in Network(config_of(name)).tensors().items()}


def seeded_model(name: str, device: torch.device, vram_gb: float | None, dtype: Any = None) -> DepthAnything3:
    """A model of random weights in the type that suits the device."""
    limit_process_memory(device, vram_gb)
    network = Network(config_of(name))
    network.load_tensors(seeded(name, device), device, dtype or suited_dtype(device))
    return DepthAnything3(ModelCheckpoint(name, network), device, vram_gb, cache_frames=60)


def pictures(size: str, frames: int) -> list[np.ndarray]:
    """Random images of the size that the network looks at."""
    width, height = (int(side) for side in size.split("x"))
    return list(np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), np.uint8))


def parity_cases(goldens: Path | None, models: list[str]) -> Iterator[Case]:
    """Golden clips of released architectures, or one clip of the first model."""
    if goldens is None:
        yield Case(models[0], np.stack(pictures("126x98", 4)), seeded(models[0], torch.device("cpu")))
        return
    spec = importlib.util.spec_from_file_location("golden_recipe", goldens / "recipe.py")
    assert spec is not None and spec.loader is not None
    recipe: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    for path in sorted(goldens.glob("da3*_n3.npz")):
        name, found = path.stem.removesuffix("_n3"), np.load(path)
        shapes = json.loads((goldens / "manifests" / f"{name}.json").read_text())["tensors"]
        keys = {key.removeprefix("model."): one["shape"] for key, one in shapes.items() if "alias_of" not in one}
        tensors = {key: recipe.tensor_for(key, shape) for key, shape in keys.items()}
        yield Case(name, found["in_images_u8"], tensors, found["out_depth"], found["out_extrinsics"][..., :3])


def parity(case: Case, device: torch.device, dtype: torch.dtype) -> Iterator[Row]:
    """How far the device is from what should come out, in one type."""
    depth, rotation = case.depth, case.rotation
    if depth is None or rotation is None:
        depth, rotation = _answer(case, torch.device("cpu"), torch.float32)
    found_depth, found_rotation = _answer(case, device, dtype)
    error = float(np.quantile(np.abs(found_depth / depth - 1), 0.99))
    apart = np.linalg.norm(found_rotation - rotation, axis=(-2, -1)) / np.sqrt(8)  # sine of half the angle
    turned = float(np.degrees(2 * np.arcsin(apart.clip(max=1))).max())
    about = {"model": case.model, "frames": len(case.images)}
    kind = str(dtype).removeprefix("torch.")
    limits = LIMITS.get(dtype, HALF_LIMITS)
    yield checked({**about, "figure": f"{kind}: depth error, 99th percentile", "value": error}, limits[0])
    yield checked({**about, "figure": f"{kind}: rotation, degrees", "value": turned}, limits[1])


def checked(row: Row, limit: float) -> Row:
    """The row with its limit, and whether it keeps it."""
    return {**row, "limit": limit, "holds": "yes" if row["value"] <= limit else "no"}


def _answer(case: Case, device: torch.device, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Depth [1,N,H,W] and rotations [1,N,3,3]; no TF32, so that full precision is what it says."""
    torch.backends.cudnn.allow_tf32 = False
    network = Network(config_of(case.model))
    network.load_tensors(case.tensors, device, dtype)
    out = network.forward(normalise_images(torch.from_numpy(case.images))[None].to(device))
    torch.backends.cudnn.allow_tf32 = True
    assert out.camera_from_world is not None
    return out.depth.double().cpu().numpy(), out.camera_from_world[..., :3].double().cpu().numpy()


@dataclass
class Peak:
    """The most memory of the card that torch had given out, and had taken, in bytes; None without a card."""

    allocated: int | None = None
    reserved: int | None = None


@contextmanager
def peak(device: torch.device) -> Iterator[Peak]:
    """Filled at the end of the block."""
    found = Peak()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    yield found
    if device.type == "cuda":
        found.allocated = torch.cuda.max_memory_allocated(device)
        found.reserved = torch.cuda.max_memory_reserved(device)


def seconds(work: Callable[[], Any], device: torch.device, rounds: int = 1) -> float:
    """The mean of some rounds; the work has been done once before."""
    _wait(device)
    start = time.perf_counter()
    for _ in range(rounds):
        work()
    _wait(device)
    return (time.perf_counter() - start) / rounds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate(device: torch.device) -> float:
    """Operations a second of large matrix products in half precision."""
    side = 8192 if device.type == "cuda" else 512
    a = torch.randn(side, side, device=device, dtype=half_of(device))
    a @ a
    return 2 * side**3 / seconds(lambda: a @ a, device, rounds=10)


def window_flops(name: str, size: str, frames: int) -> float:
    """Operations of one pass (two for a multiplication with addition), by the formula of the network's description."""
    config = config_of(name)
    branches = [config] if isinstance(config, NetworkConfig) else [config.da3, config.da3_metric]
    return frames * sum(_frame_flops(branch, size, frames) for branch in branches)


def _frame_flops(config: NetworkConfig, size: str, frames: int) -> float:
    width, height = (int(side) for side in size.split("x"))
    patches, channels = (width // PATCH) * (height // PATCH), config.vit.embed_dim
    tokens, across = patches + 1, sum(config.vit.is_global(layer) for layer in range(config.vit.depth))
    linear = 24 * tokens * channels**2 * config.vit.depth + 1176 * patches * channels
    attention = 4 * tokens**2 * channels * (config.vit.depth - across + frames * across)
    return linear + attention + HEAD_FLOP.get(config.head.features, 0.0) * patches


def new_frames_a_second(model: DepthAnything3, size: str, frames: int, overlap: int) -> float:
    """Of a long video: the third window, after two that warmed up."""
    stride = frames - overlap
    video = pictures(size, 2 * stride + frames)

    def window(start: int) -> None:
        indices = range(start, start + frames)
        model.infer([video[i] for i in indices], resolution=max(video[0].shape), indices=indices)

    window(0)
    window(stride)
    return stride / seconds(lambda: window(2 * stride), model.device)


@contextmanager
def baseline(name: str, device: torch.device) -> Iterator[Network]:
    """The same weights in float32 under autocast; heads in float32 with their ray branch, as the original."""
    network = Network(config_of(name))
    network.load_tensors(seeded(name, device), device, torch.float32)
    for branch in network.branches.values():
        branch.head.forward = _as_the_original(branch.head.forward, branch.head.dual, device)  # type: ignore[method-assign]
    with torch.autocast(device.type, half_of(device)):
        yield network


def _as_the_original(forward: Callable[..., Any], dual: bool, device: torch.device) -> Callable[..., Any]:
    def run(projected: list[torch.Tensor], grid: Any, with_rays: bool = False) -> Any:
        with torch.autocast(device.type, enabled=False):
            return forward([level.float() for level in projected], grid, dual)

    return run


def plain_frames_a_second(network: Network, device: torch.device, size: str, frames: int, overlap: int) -> float:
    """Of a long video: every window from the beginning, all frames at once."""
    clip = Clip(torch.from_numpy(np.stack(pictures(size, frames))).to(device))
    request = Request(frames_at_once=frames, output_device=torch.device("cpu"))
    network.infer(clip, request)
    return (frames - overlap) / seconds(lambda: network.infer(clip, request), device)


def shares(work: Callable[[], Any], device: torch.device) -> list[tuple[str, float]]:
    """The kernels that take most time, each with its share of all."""
    from torch.profiler import ProfilerActivity, profile

    on_card = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    with profile(activities=activities) as found:
        work()
    times = {
        one.key: one.self_device_time_total if on_card else one.self_cpu_time_total for one in found.key_averages()
    }
    total = sum(times.values()) or 1
    return [(key[:80], spent / total) for key, spent in sorted(times.items(), key=lambda one: -one[1])[:TOP]]
