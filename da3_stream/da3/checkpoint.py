"""Checkpoints on disk: a folder with config.json and model.safetensors, read one tensor at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ModelError
from ..models.hub import CONFIG, WEIGHTS
from .config import NestedConfig, NetworkConfig, family_of, named_config, read_config
from .network.network import Network

log = logging.getLogger(__name__)

LFS_POINTER = b"version https://git-lfs"  # what a clone without git-lfs holds


@dataclass(frozen=True, eq=False)
class ModelCheckpoint:
    """A network with its weights, and the name of its architecture."""

    name: str
    network: Network


def read_checkpoint(
    folder: Path, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> ModelCheckpoint:
    """The model in a folder; backbones in `dtype`, narrowed before they reach the device.

    Tensors that nothing uses are named in the log. Raises ModelError where a file is missing or not what it should be,
    with the architecture that the tensors show where the config names another one.
    """
    name, config = read_architecture(folder)
    network = Network(config)
    with _open(folder / WEIGHTS) as tensors:
        try:
            unused = network.load_tensors(tensors, device, dtype)
        except ModelError as error:
            raise ModelError(f"{folder}: {_explain(error, name, config, tensors)}") from None
    if unused:
        log.info("left out of %s: %d tensors of the coarser ray outputs (_aux)", name, len(unused))
    return ModelCheckpoint(name, network)


def read_architecture(folder: Path) -> tuple[str, NetworkConfig | NestedConfig]:
    """Name and configuration of the model in a folder, without its weights. Raises ModelError."""
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is no checkpoint: it has no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    if not isinstance(values, dict) or not isinstance(values.get("model_name"), str):
        raise ModelError(f"{path} does not say which model it is (model_name)")
    name, own = values["model_name"], values.get("config")
    try:
        return name, named_config(name)
    except ModelError:
        if not isinstance(own, Mapping) or not ({"vit", "da3"} & set(own)):
            raise
        return name, read_config(own)


@dataclass(frozen=True)
class _LazyTensor:
    """A tensor of a file that is read only by `read`."""

    file: Any
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.file.get_slice(self.name).get_shape())

    def read(self) -> Tensor:
        return self.file.get_tensor(self.name)


@contextmanager
def _open(path: Path) -> Iterator[dict[str, _LazyTensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            names = file.keys()
            yield {name: _LazyTensor(file, name) for name in names}
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is no checkpoint: it has no {path.name}") from None
    except SafetensorError as error:
        raise ModelError(f"{path} is no whole safetensors file: {error}{_hint(path)}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error}") from None


def _hint(path: Path) -> str:
    with path.open("rb") as file:
        pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
    return " (it is only a pointer to it: 'git lfs pull' fetches the file)" if pointer else ""


def _explain(
    error: ModelError, name: str, config: NetworkConfig | NestedConfig, tensors: Mapping[str, _LazyTensor]
) -> str:
    family = family_of({key.removeprefix("model."): tensor.shape for key, tensor in tensors.items()})
    if family is None or named_config(family) == config:
        return str(error)
    return f"{CONFIG} says {name}, but the tensors are those of {family} ({error})"
