"""Golden vectors of the original network, and its weights as their README makes them."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from da3_stream.da3 import Network
from da3_stream.da3.backbone.embedding import normalise_images

NOT_ASKED = re.compile(r"cam_enc\.|gs_head\.")  # of networks at full size: no golden vector of theirs shows these parts
PIECE = 1 << 14  # numbers made at once: they stay in the processor's cache


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Test processes side by side fight for cores otherwise."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def goldens(shared: Path) -> Path:
    """The folder of golden vectors."""
    if not (shared / "goldens").is_dir():
        pytest.skip(f"no golden vectors at {shared / 'goldens'}")
    return shared / "goldens"


@pytest.fixture(scope="session")
def manifests(shared: Path) -> Path:
    """The folder with every tensor of every checkpoint."""
    if not (shared / "reference" / "manifests").is_dir():
        pytest.skip(f"no manifests at {shared / 'reference' / 'manifests'}")
    return shared / "reference" / "manifests"


@pytest.fixture(scope="session")
def recipe(goldens: Path) -> ModuleType:
    """The module that makes the weights."""
    return load_recipe(goldens)


def load_recipe(goldens: Path) -> ModuleType:
    """That module, from the folder of the golden vectors."""
    return _module(goldens, "recipe_gs", {"recipe": _module(goldens, "recipe", {})})


def _module(folder: Path, name: str, others: dict[str, ModuleType]) -> ModuleType:
    """A file of the folder as a module that finds `others` by their names."""
    spec = importlib.util.spec_from_file_location(f"golden_{name}", folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for key, other in others.items():
            patch.setitem(sys.modules, key, other)
        spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Generated:
    """A tensor of the recipe (its `tensor_for`), made when it is read: the large networks never exist twice.

    Made piece by piece and in place, which takes a sixth of the time.
    """

    recipe: ModuleType
    key: str
    shape: tuple[int, ...]

    def read(self) -> torch.Tensor:
        if self.recipe.LAST in self.key:  # the Gaussian head's last convolution is scaled
            return torch.from_numpy(self.recipe.tensor_for(self.key, self.shape))
        mean, half = self.recipe.spec(self.key, self.shape)
        random = np.random.RandomState(zlib.crc32(self.key.encode()))
        values = np.empty(math.prod(self.shape), np.float32)
        for start in range(0, values.size, PIECE):
            piece = values[start : start + PIECE]
            numbers = random.random_sample(piece.size)
            numbers -= 0.5
            numbers *= 2.0 * half  # the same as (2 x - 1) half to the last bit
            np.add(numbers, mean, out=piece, casting="same_kind")
        return torch.from_numpy(values.reshape(self.shape))


@pytest.fixture(scope="session")
def new_network(goldens: Path, manifests: Path, recipe: ModuleType) -> Callable[[str], Network]:
    """A network with its weights by name: one of tiny_configs.json, or a released one."""

    def build(name: str) -> Network:
        tiny = json.loads((goldens / "tiny_configs.json").read_text())
        made = Network.from_config(tiny.get(name, name))
        made.load_tensors(weights(name))
        return made

    def weights(name: str) -> dict[str, Any]:
        if name == "tiny":
            return load_file(goldens / "tiny_checkpoint" / "model.safetensors")
        if name.startswith("tiny"):
            shapes = json.loads((goldens / f"weights_manifest_{name}.json").read_text())
        else:
            shapes = stored_shapes(json.loads((manifests / f"{name}.json").read_text()))
        return {key: made_up(key, tuple(shape), name) for key, shape in shapes.items()}

    def made_up(key: str, shape: tuple[int, ...], name: str) -> Any:
        if name == "da3-giant" and NOT_ASKED.match(key):
            return torch.tensor(torch.nan).expand(shape)  # a tenth of the time less, and no memory
        return Generated(recipe, key, shape)

    return build


def short(config: dict[str, Any]) -> dict[str, Any]:
    """A tiny architecture with four layers: every node of a graph takes torch a tenth of a second."""
    if "vit" not in config:
        return config
    start = min(config["vit"]["alt_start"], 1)
    changed = {"depth": 4, "alt_start": start, "qknorm_start": start, "rope_start": start}
    return config | {"vit": config["vit"] | changed, "out_layers": [0, 1, 2, 3]}


@pytest.fixture(scope="session")
def short_network(goldens: Path) -> Callable[[str], Network]:
    """Short small networks with seeded weights, by the names of the tiny ones."""
    configs = json.loads((goldens / "tiny_configs.json").read_text())

    @cache
    def build(name: str) -> Network:
        made, generator = Network.from_config(short(configs[name])), torch.Generator().manual_seed(0)
        shapes = {key: tensor.shape for key, tensor in made.tensors().items()}
        made.load_tensors({key: 0.05 * torch.randn(shape, generator=generator) for key, shape in shapes.items()})
        return made

    return build


@pytest.fixture(scope="session")
def network(new_network: Callable[[str], Network]) -> Callable[[str], Network]:
    """The same, kept for all tests."""
    return cache(new_network)


def stored_shapes(manifest: dict[str, Any]) -> dict[str, list[int]]:
    """Shapes of the tensors in a checkpoint's file, without "model." in front."""
    entries = manifest["tensors"]
    return {key.removeprefix("model."): entry["shape"] for key, entry in entries.items() if "alias_of" not in entry}


def as_input(images: np.ndarray) -> torch.Tensor:
    """uint8 [N,H,W,3] -> [1,N,3,H,W] as the network takes them."""
    return normalise_images(torch.from_numpy(images))[None].contiguous()
