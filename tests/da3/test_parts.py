"""The parts of the network alone, against the original's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from da3_stream.da3 import Network
from da3_stream.da3.backbone.embedding import Rotary, local_rotary, position_table, uv_embedding
from da3_stream.da3.backbone.reference_view import choose_reference
from da3_stream.da3.heads.camera import (
    decode_cameras,
    encode_cameras,
    inverse_of_rigid,
    matrix_from_quaternion,
    normalise_poses,
    quaternion_from_matrix,
)
from da3_stream.da3.heads.metric import SKY_THRESHOLD, align_to_metric, metres_from_canonical, quantile
from da3_stream.errors import ModelError
from tests.da3.stages import reference_first


@pytest.fixture(scope="module")
def geometry(goldens: Path) -> dict[str, torch.Tensor]:
    return {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_geometry.npz").items()}


@pytest.mark.slow
def test_the_table_of_positions_agrees(geometry: dict, network: Callable[[str], Network]) -> None:
    table = network("tiny").branches[""].backbone.pretrained.pos_embed
    for key, expected in geometry.items():
        if key.startswith("posembed_"):
            size, _, stride = key.removeprefix("posembed_").partition("_stride")
            rows, columns = (int(side) for side in size.split("x"))
            found = position_table(table, (rows, columns))[:: int(stride or 1)]
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5, msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["local", "global"])
def test_rotary_angles_agree(kind: str, geometry: dict) -> None:
    x = geometry["rope_in"]
    for one, place, expected in zip(x, geometry[f"rope_{kind}_pos"], geometry[f"rope_{kind}_out"], strict=True):
        found = Rotary(place[:, 0], place[:, 1], x.shape[-1])(one)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_rotary_angles_of_released_heads_agree(geometry: dict) -> None:
    x = torch.from_numpy(np.random.RandomState(int(geometry["rope64_in_seed"])).randn(1, 2, 973, 64)).float()
    found = local_rotary((27, 36), 64, torch.device("cpu"))(x)[:, :, ::37]
    torch.testing.assert_close(found, geometry["rope64_out_stride37"], atol=1e-5, rtol=1e-5)


def test_places_on_the_plane_of_the_heads_agree(geometry: dict) -> None:
    """Four channels of the embedding are sine and cosine of the place itself."""
    for key, expected in geometry.items():
        if key.startswith("uv_grid_"):
            found = uv_embedding(4, (expected.shape[0], expected.shape[1]), 98 / 70, torch.device("cpu"))
            place = torch.stack([torch.atan2(found[0], found[1]), torch.atan2(found[2], found[3])], dim=-1)
            torch.testing.assert_close(place, expected, atol=1e-6, rtol=1e-5, msg=key)


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
    world_from_camera = inverse_of_rigid(poses[..., :3], poses[..., 3])
    torch.testing.assert_close(world_from_camera, geometry["dec_c2w"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(k, geometry["dec_K_70x98"], atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("case", ["n1", "n2", "n3", "n6", "small"])
def test_normalised_poses_agree(case: str, geometry: dict) -> None:
    found = normalise_poses(geometry[f"normext_in_{case}"], smallest=0.1)
    torch.testing.assert_close(found, geometry[f"normext_out_{case}"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-4, 0.01, 100.0])
@pytest.mark.parametrize("case", ["n1", "n2", "n3", "n6", "small"])
def test_normalised_poses_do_not_depend_on_the_unit(case: str, unit: float, geometry: dict) -> None:
    given = geometry[f"normext_in_{case}"]
    other = given.clone()
    other[:, :3, 3] *= unit
    torch.testing.assert_close(normalise_poses(other), normalise_poses(given), atol=1e-5, rtol=1e-4)
    assert float(normalise_poses(given)[:, :3, 3].norm(dim=-1).max()) >= 0.999 or case == "n1"


@pytest.mark.parametrize("name", ["tiny_pose_n2", "tiny_pose_n3", "da3-small_pose_n3"])
def test_poses_are_normalised_as_the_network_was_given_them(name: str, goldens: Path) -> None:
    case = np.load(goldens / f"{name}.npz")
    found = normalise_poses(torch.from_numpy(case["raw_extrinsics"]), smallest=0.1)
    np.testing.assert_allclose(found, case["in_extrinsics"], atol=1e-6)


@pytest.mark.parametrize("strategy", ["first", "middle", "saddle_balanced"])
def test_the_reference_frame_agrees(strategy: str, goldens: Path) -> None:
    case = np.load(goldens / "unit_refview.npz")
    found = [choose_reference(torch.from_numpy(clip[:, 0]), strategy) for clip in case["x"]]
    np.testing.assert_array_equal(found, case[f"b_idx_{strategy}"])


def test_the_reference_frame_is_clear_where_the_original_is_clear(goldens: Path) -> None:
    """The original's margins: how far the best frame is ahead, and how alike frames are."""
    case = np.load(goldens / "unit_refview.npz")
    for clip, margins in zip(case["x"], case["margins"], strict=True):
        assert margins[1] > 0.01
        assert choose_reference(torch.from_numpy(clip[:, 0]), "saddle_balanced") == margins[0]
        unit = clip[:, 0] / np.linalg.norm(clip[:, 0], axis=-1, keepdims=True)
        likeness = (unit @ unit.T)[~np.eye(len(unit), dtype=bool)]
        np.testing.assert_allclose([likeness.min(), likeness.max()], margins[4:], atol=1e-6)


def test_of_the_two_most_alike_frames_the_first_is_the_reference(goldens: Path) -> None:
    """The range of likeness ties them exactly, so that the original's choice is chance."""
    case = np.load(goldens / "unit_refview.npz")
    for clip, likeness, theirs in zip(case["x"], case["sim"], case["b_idx_saddle_sim_range"], strict=True):
        likeness = likeness - np.eye(len(likeness))
        tied = np.argwhere(likeness >= likeness.max() - 1e-6)[0]
        assert choose_reference(torch.from_numpy(clip[:, 0]), "saddle_sim_range") == tied.min()
        assert theirs in tied


def test_one_frame_is_its_own_reference(goldens: Path) -> None:
    case = np.load(goldens / "unit_refview.npz")
    found = [choose_reference(torch.from_numpy(clip[:1, 0]), "saddle_balanced") for clip in case["x"]]
    np.testing.assert_array_equal(found, case["b_idx_S1"])


def test_stages_are_compared_in_the_originals_order_of_frames(goldens: Path) -> None:
    case = np.load(goldens / "unit_refview.npz")
    for clip, reference, expected in zip(case["x"], case["reorder_b"], case["reordered"], strict=True):
        np.testing.assert_array_equal(reference_first(torch.from_numpy(clip), int(reference)), expected)


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'best'; known are saddle_balanced"):
        choose_reference(torch.ones(3, 4), "best")


def test_metres_agree(goldens: Path) -> None:
    case = {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_align.npz").items() if "al_" in key}
    metric = metres_from_canonical(case["al_metric"], case["al_K"])
    torch.testing.assert_close(metric, case["al_metric_scaled"], rtol=1e-5, atol=1e-6)
    found = align_to_metric(case["al_depth"][0], case["al_conf"][0], metric[0], case["al_sky"][0])
    assert found.scale == pytest.approx(float(case["al_scale"]), rel=1e-5)
    sure = quantile(case["al_conf"][case["al_sky"] < SKY_THRESHOLD], 0.5)
    torch.testing.assert_close(sure, case["al_median_conf"], rtol=1e-6, atol=0)


def test_the_scale_is_fitted_to_the_pixels_that_the_original_takes(goldens: Path) -> None:
    """Metres that change anywhere else do not change it."""
    case = {key: torch.as_tensor(value) for key, value in np.load(goldens / "unit_align.npz").items() if "al_" in key}
    depth, confidence, metric, sky = (case[f"al_{key}"][0] for key in ("depth", "conf", "metric_scaled", "sky"))
    scale = align_to_metric(depth, confidence, metric, sky).scale
    matters = torch.zeros_like(case["al_mask"][0])
    for pixel in np.ndindex(*metric.shape):
        changed = metric.clone()
        changed[pixel] *= 1.5
        matters[pixel] = align_to_metric(depth, confidence, changed, sky).scale != scale
    torch.testing.assert_close(matters, case["al_mask"][0])
