"""A run of pictures through a lens that is known: exports show them as they are stored, with the lens's own model, or
straight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from da3_stream import pipeline
from da3_stream.export.exporting import export_run
from da3_stream.geometry import pixel_centres, resize_intrinsics
from da3_stream.geometry.camera_models import CameraModel
from da3_stream.geometry.straight_view import straight_view
from da3_stream.settings import Settings
from da3_stream.store.files import read_json
from da3_stream.synthetic.town import Town
from da3_stream.types import Float64, Frame, UInt8, WindowGeometry
from tests.worlds.town_run import SEEN, SIZE, town

COUNT, FINER = 5, 2
BROWN = CameraModel.perspective(150.0, 150.0, 121.0, 89.0, (-0.25, 0.06, 0.0003, -0.0002))
FISHEYE = CameraModel.fisheye(137.5, 137.5, 120.0, 90.0)
LENSES = {"OPENCV": BROWN, "OPENCV_FISHEYE": FISHEYE}


@dataclass
class StraightTruth:
    """Predicts the town's own geometry in the view of a pinhole."""

    town: Town
    name = "truth"
    image_side = SEEN[0]

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        seen = [self.town.frame(given.index) for given in frames]
        poses, depth = (
            np.stack([one.world_from_camera for one in seen]),
            np.stack([one.depth[1::2, 1::2] for one in seen]),
        )
        return WindowGeometry(
            frame_indices=np.array([given.index for given in frames]),
            images=np.stack([given.image for given in frames]),
            depth=depth,
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(resize_intrinsics(self.town.intrinsics, SIZE, SEEN), (len(seen), 1, 1)),
            window_from_camera=np.linalg.inv(poses[0]) @ poses,
            is_metric=True,
        )


def through(lens: CameraModel, k: Float64, finer: UInt8) -> UInt8:
    """A picture through the lens, from a finer one of the pinhole K [3,3]; black outside."""
    rays = lens.undistort(pixel_centres(SIZE[1], SIZE[0]).reshape(-1, 2))
    at = (np.nan_to_num(rays, nan=-9.0) * [k[0, 0], k[1, 1]] + k[:2, 2]) * FINER - 0.5
    x, y = at.reshape(SIZE[1], SIZE[0], 2).astype(np.float32).transpose(2, 0, 1)
    return np.asarray(cv2.remap(finer, x, y, cv2.INTER_LINEAR), np.uint8)


@pytest.fixture(scope="module", params=LENSES)
def lens_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[CameraModel, Path]:
    """A lens, and a run of pictures through it."""
    lens, folder = LENSES[request.param], tmp_path_factory.mktemp("lens")
    k = straight_view(lens, SIZE)
    fine_size = (SIZE[0] * FINER, SIZE[1] * FINER)
    straight = replace(town(), intrinsics=k)
    fine = replace(town(), intrinsics=resize_intrinsics(k, SIZE, fine_size), size=fine_size)
    (folder / "pictures").mkdir()
    for index in range(COUNT):
        picture = through(lens, k, fine.frame(index).image)
        cv2.imwrite(str(folder / "pictures" / f"{index:03d}.png"), picture[..., ::-1])
    numbers = (lens.fx, lens.fy, lens.cx - 0.5, lens.cy - 0.5, *lens.distortion[:4])
    text = ("opencv_fisheye:" if lens is FISHEYE else "") + ",".join(map(repr, numbers))
    settings = {"camera": {"intrinsics": text, "mask": "off"}, "loops": {"descriptor": "off"}}
    run = pipeline.run(folder / "pictures", folder / "run", Settings.build(settings), StraightTruth(straight))
    return lens, run


@pytest.mark.slow
def test_run_json_tells_the_lens(lens_run: tuple[CameraModel, Path]) -> None:
    lens, run = lens_run
    camera = read_json(run / "run.json")["camera"]
    assert camera["model"] == lens.name and camera["source"] == "given"
    np.testing.assert_allclose(camera["params"], lens.params, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_colmap_gets_the_pictures_as_they_are_with_the_lens_s_model(
    lens_run: tuple[CameraModel, Path], tmp_path: Path
) -> None:
    lens, run = lens_run
    folder, _ = export_run(run, "colmap", tmp_path / "c")
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    (camera,) = model.cameras.values()
    assert camera.model_name == lens.name and (camera.width, camera.height) == SIZE
    np.testing.assert_allclose(camera.params, lens.params, atol=1e-9)
    assert sorted((folder / "images").iterdir())[1].samefile(run.parent / "pictures" / "001.png")
    assert model.num_points3D() > 100 and model.compute_mean_reprojection_error() < 0.6


@pytest.mark.slow
def test_straight_pictures_are_those_of_a_pinhole(lens_run: tuple[CameraModel, Path], tmp_path: Path) -> None:
    lens, run = lens_run
    folder, _ = export_run(run, "colmap", tmp_path / "c", {"undistort": True})
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    (camera,) = model.cameras.values()
    k = straight_view(lens, SIZE)
    assert camera.model_name == "PINHOLE"
    np.testing.assert_allclose(camera.params, [k[0, 0], k[1, 1], k[0, 2], k[1, 2]], atol=1e-9)
    assert model.compute_mean_reprojection_error() < 0.6
    assert not sorted((folder / "images").iterdir())[1].samefile(run.parent / "pictures" / "001.png")


@pytest.mark.slow
def test_nerfstudio_gets_them_with_depth_as_the_lens_sees_it(
    lens_run: tuple[CameraModel, Path], tmp_path: Path
) -> None:
    lens, run = lens_run
    folder, _ = export_run(run, "nerfstudio", tmp_path / "n")
    transforms = read_json(folder / "transforms.json")
    assert transforms["camera_model"] == lens.name
    names = ("k1", "k2", "k3", "k4") if lens is FISHEYE else ("k1", "k2", "p1", "p2")
    assert tuple(transforms[name] for name in names) == lens.distortion[:4]
    depth = np.load(folder / transforms["frames"][1]["depth_file_path"]) / 1000.0
    truth = replace(town(), intrinsics=straight_view(lens, SIZE)).frame(1).depth
    at = lens.undistort((pixel_centres(*depth.shape).reshape(-1, 2)) * (np.array(SIZE) / depth.shape[::-1]))
    k = straight_view(lens, SIZE)
    column, row = np.floor(np.nan_to_num(at, nan=-9.0) * [k[0, 0], k[1, 1]] + k[:2, 2]).astype(int).T
    inside = (column >= 0) & (column < SIZE[0]) & (row >= 0) & (row < SIZE[1])
    expected, found = truth[row[inside], column[inside]], depth.ravel()[inside]
    assert inside.mean() > 0.8 and np.median(np.abs(found - expected) / np.maximum(expected, 1.0)) < 0.01
    assert not depth.ravel()[~inside].any()


@pytest.mark.slow
def test_3dgs_gets_straight_ones(lens_run: tuple[CameraModel, Path], tmp_path: Path) -> None:
    _, run = lens_run
    folder, _ = export_run(run, "3dgs", tmp_path / "g")
    (camera,) = pycolmap.Reconstruction(str(folder / "sparse" / "0")).cameras.values()
    assert camera.model_name == "PINHOLE"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["3dgs", "colmap", "nerfstudio"])
def test_what_the_lens_did_not_see_is_masked_in_straight_pictures(
    lens_run: tuple[CameraModel, Path], tmp_path: Path, form: str
) -> None:
    """By the lens itself: the rays of all pixels that count fall into its picture, and those of few others do."""
    lens, run = lens_run
    folder, _ = export_run(run, form, tmp_path / "g", {"undistort": True, "encoding": "png"})
    k = straight_view(lens, SIZE)
    rays = ((pixel_centres(SIZE[1], SIZE[0]) - k[:2, 2]) / [k[0, 0], k[1, 1]]).reshape(-1, 2)
    at = lens.project(rays)
    inside = (at >= 0.5) & (at <= np.subtract(SIZE, 0.5))  # between centres of pixels
    seen = inside.all(axis=1) & (np.hypot(*rays.T) < lens.max_radius())
    if seen.all():
        assert not (folder / "masks").exists()
        return
    for index in range(COUNT):
        mask = cv2.imread(str(folder / "masks" / f"{index:03d}.png.png"), cv2.IMREAD_UNCHANGED)
        assert mask.shape == SIZE[::-1] and set(np.unique(mask)) == {0, 255}
        counts = mask.ravel() == 255
        assert seen[counts].all() and counts.sum() > 0.93 * seen.sum()
    if form == "nerfstudio":
        frames = read_json(folder / "transforms.json")["frames"]
        assert [frame["mask_path"] for frame in frames] == [f"masks/{k:03d}.png.png" for k in range(COUNT)]
