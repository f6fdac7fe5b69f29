"""Checkpoints load strictly: every tensor of every released model, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from da3_stream.da3 import Network
from da3_stream.errors import ModelError

RELEASED = [
    "da3-small",
    "da3-base",
    "da3-large",
    "da3-giant",
    "da3metric-large",
    "da3mono-large",
    "da3nested-giant-large",
]
SINGLE = ("da3metric-large", "da3mono-large")  # look at one frame, and have no rays


def stored(manifests: Path, name: str) -> dict[str, torch.Tensor]:
    """Empty tensors under the names and of the shapes in a checkpoint's file."""
    entries = json.loads((manifests / f"{name}.json").read_text())["tensors"]
    kept = {key: entry["shape"] for key, entry in entries.items() if "alias_of" not in entry}
    return {key: torch.empty(shape, device="meta") for key, shape in kept.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", RELEASED)
def test_every_released_checkpoint_loads(name: str, manifests: Path) -> None:
    unused = Network.from_config(name).load_tensors(stored(manifests, name))
    assert all("_aux." in key for key in unused) and len(unused) == (0 if name in SINGLE else 42)


@pytest.mark.slow
def test_the_gaussian_head_of_the_giant_models_is_loaded_whole(manifests: Path) -> None:
    head = {key: tensor for key, tensor in stored(manifests, "da3-giant").items() if ".gs_head." in key}
    assert len(head) == 66 and sum(tensor.numel() for tensor in head.values()) == 35_628_486
    network = Network.from_config("da3-giant")
    network.load_tensors(stored(manifests, "da3-giant"))
    assert {f"model.{key}" for key in network.tensors() if key.startswith("gs_head.")} == set(head)


@pytest.mark.slow
def test_a_part_of_the_gaussian_head_that_is_missing_is_named(manifests: Path) -> None:
    tensors = stored(manifests, "da3nested-giant-large")
    del tensors["model.da3.gs_head.images_merger.2.weight"]
    with pytest.raises(ModelError, match=r"lacks da3.gs_head.images_merger.2.weight$"):
        Network.from_config("da3nested-giant-large").load_tensors(tensors)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gs_adapter": None}, "the architecture has no part 'gs_adapter'"),
        ({"gs_head": None}, "the architecture has no part 'gs_head'"),
        ({"cam_dec": None}, "gs_head in a model without cameras"),
        ({"gs_adapter": {"sh_degree": 1}}, "gs_head output_dim 38, gs_adapter takes 23"),
        ({"gs_adapter": {"degree": 1}}, "AdapterConfig: .*degree"),
    ],
)
def test_half_a_gaussian_head_is_refused(change: dict[str, Any], sentence: str, goldens: Path) -> None:
    config = json.loads((goldens / "tiny_configs.json").read_text())["tinygs"] | change
    with pytest.raises(ModelError, match=sentence):
        Network.from_config({key: value for key, value in config.items() if value is not None})


def test_names_without_the_prefix_and_live_models_load_too(manifests: Path) -> None:
    entries = json.loads((manifests / "da3-small.json").read_text())["tensors"]
    live = {key.removeprefix("model."): torch.empty(entry["shape"], device="meta") for key, entry in entries.items()}
    Network.from_config("da3-small").load_tensors(live)


@pytest.fixture
def small(manifests: Path) -> dict[str, Any]:
    return stored(manifests, "da3-small")


KEY = "model.backbone.pretrained.blocks.0.attn.qkv.weight"


def test_a_missing_tensor_is_named(small: dict[str, Any]) -> None:
    del small[KEY]
    with pytest.raises(ModelError, match=r"lacks backbone.pretrained.blocks.0.attn.qkv.weight$"):
        Network.from_config("da3-small").load_tensors(small)


def test_an_unexpected_tensor_is_named(small: dict[str, Any]) -> None:
    small["model.extra.weight"] = torch.empty(3, device="meta")
    with pytest.raises(ModelError, match=r"has extra.weight, which this architecture has not"):
        Network.from_config("da3-small").load_tensors(small)


def test_a_misshapen_tensor_is_named_with_both_shapes(small: dict[str, Any]) -> None:
    small[KEY] = torch.empty(3, 384, device="meta")
    with pytest.raises(ModelError, match=r"qkv.weight is \[3, 384\] in the checkpoint, \[1152, 384\] is expected"):
        Network.from_config("da3-small").load_tensors(small)


def test_another_models_checkpoint_is_refused(small: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="is expected"):
        Network.from_config("da3-base").load_tensors(small)


def test_matrices_of_backbones_take_the_type_that_is_asked_for_and_the_rest_stays(manifests: Path) -> None:
    network = Network.from_config("da3-small")
    network.load_tensors(stored(manifests, "da3-small"), dtype=torch.bfloat16)
    branch = network.branches[""]
    assert branch.backbone.dtype == torch.bfloat16
    assert branch.backbone.pretrained.pos_embed.dtype == torch.float32
    assert branch.head.projects[0].weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("da3-huge", "no DA3 architecture is called 'da3-huge'; known are da3-small"),
        ({"vit": {}}, "no part 'head'"),
        ({"vit": {"width": 3}, "head": {}}, "BackboneConfig: .*width"),
    ],
)
def test_what_is_no_architecture_is_refused(config: Any, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        Network.from_config(config)
