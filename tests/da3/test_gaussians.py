"""Gaussians of pictures: in the frame and unit of the depth and the cameras that come with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from da3_stream.da3 import DepthAnything3, Network
from da3_stream.da3.checkpoint import ModelCheckpoint
from da3_stream.da3.gaussians import GaussianOptions, Gaussians, move_in_place
from da3_stream.da3.heads.camera import normalise_poses
from da3_stream.da3.pose_alignment import predicted_from_given
from da3_stream.errors import ModelError
from da3_stream.geometry import Sim3
from tests.da3.conftest import as_input
from tests.da3.gaussian_stages import deviations_of

Models = Callable[[str], DepthAnything3]


@pytest.fixture(scope="module")
def models(network: Callable[[str], Network]) -> Models:
    return lambda name: DepthAnything3(ModelCheckpoint(name, network(name)), torch.device("cpu"))


def pictures(case: Any) -> dict[str, Any]:
    """The images of a case, to be looked at as they are."""
    images = case["in_images_u8"]
    return {"images": list(images), "resolution": max(images.shape[1:3])}


def same(found: Gaussians[np.ndarray], expected: Gaussians[np.ndarray], atol: float = 1e-5) -> None:
    for name in vars(expected):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-4, atol=atol, err_msg=name)


def copied(gaussians: Gaussians[np.ndarray]) -> Gaussians[np.ndarray]:
    return Gaussians(**{name: values.copy() for name, values in vars(gaussians).items()})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tinygs_n1", "tinygs_n3", "tinygs_n5", "tinynestedgs_n2"])
def test_raw_ones_are_the_originals(name: str, goldens: Path, models: Models) -> None:
    case = np.load(goldens / f"{name}.npz")
    view = {"ref_view": "middle"} if name == "tinygs_n5" else {}
    found = models(name.split("_")[0]).infer(**pictures(case), gaussians="raw", **view).gaussians
    assert found is not None and len(found) == case["gs_means"].shape[1]
    index = case["gs_index"]
    known = {f"plain_{part}": case[f"gs_{part}"] for part in ("means", "scales", "opacities", "harmonics")}
    known["plain_rotations"] = case["gs_rotations"][:, index]
    tensors = {part: torch.from_numpy(values) for part, values in vars(found).items()}
    at_index = {part: tensors[part][index] for part in ("rotations", "harmonics")}
    worst = max(one.value / one.limit for one in deviations_of(Gaussians(**tensors | at_index), known, "plain"))
    assert worst < 1


@pytest.mark.slow
def test_metres_are_those_of_the_depth(goldens: Path, models: Models) -> None:
    case = np.load(goldens / "tinynestedgs_n2.npz")
    raw, found = (models("tinynestedgs").infer(**pictures(case), gaussians=kind).gaussians for kind in ("raw", True))
    assert raw is not None and found is not None
    move_in_place(raw, Sim3(float(case["out_scale_factor"]), np.eye(3), np.zeros(3)))
    same(found, raw)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tinygs", "tinynestedgs"])
def test_with_given_cameras_they_are_in_their_world(
    name: str, goldens: Path, models: Models, network: Callable
) -> None:
    """The similarity between predicted and given cameras brings them there."""
    case = np.load(goldens / "tinygs_pose_n3.npz")
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    poses = case["in_extrinsics"].astype(np.float64)
    poses[:, :3, :3] = poses[:, :3, :3] @ (turn * np.sign(np.linalg.det(turn)))  # another world
    poses[:, :3, 3] *= 7  # and another unit
    given = {"camera_from_world": poses, "intrinsics": case["in_intrinsics"]}
    found = models(name).infer(**pictures(case), **given, gaussians=True)
    raw = models(name).infer(**pictures(case), **given, gaussians="raw").gaussians
    relative = normalise_poses(torch.from_numpy(poses)).float()[None]
    out = network(name).forward(as_input(case["in_images_u8"]), relative, torch.from_numpy(case["in_intrinsics"])[None])
    factor = 1.0 if out.scale_factor is None else float(out.scale_factor[0])
    predicted = out.camera_from_world[0].double().numpy()
    predicted[..., 3] /= factor  # the Gaussians know no metres
    unit = np.clip(predicted_from_given(relative[0].double().numpy(), predicted).scale, 1 / 3, 3)
    expected = copied(raw)
    expected.means[:] /= unit
    expected.scales[:] /= unit
    move_in_place(expected, predicted_from_given(predicted, poses).inverse())
    same(found.gaussians, expected, atol=2e-4)
    np.testing.assert_array_equal(found.camera_from_world, poses[:, :3])


@pytest.mark.slow
def test_they_are_seen_where_their_pixels_are(goldens: Path, network: Callable) -> None:
    """With known intrinsics too; the offsets that the head adds are taken away before."""
    moved = Network.from_config(json.loads((goldens / "tiny_configs.json").read_text())["tinygs"])
    moved.load_tensors({key: tensor.clone() for key, tensor in network("tinygs").tensors().items()})
    last = moved.branches[""].gs_head.scratch.output_conv2[2]
    last.weight[:2], last.bias[:2] = 0, 0
    model = DepthAnything3(ModelCheckpoint("tinygs", moved), torch.device("cpu"))
    case = np.load(goldens / "tinygs_n3.npz")
    k = np.tile(np.array([[40.0, 0, 25], [0, 43, 22], [0, 0, 1]]), (3, 1, 1))
    for known in ({}, {"intrinsics": k}):
        found = model.infer(**pictures(case), **known, gaussians=True)
        points = found.gaussians.means.reshape(3, -1, 3).astype(np.float64)
        seen = np.einsum("nij,ngj->ngi", found.camera_from_world[:, :, :3], points)
        seen = np.einsum("nij,ngj->ngi", found.intrinsics, seen + found.camera_from_world[:, None, :, 3])
        rows, columns = np.mgrid[:42, :56] + 0.5
        in_front = seen[..., 2] > 1e-3
        expected = np.stack([columns.ravel(), rows.ravel()], axis=-1)
        error = np.abs(seen[..., :2] / seen[..., 2:] - expected).max(axis=-1)[in_front]
        assert in_front.mean() > 0.9 and error.max() < 0.02


def test_who_asks_for_none_gets_the_same_bits(goldens: Path, models: Models) -> None:
    case = np.load(goldens / "tinynestedgs_n2.npz")
    without, beside = (models("tinynestedgs").infer(**pictures(case), gaussians=asked) for asked in (False, True))
    assert without.gaussians is None and beside.gaussians is not None
    for name in ("depth", "confidence", "camera_from_world", "intrinsics", "sky"):
        np.testing.assert_array_equal(getattr(without, name), getattr(beside, name))


def test_options_are_heard(goldens: Path, models: Models) -> None:
    case = np.load(goldens / "tinygs_n1.npz")
    asked = GaussianOptions(half_harmonics=True, exact_rotations=True)
    found, plain = (models("tinygs").infer(**pictures(case), gaussians=options).gaussians for options in (asked, True))
    assert found is not None and plain is not None
    assert found.harmonics.dtype == np.float16 and np.abs(found.rotations - plain.rotations).max() > 0.1


@pytest.mark.slow
def test_what_cannot_be_asked_is_said(goldens: Path, models: Models, network: Callable) -> None:
    images = {"images": [np.zeros((28, 28, 3), np.uint8)], "resolution": 28}
    sentence = "this model has no Gaussian head: those of da3-giant and da3nested-giant-large have one"
    for name in ("tiny", "tinynested", "tinymono"):
        with pytest.raises(ModelError, match=sentence):
            models(name).infer(**images, gaussians=True)
    with pytest.raises(ModelError, match=sentence):
        network("tiny").forward(torch.zeros(1, 1, 3, 28, 28), gaussians=True)
    with pytest.raises(ModelError, match="gaussians may be True, False, 'raw' or GaussianOptions, not 'cooked'"):
        models("tinygs").infer(**images, gaussians="cooked")


def test_a_folder_with_the_head_is_a_checkpoint(goldens: Path, network: Callable, tmp_path: Path) -> None:
    config = json.loads((goldens / "tiny_configs.json").read_text())["tinygs"]
    save_file(
        {f"model.{key}": x.clone() for key, x in network("tinygs").tensors().items()}, tmp_path / "model.safetensors"
    )
    (tmp_path / "config.json").write_text(json.dumps({"model_name": "tinygs", "config": config}))
    case = np.load(goldens / "tinygs_n1.npz")
    found = DepthAnything3.from_pretrained(tmp_path, "cpu").infer(**pictures(case), gaussians=True).gaussians
    assert found is not None
    np.testing.assert_allclose(found.means, case["gs_means"][0], atol=1e-4)
