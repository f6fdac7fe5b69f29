"""transforms.json field by field, as nerfstudio's documentation and its dataparser (1.1.5) have it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trimesh

from da3_stream.errors import StoreError
from da3_stream.export.exporting import export_run
from da3_stream.export.images.mask_files import MaskFolder
from da3_stream.export.nerfstudio import _add_missing_masks
from da3_stream.reconstruction import Reconstruction
from tests.worlds.town_run import FRAMES, SEEN, SIZE, scene_point, with_distortion


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(run, "nerfstudio", tmp_path_factory.mktemp("nerfstudio") / "data").path


def transforms(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "transforms.json").read_text())


def pixel_of(meta: dict[str, Any], frame: dict[str, Any], point: np.ndarray) -> np.ndarray:
    """Where a point of the saved world falls, by nerfstudio's conventions: OpenGL axes, OpenCV distortion."""
    x, y, z = (np.linalg.inv(frame["transform_matrix"]) @ [*point, 1.0])[:3] * [1, -1, -1]
    radius = (x / z) ** 2 + (y / z) ** 2
    bend = 1 + meta["k1"] * radius + meta["k2"] * radius**2
    return np.array([meta["fl_x"] * x / z * bend + meta["cx"], meta["fl_y"] * y / z * bend + meta["cy"]])


@pytest.mark.slow
def test_every_field_is_as_documented(exported: Path) -> None:
    meta = transforms(exported)
    assert meta["camera_model"] == "OPENCV" and (meta["w"], meta["h"]) == SIZE
    assert all(isinstance(meta[key], float) for key in ("fl_x", "fl_y", "cx", "cy", "k1", "k2", "p1", "p2"))
    assert np.shape(meta["applied_transform"]) == (3, 4) and len(meta["frames"]) == FRAMES
    for frame in meta["frames"]:
        pose = np.array(frame["transform_matrix"])
        assert pose.shape == (4, 4) and pose[3].tolist() == [0, 0, 0, 1]
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
        assert cv2.imread(str(exported / frame["file_path"])).shape == (SIZE[1], SIZE[0], 3)
        depth = np.load(exported / frame["depth_file_path"])
        assert depth.dtype == np.float32 and depth.shape == SEEN[::-1]
    assert (exported / meta["ply_file_path"]).is_file()


@pytest.mark.slow
def test_z_points_up_and_the_turn_is_told(exported: Path, run: Path) -> None:
    meta, rec = transforms(exported), Reconstruction(run)
    applied = np.vstack([meta["applied_transform"], [0, 0, 0, 1]])
    for frame, pose in zip(meta["frames"], rec.world_from_camera, strict=True):
        expected = applied @ pose @ np.diag([1.0, -1.0, -1.0, 1.0])
        np.testing.assert_allclose(frame["transform_matrix"], expected, atol=1e-9)
    up = np.array([np.array(frame["transform_matrix"])[:3, 1] for frame in meta["frames"]]).mean(axis=0)
    assert up[2] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("k1", [0.0, 0.05])
def test_a_scene_point_falls_on_its_pixel(run: Path, tmp_path: Path, k1: float) -> None:
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), k1)
    meta = transforms(export_run(bent, "nerfstudio", tmp_path / "data").path)
    point, expected = scene_point(Reconstruction(run), 5, 9, k1)
    turned = np.array(meta["applied_transform"]) @ [*point, 1.0]
    assert (meta["camera_model"], meta["k1"]) == ("OPENCV", k1)
    assert np.linalg.norm(pixel_of(meta, meta["frames"][9], turned) - expected) < 0.05


@pytest.mark.slow
def test_depth_is_in_thousandths_and_shows_what_the_image_shows(run: Path, tmp_path: Path) -> None:
    rec = Reconstruction(run)
    straight = export_run(run, "nerfstudio", tmp_path / "straight").path
    depth = np.load(straight / "depth" / "003.npy")
    assert transforms(straight)["depth_unit_scale_factor"] == pytest.approx(0.001)
    np.testing.assert_allclose(depth / 1000, rec.depth(3), rtol=1e-6)
    bent = export_run(
        with_distortion(shutil.copytree(run, tmp_path / "run"), 0.2), "nerfstudio", tmp_path / "bent"
    ).path
    shown = np.load(bent / "depth" / "003.npy")
    meta = transforms(bent)
    frame = meta["frames"][3]
    scale = np.array(SIZE) / SEEN
    hits = 0
    for row, column in np.argwhere(depth > 0)[::50]:
        k = rec.depth_intrinsics(3)
        point = np.array([(column + 0.5 - k[0, 2]) / k[0, 0], (row + 0.5 - k[1, 2]) / k[1, 1], 1.0])
        world = np.array(frame["transform_matrix"]) @ [*(point * depth[row, column] / 1000 * [1, -1, -1]), 1.0]
        x, y = np.floor(pixel_of(meta, frame, world[:3]) / scale).astype(int)
        if 0 <= x < SEEN[0] and 0 <= y < SEEN[1]:
            hits += abs(shown[y, x] / depth[row, column] - 1) < 0.1
        else:
            hits += 1
    assert hits > 0.9 * len(np.argwhere(depth > 0)[::50])


@pytest.mark.slow
def test_points_lie_in_the_same_world(exported: Path, run: Path) -> None:
    cloud = trimesh.load(exported / "points.ply")
    meta, rec = transforms(exported), Reconstruction(run)
    assert len(cloud.vertices) > 1000 and cloud.colors.shape[0] == len(cloud.vertices)
    turn = np.array(meta["applied_transform"])[:3, :3]
    pages = np.concatenate([page.xyz for page in rec.pages()])
    low, high = pages.min(axis=0), pages.max(axis=0)
    back = np.asarray(cloud.vertices) @ turn
    np.testing.assert_allclose([back.min(axis=0), back.max(axis=0)], [low, high], atol=1e-3)


@pytest.mark.slow
def test_points_are_bounded_and_depth_can_be_left_out(run: Path, tmp_path: Path) -> None:
    folder, summary = export_run(run, "nerfstudio", tmp_path / "data", {"max_points": 500, "depth": False})
    assert 400 <= len(trimesh.load(folder / "points.ply").vertices) <= 500 and "14 images" in summary
    assert not (folder / "depth").exists() and "depth_file_path" not in transforms(folder)["frames"][0]


@pytest.mark.slow
def test_a_page_that_is_missing_is_one_sentence(run: Path, tmp_path: Path) -> None:
    torn = shutil.copytree(run, tmp_path / "run")
    next((torn / "cloud").glob("*.laz")).unlink()
    with pytest.raises(StoreError, match="laz"):
        export_run(torn, "nerfstudio", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_normals_are_those_that_dn_splatter_reads(run: Path, tmp_path: Path) -> None:
    """Its loader: 2 n / 255 - 1, from OpenGL's axes to OpenCV's; each of its image's size and stem."""
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), 0.1)
    folder = export_run(bent, "nerfstudio", tmp_path / "data", {"normals": True, "undistort": True}).path
    meta = transforms(folder)
    stems = [Path(frame["file_path"]).stem for frame in meta["frames"]]
    assert stems == [path.stem for path in sorted((folder / "normals_from_pretrain").glob("*.png"))]
    for frame in meta["frames"][::5]:
        coded = cv2.imread(str(folder / frame["normal_file_path"]))[..., ::-1].astype(np.float64)
        assert coded.shape == (meta["h"], meta["w"], 3) == cv2.imread(str(folder / frame["file_path"])).shape
        normals = (2 * coded / 255 - 1) * [1, -1, -1]
        length = np.linalg.norm(normals, axis=-1)
        road = normals[-30:][length[-30:] > 0.5]
        assert np.median(road[:, 1]) < -0.9 and len(road) > 1000  # OpenCV: y down, the road looks up
        depth = np.load(folder / frame["depth_file_path"])
        assert abs(depth.shape[1] / depth.shape[0] - meta["w"] / meta["h"]) < 0.02


@pytest.mark.slow
def test_every_image_has_a_mask_where_some_have(run: Path, tmp_path: Path) -> None:
    _add_missing_masks(tmp_path, frames := [{"file_path": "images/a/x.jpg"}], (8, 6))
    assert "mask_path" not in frames[0]
    masks = MaskFolder(tmp_path / "masks")
    mask = np.zeros((6, 8), np.bool_)
    frames = [
        {"file_path": "images/a/x.jpg"},
        {"file_path": "images/y.png", "mask_path": "masks/" + masks.add("y", mask)},
    ]
    _add_missing_masks(tmp_path, frames, (8, 6))
    assert frames[0]["mask_path"] == "masks/a/x.jpg.png"
    found = [cv2.imread(str(tmp_path / frame["mask_path"]), cv2.IMREAD_UNCHANGED) for frame in frames]
    assert (found[0] == 255).all() and (found[1] == 0).all() and found[0].shape == (6, 8)
