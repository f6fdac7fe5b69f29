"""Weights by their names in the checkpoints, into the modules that use them: all of them, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ModelError

PREFIX = "model."
# One layer norm serves the ray outputs of all levels; files hold it under level 0, live models under all four.
TIED = re.compile(r"(head\.scratch\.output_conv2_aux\.)[0-3](\.2\.(?:weight|bias))$")
# The matrices of backbones; norms, scales and tables are small and worth their precision.
HALF_PRECISION = re.compile(r"^backbone\..*\.(?:qkv|proj|fc1|fc2|w12|w3)\.(?:weight|bias)$")
# Seldom used. The camera encoder, a tenth of the largest model, works on a token a frame, for which the CPU is fast
# enough; the Gaussian head goes to the device when it is first asked, and files are not even read of it before.
ON_CPU = re.compile(r"cam_enc\.|gs_head\.")
# The ray outputs of the coarser levels are computed by nobody.
UNUSED = re.compile(r"head\.scratch\.output_conv[12]_aux\.[0-2]\.")


def load_into(
    modules: Mapping[str, nn.Module],
    tensors: Mapping[str, Any],
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> list[str]:
    """Give every parameter of the modules (by their name in front of the keys) its tensor; the matrices of
    backbones take `dtype`, the camera encoder and the Gaussian head stay on the CPU.

    A tensor is a torch or numpy array, or anything with a `shape` that is read when it is needed (`read()`).
    Returns the names of tensors that nothing uses. Raises ModelError naming a tensor that is missing, unexpected
    or of another shape.
    """
    wanted = {full_name(name, key): (module, key) for name, module in modules.items() for key in module.state_dict()}
    given, unused = _by_key(tensors)
    _require_same(wanted, given)
    for module_name, module in modules.items():
        keys = [key for key in module.state_dict()]
        state = {
            key: _tensor(given[full_name(module_name, key)], _device_of(key, device), _dtype_of(key, dtype))
            for key in keys
        }
        module.load_state_dict(state, strict=True, assign=True)
        module.requires_grad_(False)
    return unused


def _by_key(tensors: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Tensors under the names that the modules have, and the names of those that nothing uses."""
    given, unused = {}, []
    for name, tensor in tensors.items():
        key = TIED.sub(r"\g<1>3\g<2>", name.removeprefix(PREFIX))
        if UNUSED.search(key):
            unused.append(name)
        else:
            given[key] = tensor
    return given, unused


def _require_same(wanted: Mapping[str, tuple[nn.Module, str]], given: Mapping[str, Any]) -> None:
    missing, unexpected = sorted(set(wanted) - set(given)), sorted(set(given) - set(wanted))
    if missing:
        raise ModelError(f"the checkpoint lacks {_abbreviate(missing)}")
    if unexpected:
        raise ModelError(f"the checkpoint has {_abbreviate(unexpected)}, which this architecture has not")
    shapes = {key: tuple(module.get_parameter(name).shape) for key, (module, name) in wanted.items()}
    for key in sorted(wanted):
        if tuple(given[key].shape) != shapes[key]:
            raise ModelError(f"{key} is {list(given[key].shape)} in the checkpoint, {list(shapes[key])} is expected")


def _abbreviate(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _tensor(value: Any, device: torch.device | str | None, dtype: torch.dtype | None) -> Tensor:
    tensor = value.read() if hasattr(value, "read") else torch.as_tensor(value)
    return tensor.to(dtype=dtype or tensor.dtype).to(device=device or tensor.device)  # narrowed before it moves


def _device_of(key: str, device: torch.device | str | None) -> torch.device | str | None:
    on_a_card = device is not None and torch.device(device).type not in ("cpu", "meta")
    return "cpu" if on_a_card and ON_CPU.search(key) else device


def _dtype_of(key: str, dtype: torch.dtype | None) -> torch.dtype | None:
    return dtype if HALF_PRECISION.search(key) else None


def full_name(name: str, key: str) -> str:
    """A key of a module under its own name in the checkpoints."""
    return f"{name}.{key}" if name else key
