"""The parts of the network alone, against the original's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from da3_stream.da3 import Network
from da3_stream.da3.camera import (
    decode_cameras,
    encode_cameras,
    matrix_from_quaternion,
    normalised_poses,
    quaternion_from_matrix,
)
from da3_stream.da3.embedding import Rotary, position_table, uv_embedding
from da3_stream.da3.metric import align, metres_from_canonical
from da3_stream.da3.rays import cameras_from_rays, direct_linear_transform
from da3_stream.da3.reference_view import choose_reference
from da3_stream.errors import ModelError


@pytest.fixture(scope="module")
def geometry(goldens: Path) -> dict[str, torch.Tensor]:
    return {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_geometry.npz").items()}


def test_the_table_of_positions_agrees(geometry: dict, network: Callable[[str], Network]) -> None:
    table = network("tiny").branches[""].backbone.pretrained.pos_embed
    for key, expected in geometry.items():
        if key.startswith("posembed_"):
            size, _, stride = key.removeprefix("posembed_").partition("_stride")
            rows, columns = (int(side) for side in size.split("x"))
            found = position_table(table, (rows, columns))[:: int(stride or 1)]
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5, msg=key)


@pytest.mark.parametrize("kind", ["local", "global"])
def test_rotary_angles_agree(kind: str, geometry: dict) -> None:
    x = geometry["rope_in"]
    for one, place, expected in zip(x, geometry[f"rope_{kind}_pos"], geometry[f"rope_{kind}_out"], strict=True):
        found = Rotary(place[:, 0], place[:, 1], x.shape[-1])(one)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_embedding_of_the_heads_agrees(geometry: dict) -> None:
    for key, expected in geometry.items():
        if key.startswith("uv_embed_"):
            columns, rows = (int(side) for side in key.split("_")[2].removeprefix("w").split("h"))
            found = uv_embedding(expected.shape[-1], (rows, columns), 98 / 70, torch.device("cpu"))
            torch.testing.assert_close(found.permute(1, 2, 0), expected, atol=1e-6, rtol=1e-5, msg=key)


def test_quaternions_agree(geometry: dict) -> None:
    torch.testing.assert_close(quaternion_from_matrix(geometry["quat_R"]), geometry["quat_xyzw"], atol=1e-5, rtol=1e-5)
    found = matrix_from_quaternion(geometry["quat_unnorm_xyzw"])
    torch.testing.assert_close(found, geometry["quat_unnorm_R"], atol=1e-5, rtol=1e-5)


def test_cameras_in_numbers_agree(geometry: dict) -> None:
    encoded = encode_cameras(geometry["pose_w2c"], geometry["pose_K"], (70, 98))
    torch.testing.assert_close(encoded[None], geometry["pose_enc_70x98"], atol=1e-5, rtol=1e-5)
    poses, k = decode_cameras(geometry["dec_pose_enc"], (70, 98))
    torch.testing.assert_close(poses, geometry["dec_w2c"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(k, geometry["dec_K_70x98"], atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("case", ["n1", "n2", "n3", "n6", "small"])
def test_normalised_poses_agree(case: str, geometry: dict) -> None:
    found = normalised_poses(geometry[f"normext_in_{case}"])
    torch.testing.assert_close(found, geometry[f"normext_out_{case}"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("strategy", ["first", "middle", "saddle_balanced"])
def test_the_reference_frame_agrees(strategy: str, goldens: Path) -> None:
    case = np.load(goldens / "unit_refview.npz")
    found = [choose_reference(torch.from_numpy(clip[:, 0]), strategy) for clip in case["x"]]
    np.testing.assert_array_equal(found, case[f"b_idx_{strategy}"])


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'best'; known are saddle_balanced"):
        choose_reference(torch.ones(3, 4), "best")


def test_cameras_from_rays_agree(goldens: Path) -> None:
    case = {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_raypose.npz").items()}
    poses, k = cameras_from_rays(case["ray"][0], case["ray_conf"][0], (70, 98), case["ransac_idx"])
    torch.testing.assert_close(poses[None], case["w2c_3x4"], atol=1e-4, rtol=0)
    torch.testing.assert_close(k[None], case["K_70x98"], atol=1e-3, rtol=0)


def test_the_exact_decomposition_finds_a_principal_point_off_the_middle() -> None:
    rotation = matrix_from_quaternion(torch.tensor([0.1, -0.2, 0.05, 1.0]))
    k = torch.tensor([[1.2, 0.0, 0.15], [0.0, 1.1, -0.1], [0.0, 0.0, 1.0]])  # in half images, from the middle
    x = (2 * torch.arange(32) + 1) / 32 - 1
    plane = torch.stack(torch.meshgrid(x, x, indexing="xy") + (torch.ones(32, 32),), dim=-1)
    rays = torch.cat([plane @ torch.linalg.inv(k).T @ rotation.T, torch.full((32, 32, 3), 2.0)], dim=-1)
    torch.manual_seed(0)
    poses, found = cameras_from_rays(rays[None], torch.ones(1, 32, 32), (64, 64), exact=True)
    torch.testing.assert_close(poses[0, :, :3], rotation.T, atol=1e-4, rtol=0)
    expected = torch.tensor([[1.2 * 32, 0, 1.15 * 32], [0, 1.1 * 32, 0.9 * 32], [0, 0, 1]])
    torch.testing.assert_close(found[0], expected, atol=1e-2, rtol=0)


def test_the_direct_linear_transform_agrees(goldens: Path) -> None:
    case = {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_raypose.npz").items()}
    found = direct_linear_transform(case["dlt_src"], case["dlt_dst"], case["dlt_w"])
    torch.testing.assert_close(found, case["dlt_H"], atol=1e-4, rtol=1e-4)


def test_metres_agree(goldens: Path) -> None:
    case = {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_align.npz").items() if "al_" in key}
    metric = metres_from_canonical(case["al_metric"], case["al_K"])
    torch.testing.assert_close(metric, case["al_metric_scaled"], rtol=1e-5, atol=1e-6)
    found = align(case["al_depth"][0], case["al_conf"][0], metric[0], case["al_sky"][0])
    assert found.scale == pytest.approx(float(case["al_scale"]), rel=1e-5)
