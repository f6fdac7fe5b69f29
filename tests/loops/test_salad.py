"""SALAD against its golden vectors, and what its loader takes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from da3_stream.da3.backbone.embedding import normalise_images
from da3_stream.errors import ModelError
from da3_stream.loops.salad import MASK_TOKEN, Salad, SaladExtractor, read_tensors
from tests.da3.conftest import Generated, load_recipe
from tests.worlds.places import ring, windows_of


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def manifest(shared: Path) -> dict[str, tuple[int, ...]]:
    path = shared / "reference" / "manifests" / "salad.json"
    if not path.exists():
        pytest.skip(f"no manifest at {path}")
    return {name: tuple(entry["shape"]) for name, entry in json.loads(path.read_text())["tensors"].items()}


@pytest.fixture(scope="module")
def tensors(shared: Path, manifest: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Weights by the recipe of the golden vectors."""
    recipe = load_recipe(shared / "goldens")
    made = {name: Generated(recipe, name, shape).read() for name, shape in manifest.items()}
    return made | {"aggregator.dust_bin": torch.tensor(1.25)}


@pytest.fixture(scope="module")
def salad(tensors: dict[str, torch.Tensor]) -> Salad:
    return Salad.load(tensors)


def worst(found: torch.Tensor, expected: np.ndarray) -> float:
    """Largest difference relative to the largest value."""
    return float(np.abs(found.numpy() - expected).max() / np.abs(expected).max())


@pytest.mark.slow
def test_every_stage_is_that_of_the_original(salad: Salad, shared: Path) -> None:
    golden = np.load(shared / "goldens" / "salad_336.npz")
    with torch.inference_mode():
        images = normalise_images(torch.from_numpy(golden["images"]))
        token, patches = salad.features(images)
        assert worst(token, golden["token"]) < 2e-5
        assert worst(patches[:, ::16], golden["features"]) < 2e-5
        assert worst(salad.aggregator.assignment(patches), golden["assignment"]) < 1e-4
        assert worst(salad.aggregator(token, patches), golden["descriptor"]) < 1e-4


@pytest.mark.slow
def test_other_sizes_give_the_original_descriptor(salad: Salad, shared: Path) -> None:
    golden = np.load(shared / "goldens" / "salad_224x322.npz")
    found = salad(torch.from_numpy(golden["images"]))
    assert found.shape == (1, 8448)
    assert worst(found, golden["descriptor"]) < 1e-4


def test_the_manifest_loads_strictly(manifest: dict[str, tuple[int, ...]]) -> None:
    meta = {name: torch.empty(shape, device="meta") for name, shape in manifest.items()}
    Salad.load(meta, "meta")
    with pytest.raises(ModelError, match=r"lacks backbone\.pretrained\.norm\.bias"):
        Salad.load({name: tensor for name, tensor in meta.items() if not name.endswith("model.norm.bias")}, "meta")
    with pytest.raises(ModelError, match="has aggregator.more, which"):
        Salad.load(meta | {"aggregator.more": torch.empty(1)}, "meta")
    with pytest.raises(ModelError, match=r"is \[3\] in the checkpoint, \[\] is expected"):
        Salad.load(meta | {"aggregator.dust_bin": torch.empty(3, device="meta")}, "meta")
    with pytest.raises(ModelError, match="mask_token"):
        Salad.load({name: tensor for name, tensor in meta.items() if name != MASK_TOKEN}, "meta")


def test_a_torch_file_and_a_safetensors_file_hold_the_same(tmp_path: Path) -> None:
    tensors = {"aggregator.dust_bin": torch.tensor(1.25), "backbone.norm.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(tensors, tmp_path / "dino_salad.ckpt")
    save_file(tensors, tmp_path / "salad.safetensors")
    for name in ("dino_salad.ckpt", "salad.safetensors"):
        found = read_tensors(tmp_path / name)
        assert found.keys() == tensors.keys() and all(found[key].equal(tensors[key]) for key in tensors)


@pytest.mark.slow
def test_pictures_of_a_window_are_described_but_black_ones(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(tensors, tmp_path / "salad.safetensors")
    window = windows_of(ring(240, 0.5, 0.01))[0]
    window.images[1] = 0
    found = SaladExtractor(tmp_path / "salad.safetensors", torch.device("cpu")).extract(window, np.array([0, 1]))
    assert np.isnan(found[1]).all()
    assert np.linalg.norm(found[0]) == pytest.approx(1, abs=1e-5)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), "code": print}, tmp_path / "dino_salad.ckpt")
    with pytest.raises(ModelError, match="is not a file of tensors"):
        read_tensors(tmp_path / "dino_salad.ckpt")
    torch.save({"a": 3}, tmp_path / "dino_salad.ckpt")
    with pytest.raises(ModelError, match="something else than tensors"):
        read_tensors(tmp_path / "dino_salad.ckpt")
    with pytest.raises(ModelError, match="there is no file"):
        read_tensors(tmp_path / "none.ckpt")
