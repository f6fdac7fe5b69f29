"""Checkpoints in folders, and what a user gets of pictures."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from da3_stream.da3 import Network
from da3_stream.da3.backbone.embedding import MEAN, STD, normalise_images
from da3_stream.da3.checkpoint import read_checkpoint
from da3_stream.da3.heads.camera import normalise_poses
from da3_stream.da3.model import DepthAnything3
from da3_stream.da3.pose_alignment import predicted_from_given
from da3_stream.da3.preprocess import prepare
from da3_stream.errors import ModelError
from da3_stream.geometry import Sim3
from tests.da3.conftest import as_input


@pytest.fixture(scope="module")
def tiny(goldens: Path) -> DepthAnything3:
    return DepthAnything3.from_pretrained(goldens / "tiny_checkpoint", device="cpu")


@pytest.fixture
def folder(goldens: Path, tmp_path: Path) -> Path:
    """A checkpoint that may be spoilt."""
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(goldens / "tiny_checkpoint" / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["api_n1", "api_n3"])
def test_pictures_give_what_the_original_gives(name: str, goldens: Path, tiny: DepthAnything3) -> None:
    case = np.load(goldens / f"{name}.npz")
    found = tiny.infer(list(case["in_images_u8"]), resolution=112)
    np.testing.assert_allclose(found.depth, case["out_depth"], rtol=1e-4)
    np.testing.assert_allclose(found.confidence, case["out_conf"], rtol=1e-4)
    np.testing.assert_allclose(found.camera_from_world, case["out_extrinsics"], atol=5e-5)
    np.testing.assert_allclose(found.intrinsics, case["out_intrinsics"], rtol=5e-5)
    np.testing.assert_array_equal(truncated(found.images), case["out_processed_images"])
    assert found.is_metric == bool(case["out_is_metric"]) and found.sky is None


def truncated(images: np.ndarray) -> np.ndarray:
    """The pixels that the original shows: what the network got, scaled back and cut off to whole numbers."""
    values = normalise_images(torch.from_numpy(images)).movedim(1, -1).numpy()
    return ((values * np.array(STD) + np.array(MEAN)).clip(0, 1) * 255).astype(np.uint8)


def test_given_cameras_come_back_and_depth_is_in_their_units(goldens: Path, tiny: DepthAnything3) -> None:
    case = np.load(goldens / "api_pose_n3.npz")
    given = {"intrinsics": case["in_intrinsics"], "camera_from_world": case["in_extrinsics"]}
    found = tiny.infer(list(case["in_images_u8"]), resolution=112, **given)
    np.testing.assert_allclose(found.depth, case["out_depth"], rtol=2e-4)
    np.testing.assert_allclose(found.camera_from_world, case["out_extrinsics"], atol=5e-5)
    np.testing.assert_allclose(found.intrinsics, case["out_intrinsics"], rtol=5e-5)
    np.testing.assert_allclose(found.intrinsics_input, case["in_intrinsics"], rtol=1e-6)
    np.testing.assert_allclose(found.confidence, case["out_conf"], rtol=1e-4)
    np.testing.assert_array_equal(truncated(found.images), case["out_processed_images"])
    assert found.is_metric == bool(case["out_is_metric"])


def test_given_cameras_in_the_predicted_world_agree(goldens: Path, network: Callable[[str], Network]) -> None:
    """The original can give them back so, and leave the depth as it is; here the parts that do it are put together."""
    case = np.load(goldens / "api_pose_n3_noalign.npz")
    prepared = prepare(list(case["in_images_u8"]), 112)
    pixels = np.stack([one.image for one in prepared])
    k = np.stack([one.intrinsics(given) for one, given in zip(prepared, case["in_intrinsics"], strict=True)])
    poses = normalise_poses(torch.from_numpy(case["in_extrinsics"]))[None].float()
    out = network("tiny").forward(as_input(pixels), poses, torch.from_numpy(k)[None].float())
    assert out.camera_from_world is not None and out.confidence is not None
    predicted = predicted_from_given(out.camera_from_world[0].double().numpy(), case["in_extrinsics"])
    np.testing.assert_allclose(moved(predicted, case["in_extrinsics"]), case["out_extrinsics"], atol=5e-5)
    np.testing.assert_allclose(out.depth[0], case["out_depth"], rtol=1e-4)
    np.testing.assert_allclose(out.confidence[0], case["out_conf"], rtol=1e-4)
    np.testing.assert_allclose(k, case["out_intrinsics"], rtol=1e-6)
    np.testing.assert_array_equal(truncated(pixels), case["out_processed_images"])


def moved(predicted_from_given: Sim3, camera_from_given: np.ndarray) -> np.ndarray:
    """Poses [N,4,4] in another world; the scale moves centres only."""
    poses = [predicted_from_given @ Sim3.from_matrix(np.linalg.inv(pose)) for pose in camera_from_given]
    return np.linalg.inv(np.stack([pose.rigid() for pose in poses]))


@pytest.mark.slow
def test_cameras_from_rays_are_the_same_again_and_leave_the_callers_chance_alone(
    goldens: Path, tiny: DepthAnything3
) -> None:
    pictures = list(np.load(goldens / "api_n3.npz")["in_images_u8"])
    before = torch.get_rng_state()
    first, second = (tiny.infer(pictures, resolution=112, use_ray_pose=True) for _ in range(2))
    np.testing.assert_array_equal(first.camera_from_world, second.camera_from_world)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("unit", [0.001, 1.0, 100.0])
def test_depth_comes_in_the_unit_of_the_given_cameras(unit: float, goldens: Path, tiny: DepthAnything3) -> None:
    case = np.load(goldens / "api_pose_n3.npz")
    poses = case["in_extrinsics"].copy()
    poses[:, :3, 3] *= unit
    given = {"intrinsics": case["in_intrinsics"], "camera_from_world": poses}
    found = tiny.infer(list(case["in_images_u8"]), resolution=112, **given)
    np.testing.assert_allclose(found.depth / unit, case["out_depth"], rtol=2e-3)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_given_cameras_are_enough(count: int, goldens: Path, tiny: DepthAnything3) -> None:
    case = np.load(goldens / "api_pose_n3.npz")
    given = {"intrinsics": case["in_intrinsics"][:count], "camera_from_world": case["in_extrinsics"][:count]}
    found = tiny.infer(list(case["in_images_u8"][:count]), resolution=112, **given)
    assert np.isfinite(found.depth).all() and (found.depth > 0).all()


def test_given_intrinsics_alone_replace_those_found(goldens: Path, tiny: DepthAnything3) -> None:
    case = np.load(goldens / "api_pose_n3.npz")
    pictures, k = list(case["in_images_u8"]), case["in_intrinsics"]
    free, held = tiny.infer(pictures, resolution=112), tiny.infer(pictures, resolution=112, intrinsics=k)
    np.testing.assert_array_equal(held.depth, free.depth)
    np.testing.assert_allclose(held.intrinsics_input, k, rtol=1e-6)


@pytest.mark.parametrize("count", [5, 12, 3])
def test_given_cameras_are_found_in_the_predicted_world(count: int, goldens: Path) -> None:
    case = np.load(goldens / "unit_align.npz")
    found = predicted_from_given(case[f"n{count}_ref_w2c"], case[f"n{count}_est_w2c"])
    assert found.scale == pytest.approx(float(case[f"n{count}_s"]), rel=1e-6)
    np.testing.assert_allclose(found.rotation, case[f"n{count}_r"], atol=1e-6)
    np.testing.assert_allclose(found.translation, case[f"n{count}_t"], atol=1e-6)
    np.testing.assert_allclose(moved(found, case[f"n{count}_est_w2c"]), case[f"n{count}_aligned_w2c"], atol=1e-6)


def test_paths_tensors_and_arrays_are_the_same_pictures(
    recipe: ModuleType, tiny: DepthAnything3, tmp_path: Path
) -> None:
    import cv2

    array = recipe.images(1, 90, 120, 7)[0]
    cv2.imwrite(str(tmp_path / "a.png"), array[..., ::-1])
    kinds = (array, torch.from_numpy(array), tmp_path / "a.png", str(tmp_path / "a.png"))
    depths = [tiny.infer([kind], resolution=112).depth for kind in kinds]
    for depth in depths[1:]:
        np.testing.assert_array_equal(depth, depths[0])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"camera_from_world": np.eye(4)[None]}, "poses need intrinsics"),
        ({"intrinsics": np.eye(3)}, r"intrinsics must be \[1, 3, 3\], not \[3, 3\]"),
        ({"intrinsics": np.full((1, 3, 3), np.nan)}, "intrinsics must be finite"),
        ({"intrinsics": np.zeros((1, 3, 3))}, "focal lengths above 0"),
        ({"intrinsics": np.eye(3)[None], "camera_from_world": 2 * np.eye(4)[None]}, "must be rotations"),
        ({"indices": [1, 2]}, "2 indices do not fit 1 images"),
        ({"ref_view": "best"}, None),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], sentence: str | None, tiny: DepthAnything3) -> None:
    pictures = [np.zeros((28, 28, 3), np.uint8)] * (1 if sentence else 3)
    with pytest.raises(ModelError, match=sentence or "'best'"):
        tiny.infer(pictures, resolution=28, **given)


def test_a_missing_picture_is_named(tiny: DepthAnything3) -> None:
    with pytest.raises(ModelError, match="nowhere.png is no image"):
        tiny.infer(["nowhere.png"])


@pytest.mark.parametrize("name", ["cuda:77", "mps", "toaster"])
def test_a_device_that_is_not_there_is_refused_in_a_sentence(name: str, goldens: Path) -> None:
    with pytest.raises(ModelError, match=rf"the device {name} cannot be used: .* \(the one to use here: ") as found:
        DepthAnything3.from_pretrained(goldens / "tiny_checkpoint", device=name)
    assert len(str(found.value)) < 400


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no Depth Anything 3 model 'da4': choose one of da3-small"):
        DepthAnything3.from_pretrained("da4")


def test_folders_that_are_no_checkpoint_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(ModelError, match="no whole safetensors file"):
        read_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="it has no model.safetensors"):
        read_checkpoint(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="config.json cannot be read"):
        read_checkpoint(folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="does not say which model it is"):
        read_checkpoint(folder)
    with pytest.raises(ModelError, match="it has no config.json"):
        read_checkpoint(tmp_path / "nowhere")


def write_empty(folder: Path, manifests: Path, name: str, left_out: str = "") -> None:
    """A file with the tensors of a released model, of zeros that take no room on the disk."""
    header, end = {}, 0
    for key, entry in json.loads((manifests / f"{name}.json").read_text())["tensors"].items():
        if "alias_of" not in entry and key != left_out:
            start, end = end, end + 4 * math.prod(entry["shape"])
            header[key] = {"dtype": "F32", "shape": entry["shape"], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("da3-base", "da3-giant"),
        ("da3-large", "da3-small"),
        ("da3-large-1.1", "da3-giant"),
        ("da3metric-large", "da3-large"),
        ("da3-large", "da3metric-large"),
        ("da3nested-giant-large", "da3-giant"),
        ("da3-giant-1.1", "da3nested-giant-large"),
    ],
)
def test_a_config_and_weights_that_do_not_fit_are_named(said: str, held: str, manifests: Path, tmp_path: Path) -> None:
    write_empty(tmp_path, manifests, held)
    (tmp_path / "config.json").write_text(json.dumps({"model_name": said}))
    with pytest.raises(ModelError, match=f"config.json says {said}, but the tensors are those of {held} "):
        read_checkpoint(tmp_path)


def test_where_the_config_fits_only_the_tensor_is_named(manifests: Path, tmp_path: Path) -> None:
    write_empty(tmp_path, manifests, "da3mono-large", left_out="model.backbone.pretrained.norm.weight")
    (tmp_path / "config.json").write_text(json.dumps({"model_name": "da3mono-large", "config": {"any": "thing"}}))
    with pytest.raises(ModelError, match="the checkpoint lacks backbone.pretrained.norm.weight$"):
        read_checkpoint(tmp_path)


def test_a_pointer_of_git_lfs_is_recognised(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ModelError, match="is only a pointer to it: 'git lfs pull' fetches the file"):
        read_checkpoint(folder)


@pytest.mark.slow
def test_a_config_of_another_model_is_recognised(manifests: Path, tmp_path: Path) -> None:
    entries = json.loads((manifests / "da3-small.json").read_text())["tensors"]
    tensors = {key: torch.zeros(entry["shape"]) for key, entry in entries.items() if "alias_of" not in entry}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_name": "da3-base"}))
    with pytest.raises(ModelError, match="config.json says da3-base, but the tensors are those of da3-small"):
        read_checkpoint(tmp_path)
    for name in ("da3-small", "da3-small-1.1"):
        (tmp_path / "config.json").write_text(json.dumps({"model_name": name}))
        assert read_checkpoint(tmp_path).name == name


def test_every_tensor_of_the_file_reaches_the_network(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    stored = load_file(folder / "model.safetensors")
    caplog.set_level("INFO")
    loaded = read_checkpoint(folder, dtype=torch.bfloat16).network.branches[""].state_dict()
    coarser = len(stored) - len(loaded)
    assert caplog.messages == [f"left out of tiny: {coarser} tensors of the coarser ray outputs (_aux)"]
    key = "backbone.pretrained.blocks.3.attn.qkv.weight"
    assert torch.equal(loaded[key], stored[f"model.{key}"].to(torch.bfloat16))
    norm = "head.scratch.output_conv2_aux.{}.2.weight"
    assert torch.equal(loaded[norm.format(3)], stored["model." + norm.format(0)])


def test_features_of_layers_come_in_the_order_of_the_pictures(goldens: Path, tiny: DepthAnything3) -> None:
    pictures = list(np.load(goldens / "api_n3.npz")["in_images_u8"])
    found = tiny.infer(pictures, resolution=112, layers=[2, 7])
    turned = tiny.infer(pictures[::-1], resolution=112, layers=[2, 7])
    images = as_input(found.images)
    raw = tiny._network.forward(images, export_layers=[2, 7]).exported
    rows = [1, 0, 2]  # the original's: the reference, which is the one in the middle, comes first
    for layer, features in found.features.items():
        np.testing.assert_allclose(turned.features[layer][::-1], features, atol=1e-4)
        np.testing.assert_allclose(features, raw[layer][0].numpy()[rows], atol=1e-4)
        assert not np.allclose(features[0], features[1], atol=0.05)
    with pytest.raises(ModelError, match="there is no layer 99"):
        tiny.infer(pictures, layers=[99])
    assert tiny.infer(pictures[:1], resolution=112).features == {}
