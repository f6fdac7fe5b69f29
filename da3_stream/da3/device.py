"""Where the network runs, and in which type its matrices are kept."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """The first of CUDA, MPS and CPU that is there."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def suited_dtype(device: torch.device) -> torch.dtype:
    """What weights are kept in: full precision on the CPU, bfloat16 where the card knows it by itself, else float16."""
    if device.type == "cpu":
        return torch.float32
    native = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if native else torch.float16
