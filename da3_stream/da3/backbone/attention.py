"""Attention that never builds the whole table of scores."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional

SCORES_AT_ONCE = 64 * 1024 * 1024  # entries of the table where no fused kernel serves: 256 MiB in float32
TRIAL = (1, 16, 8192, 64)  # shape of the queries on which kernels race
ROUNDS = 5
WORTH = 0.95  # another kernel than torch's own must take less than this share of its time


class Kernel(StrEnum):
    """An implementation of attention."""

    TORCH = "torch's scaled_dot_product_attention"
    XFORMERS = "xformers' memory_efficient_attention"


def attend(q: Tensor, k: Tensor, v: Tensor, kernel: Kernel = Kernel.TORCH) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q [n,heads,Tq,d] and k, v [n,heads,T,d].

    Fused kernels need memory for the result only. Where torch has none, queries are taken in blocks: the table of 120
    frames of 504 x 280 would be 669 GB.
    """
    if kernel == Kernel.XFORMERS:
        return _xformers(q, k, v)
    if has_fused_kernel(q, k, v):
        return functional.scaled_dot_product_attention(q, k, v)
    block = max(1, SCORES_AT_ONCE // (q.shape[0] * q.shape[1] * k.shape[2]))
    return torch.cat([functional.scaled_dot_product_attention(part, k, v) for part in q.split(block, dim=2)], dim=2)


def has_fused_kernel(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether torch has a kernel for these tensors that does not build the table of scores."""
    return q.device.type == "cpu" or bool(fused_kernels(q, k, v))


def fused_kernels(q: Tensor, k: Tensor, v: Tensor) -> list[str]:
    """Names of torch's CUDA kernels that serve these tensors."""
    if q.device.type != "cuda":
        return []
    from torch.backends import cuda

    params = cuda.SDPAParams(q, k, v, None, 0.0, False, False)
    tests = {"flash": cuda.can_use_flash_attention, "memory-efficient": cuda.can_use_efficient_attention}
    return [name for name, serves in tests.items() if serves(params)]


def best_kernel(device: torch.device, dtype: torch.dtype) -> Kernel:
    """xformers on a card where it is installed and faster than torch's own kernel, else torch."""
    if device.type != "cuda" or importlib.util.find_spec("xformers") is None:
        return Kernel.TORCH
    q = torch.randn(TRIAL, device=device, dtype=dtype)
    try:
        xformers_s = _seconds(lambda: attend(q, q, q, Kernel.XFORMERS), device)
    except (ImportError, NotImplementedError, RuntimeError):  # built for another card or another torch
        return Kernel.TORCH
    return Kernel.XFORMERS if xformers_s < WORTH * _seconds(lambda: attend(q, q, q), device) else Kernel.TORCH


def describe_kernel(kernel: Kernel, device: torch.device, dtype: torch.dtype) -> str:
    """What computes attention on a device, for the log."""
    if kernel == Kernel.XFORMERS:
        return kernel
    if device.type == "cpu":
        return f"{kernel}, fused for the CPU"
    q = torch.empty(1, 1, 8, TRIAL[-1], device=device, dtype=dtype)
    return f"{kernel}, {' or '.join(fused_kernels(q, q, q)) or 'no fused kernel here: queries in blocks'}"


def _xformers(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    from xformers.ops import memory_efficient_attention

    return memory_efficient_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2)


def _seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    """The best of a few rounds, the first left out."""
    best = float("inf")
    for _ in range(ROUNDS):
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best
