"""Cameras from maps of rays, against the original's and against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from da3_stream.da3.heads import rays
from da3_stream.da3.heads.camera import inverse_of_rigid, matrix_from_quaternion
from da3_stream.da3.heads.rays import RayFit, cameras_from_rays, direct_linear_transform, sample_index
from da3_stream.errors import ModelError

Case = dict[str, torch.Tensor]
HALF = torch.tensor([98 / 2, 70 / 2])  # of the images' width and height


@pytest.fixture(scope="module")
def case(goldens: Path) -> Case:
    return {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_raypose.npz").items()}


def test_poses_and_intrinsics_agree(case: Case) -> None:
    poses, k = cameras_from_rays(case["ray"][0], case["ray_conf"][0], (70, 98), RayFit(case["ransac_idx"]))
    torch.testing.assert_close(poses[None], case["w2c_3x4"], atol=1e-4, rtol=0)
    torch.testing.assert_close(k[None], case["K_70x98"], atol=1e-3, rtol=0)
    world_from_camera = inverse_of_rigid(poses[..., :3], poses[..., 3])
    torch.testing.assert_close(world_from_camera[None], case["c2w_4x4"][..., :3, :], atol=1e-4, rtol=0)
    torch.testing.assert_close(world_from_camera[None, ..., :3], case["R"], atol=1e-4, rtol=0)
    torch.testing.assert_close(world_from_camera[None, ..., 3], case["T"], atol=1e-4, rtol=0)
    torch.testing.assert_close(k[None].diagonal(dim1=-2, dim2=-1)[..., :2] / HALF, case["focal"], atol=2e-5, rtol=0)
    torch.testing.assert_close(k[None, ..., :2, 2] / HALF, case["pp"], atol=2e-5, rtol=0)


def test_the_exact_decomposition_is_nearer_the_truth(case: Case) -> None:
    """One in a hundred of noise, and 15 % of outliers; the further off the middle, the worse is QL."""
    errors = {}
    for exact in (False, True):
        poses, _ = cameras_from_rays(
            case["ray"][0], case["ray_conf"][0], (70, 98), RayFit(case["ransac_idx"], exact=exact)
        )
        errors[exact] = (poses[..., :3].mT - case["gt_R"]).abs().amax(dim=(1, 2))
    assert (errors[True] < 0.015).all()
    assert (errors[False][1:] > 5 * errors[True][1:]).all()


def test_centres_and_focal_lengths_are_near_the_truth(case: Case) -> None:
    poses, k = cameras_from_rays(case["ray"][0], case["ray_conf"][0], (70, 98), RayFit(case["ransac_idx"], exact=True))
    centres = inverse_of_rigid(poses[..., :3], poses[..., 3])[..., 3]
    torch.testing.assert_close(centres.double(), case["gt_T"], atol=0.05, rtol=0)
    truth = case["gt_f_c"]
    torch.testing.assert_close((k.diagonal(dim1=-2, dim2=-1)[:, :2] / HALF).double(), truth[:, :2], atol=0.02, rtol=0)
    torch.testing.assert_close((k[:, :2, 2] / HALF - 1).double(), truth[:, 2:], atol=0.02, rtol=0)


def test_the_parts_of_the_fit_agree(case: Case) -> None:
    rotation, triangle = rays._ql(case["ql_A"])
    torch.testing.assert_close(rotation, case["ql_Q"], atol=1e-5, rtol=0)
    torch.testing.assert_close(triangle, case["ql_L"], atol=1e-5, rtol=0)
    plane = rays._pixel_plane(3, 4, torch.device("cpu")).reshape(3, 4, 2)
    expected = case["identity_plane_3x4grid"][0, 0]
    torch.testing.assert_close(torch.cat([plane, torch.ones(3, 4, 1)], dim=-1), expected, atol=1e-6, rtol=0)


def test_as_many_rays_are_candidates_as_in_the_original(case: Case) -> None:
    count = int(case["n_sample"])
    asked = case["ransac_idx"].clone()
    assert int(asked.max()) < count
    asked[0, 0] = count
    with pytest.raises(ModelError, match=f"candidate {count}, there are {count}"):
        cameras_from_rays(case["ray"][0], case["ray_conf"][0], (70, 98), RayFit(asked))


@pytest.mark.parametrize("name", ["tiny_raypose_n1", "tiny_raypose_n3"])
def test_samples_follow_the_seed_as_in_the_original(name: str, goldens: Path) -> None:
    stored = np.load(goldens / f"{name}.npz")
    torch.manual_seed(1234)
    index = sample_index(stored["head_ray_conf"][0, 0].size)
    np.testing.assert_array_equal(index, stored["ransac_idx"])
    assert int(index.max()) < int(stored["ransac_n_sample"])


def test_the_exact_decomposition_finds_a_principal_point_off_the_middle() -> None:
    rotation = matrix_from_quaternion(torch.tensor([0.1, -0.2, 0.05, 1.0]))
    k = torch.tensor([[1.2, 0.0, 0.15], [0.0, 1.1, -0.1], [0.0, 0.0, 1.0]])  # in half images, from the middle
    x = (2 * torch.arange(32) + 1) / 32 - 1
    plane = torch.stack(torch.meshgrid(x, x, indexing="xy") + (torch.ones(32, 32),), dim=-1)
    made = torch.cat([plane @ torch.linalg.inv(k).T @ rotation.T, torch.full((32, 32, 3), 2.0)], dim=-1)
    torch.manual_seed(0)
    poses, found = cameras_from_rays(made[None], torch.ones(1, 32, 32), (64, 64), RayFit(exact=True))
    torch.testing.assert_close(poses[0, :, :3], rotation.T, atol=1e-4, rtol=0)
    expected = torch.tensor([[1.2 * 32, 0, 1.15 * 32], [0, 1.1 * 32, 0.9 * 32], [0, 0, 1]])
    torch.testing.assert_close(found[0], expected, atol=1e-2, rtol=0)


def test_the_direct_linear_transform_agrees(case: Case) -> None:
    found = direct_linear_transform(case["dlt_src"], case["dlt_dst"], case["dlt_w"])
    torch.testing.assert_close(found, case["dlt_H"], atol=1e-4, rtol=1e-4)
