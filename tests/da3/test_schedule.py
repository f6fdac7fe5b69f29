"""How the work is cut up, and in which type it is done, does not change what comes out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from da3_stream.da3 import Network
from da3_stream.da3.backbone import attention
from da3_stream.da3.backbone.attention import Kernel, attend, best_kernel
from da3_stream.da3.network.clip import Clip, Request
from da3_stream.errors import ModelError
from tests.da3.conftest import as_input


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "tinyg", "tinymono", "tinynested"])
@pytest.mark.parametrize("group", [1, 2, 3])
def test_groups_of_frames_change_nothing(name: str, group: int, goldens: Path, network: Callable) -> None:
    images = as_input(np.load(goldens / "tinyg_n5.npz")["in_images_u8"])
    whole = network(name).forward(images, frames_at_once=5)
    parts = network(name).forward(images, frames_at_once=group)
    for part in ("depth", "confidence", "camera_from_world", "intrinsics", "sky"):
        expected, found = getattr(whole, part), getattr(parts, part)
        if expected is not None:
            torch.testing.assert_close(found, expected, rtol=2e-5, atol=2e-5, msg=part)


def test_attention_without_a_fused_kernel_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = (torch.randn(1, 2, count, 8, generator=torch.Generator().manual_seed(0)) for count in (37, 50, 50))
    expected = attend(q, k, v)
    monkeypatch.setattr(attention, "has_fused_kernel", lambda *tensors: False)
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", 2 * 50 * 5)
    torch.testing.assert_close(attend(q, k, v), expected)


def test_pictures_in_bytes_are_normalised_by_the_network(goldens: Path, network: Callable) -> None:
    images = np.load(goldens / "tinyg_n3.npz")["in_images_u8"]
    clips = Clip(torch.from_numpy(images)), Clip(as_input(images)[0])
    found, expected = (network("tinyg").infer(clip, Request()) for clip in clips)
    torch.testing.assert_close(found.depth, expected.depth)


def test_xformers_is_asked_in_its_own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    def theirs(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """[n,T,heads,d] as its documentation says."""
        weights = torch.einsum("nqhd,nkhd->nhqk", q, k).mul(q.shape[-1] ** -0.5).softmax(dim=-1)
        return torch.einsum("nhqk,nkhd->nqhd", weights, v)

    package = ModuleType("xformers")
    package.ops = SimpleNamespace(memory_efficient_attention=theirs)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xformers", package)
    monkeypatch.setitem(sys.modules, "xformers.ops", package.ops)  # type: ignore[arg-type]
    q, k, v = (torch.randn(1, 2, count, 8, generator=torch.Generator().manual_seed(0)) for count in (37, 50, 50))
    torch.testing.assert_close(attend(q, k, v, Kernel.XFORMERS), attend(q, k, v))
    assert best_kernel(torch.device("cpu"), torch.float32) == Kernel.TORCH


@pytest.mark.parametrize(("theirs", "ours", "chosen"), [(1.0, 2.0, Kernel.XFORMERS), (2.0, 1.0, Kernel.TORCH)])
def test_the_faster_kernel_of_a_card_is_taken(
    theirs: float, ours: float, chosen: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((theirs, ours))
    monkeypatch.setattr(attention, "_seconds", lambda work, device: next(times))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleType(name))
    monkeypatch.setattr(torch, "randn", lambda *args, **options: None)
    assert best_kernel(torch.device("cuda"), torch.bfloat16) == chosen


@pytest.mark.slow
@pytest.mark.parametrize("name", ["da3-small", "da3-base"])
def test_half_precision_stays_close(name: str, goldens: Path, network: Callable[[str], Network]) -> None:
    case = np.load(goldens / f"{name}_n3.npz")
    exact = network(name).tensors()
    half = Network.from_config(name)
    half.load_tensors(exact, dtype=torch.bfloat16)
    out = half.forward(as_input(case["in_images_u8"]))
    error = np.abs(out.depth.numpy() / case["out_depth"] - 1)
    assert np.quantile(error, 0.99) <= 0.015
    assert out.camera_from_world is not None
    turned = out.camera_from_world.numpy()[0, :, :, :3] @ case["out_extrinsics"][0, :, :, :3].transpose(0, 2, 1)
    cosine = (np.trace(turned, axis1=1, axis2=2) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() <= 1.0


IMAGES = torch.zeros(1, 3, 3, 28, 28)


@pytest.mark.parametrize(
    ("images", "options", "sentence"),
    [
        (IMAGES, {"ref_index": -1}, "there is no frame -1 to be the reference: the clip has 3"),
        (IMAGES, {"ref_index": 9}, "there is no frame 9 to be the reference"),
        (IMAGES, {"ref_view": "best"}, "no way to choose a reference frame is called 'best'"),
        (IMAGES, {"ransac_index": torch.zeros(100, 2, dtype=torch.int64)}, r"ransac_index must be \[100,8\]"),
        (IMAGES, {"frames_at_once": 0}, "at least one frame must be looked at together"),
        (IMAGES, {"intrinsics": torch.zeros(1, 2, 3, 3)}, r"intrinsics must be \[1, 3, 3, 3\]"),
        (IMAGES, {"camera_from_world": torch.zeros(1, 3, 3, 3)}, r"with \[3,4\] or \[4,4\] each"),
        (IMAGES, {"camera_from_world": torch.zeros(1, 3, 4, 4)}, "poses need intrinsics beside them"),
        (IMAGES, {"export_layers": (99,)}, "there is no layer 99"),
        (IMAGES.byte(), {}, "images must be normalised floating-point numbers"),
        (IMAGES[0], {}, r"images must be \[B,N,3,H,W\]"),
        (torch.zeros(1, 3, 3, 28, 30), {}, "the sides of images must be multiples of 14"),
    ],
)
def test_what_the_network_cannot_take_is_refused(
    images: torch.Tensor, options: dict, sentence: str, network: Callable
) -> None:
    with pytest.raises(ModelError, match=sentence):
        network("tiny").forward(images, **options)


@pytest.mark.slow
@pytest.mark.parametrize("config", [5, {"vit": 3}, {"vit": {"embed_dim": "12"}, "head": {}}, "da3-tremendous"])
def test_what_is_no_architecture_is_refused(config: object) -> None:
    with pytest.raises(ModelError, match="architecture"):
        Network.from_config(config)  # type: ignore[arg-type]
    assert Network.from_config("da3-large-1.1").config == Network.from_config("da3-large").config
    with pytest.raises(ModelError, match="the network has no weights yet"):
        Network.from_config("da3-small").forward(IMAGES)
