"""The network says what the original says, on every golden vector, and names the part that differs first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from da3_stream.da3 import Network, NetworkOutput

from .conftest import as_input

ANY_VIEW = ["out_depth", "out_depth_conf", "out_extrinsics", "out_intrinsics"]
PARTS = {
    "out_depth": "depth",
    "out_depth_conf": "confidence",
    "out_extrinsics": "camera_from_world",
    "out_intrinsics": "intrinsics",
    "out_sky": "sky",
}
Build = Callable[[str], Network]


def check(out: NetworkOutput, case: Any, keys: list[str] = ANY_VIEW) -> None:
    """Depth to 1e-4 of each value, everything else to 5e-5 of the largest."""
    for key in keys:
        found, expected = getattr(out, PARTS[key]).numpy(), case[key]
        scale = np.abs(expected) if key == "out_depth" else np.abs(expected).max()
        limit = 1e-4 if key == "out_depth" else 5e-5
        assert found.shape == expected.shape, key
        assert (np.abs(found - expected) <= limit * scale).all(), key


@pytest.mark.parametrize(
    "name",
    ["tiny_n1", "tiny_n2", "tiny_n3", "tiny_tall", "tiny_square70", "tinyg_n1", "tinyg_n3", "tinyg_n5"],
)
def test_small_networks_agree(name: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    check(network(name.split("_")[0]).forward(as_input(case["in_images_u8"])), case)


@pytest.mark.parametrize("strategy", ["first", "middle", "saddle_balanced"])
def test_every_way_to_choose_the_reference_agrees(strategy: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"tiny_n5_{strategy}.npz")
    check(network("tiny").forward(as_input(case["in_images_u8"]), ref_view=strategy), case)


def test_a_forced_reference_agrees(goldens: Path, network: Build) -> None:
    case = np.load(goldens / "tiny_n5_saddle_sim_range.npz")
    out = network("tiny").forward(as_input(case["in_images_u8"]), ref_index=int(case["b_idx"][0]))
    check(out, case)


def test_a_batch_is_its_clips(goldens: Path, network: Build) -> None:
    case = np.load(goldens / "tiny_batch2.npz")
    images = case["in_images_u8"]
    check(network("tiny").forward(torch.cat([as_input(clip) for clip in images])), case)


def test_the_table_of_positions_is_used_as_it_is(goldens: Path, network: Build, recipe: ModuleType) -> None:
    case = np.load(goldens / "tiny_518.npz")
    out = network("tiny").forward(as_input(recipe.images(1, 518, 518, int(case["in_seed"]))))
    np.testing.assert_allclose(out.depth[..., ::7, ::7], case["out_depth_stride7"], rtol=1e-4)
    check(out, case, ["out_extrinsics", "out_intrinsics"])


@pytest.mark.parametrize("name", ["tiny_pose_n2", "tiny_pose_n3"])
def test_known_cameras_agree(name: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    poses, k = (torch.from_numpy(case[key]) for key in ("in_extrinsics", "in_intrinsics"))
    poses, k = (x if x.ndim == 4 else x[None] for x in (poses, k))
    check(network("tiny").forward(as_input(case["in_images_u8"]), poses, k), case)


@pytest.mark.parametrize("name", ["tiny_raypose_n1", "tiny_raypose_n3"])
@pytest.mark.parametrize("given", [True, False], ids=["index given", "seeded"])
def test_cameras_from_rays_agree(name: str, given: bool, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    torch.manual_seed(1234)
    index = case["ransac_idx"] if given else None
    out = network("tiny").forward(as_input(case["in_images_u8"]), use_ray_pose=True, ransac_index=index)
    assert out.camera_from_world is not None and out.intrinsics is not None
    np.testing.assert_allclose(out.camera_from_world, case["out_extrinsics"], atol=1e-4)
    np.testing.assert_allclose(out.intrinsics, case["out_intrinsics"], atol=1e-3)
    check(out, case, ["out_depth", "out_depth_conf"])


def test_exported_layers_agree(goldens: Path, network: Build) -> None:
    case = np.load(goldens / "tiny_aux_layers.npz")
    out = network("tiny").forward(as_input(case["in_images_u8"]), export_layers=(0, 1, 3, 8))
    assert out.exported is not None
    for layer, tokens in out.exported.items():
        np.testing.assert_allclose(tokens, case[f"aux_feat_layer_{layer}"], atol=1e-4, err_msg=f"layer {layer}")


@pytest.mark.parametrize("name", ["tinymono_n1", "tinymono_n3"])
def test_depth_and_sky_of_single_frames_agree(name: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    out = network("tinymono").forward(as_input(case["in_images_u8"]))
    check(out, case, ["out_depth", "out_sky"])
    assert out.camera_from_world is None and out.confidence is None and out.scale_factor is None


@pytest.mark.parametrize("name", ["tinynested_n1", "tinynested_n3"])
def test_metres_of_nested_models_agree(name: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    out = network("tinynested").forward(as_input(case["in_images_u8"]))
    check(out, case)
    assert out.scale_factor is not None
    np.testing.assert_allclose(out.scale_factor, [float(case["out_scale_factor"])], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["da3-small_n1_154x504", "da3-small_n3", "da3-base_n3"])
def test_released_architectures_agree(name: str, goldens: Path, network: Build) -> None:
    case = np.load(goldens / f"{name}.npz")
    check(network(name.split("_")[0]).forward(as_input(case["in_images_u8"])), case)


@pytest.mark.slow
def test_a_released_architecture_with_known_cameras_agrees(goldens: Path, network: Build) -> None:
    case = np.load(goldens / "da3-small_pose_n3.npz")
    poses, k = (torch.from_numpy(case[key]) for key in ("in_extrinsics", "in_intrinsics"))
    poses, k = (x if x.ndim == 4 else x[None] for x in (poses, k))
    check(network("da3-small").forward(as_input(case["in_images_u8"]), poses, k), case)
