"""Where the network runs, and in which type its matrices are kept."""

from __future__ import annotations

import torch

from ..errors import ModelError


def best_device() -> torch.device:
    """The first of CUDA, MPS and CPU that is there."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def usable_device(name: str) -> torch.device:
    """The device of that name; raises ModelError where torch does not know it or the machine has it not."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0].split(". ")[0]
        raise ModelError(
            f"the device {name} cannot be used: {reason} (the one to use here: {best_device()})"
        ) from error


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the device itself has failed, not one computation: nothing works after it."""
    if isinstance(error, torch.OutOfMemoryError):
        return False
    accelerator = getattr(torch, "AcceleratorError", ())  # from torch 2.8 on
    return isinstance(error, accelerator) or (isinstance(error, RuntimeError) and "CUDA error" in str(error))


def suited_dtype(device: torch.device) -> torch.dtype:
    """What weights are kept in: full precision on the CPU, bfloat16 where the card knows it by itself, else float16."""
    if device.type == "cpu":
        return torch.float32
    native = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if native else torch.float16
