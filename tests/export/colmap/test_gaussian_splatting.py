from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
import trimesh

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.reconstruction import Reconstruction
from tests.worlds.town_run import FRAMES, SIZE, scene_point, with_distortion

pytestmark = pytest.mark.slow

PLY = ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue")


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splats")
    bent = with_distortion(shutil.copytree(run, folder / "run"), 0.1)
    return export_run(bent, "3dgs", folder / "data").path


@pytest.mark.slow
def test_cameras_are_pinholes_and_a_scene_point_falls_on_its_pixel(exported: Path, run: Path) -> None:
    model = pycolmap.Reconstruction(str(exported / "sparse" / "0"))
    assert {camera.model.name for camera in model.cameras.values()} == {"PINHOLE"}
    point, expected = scene_point(Reconstruction(run), 5, 9)
    assert np.linalg.norm(model.find_image_with_name("009.jpg").project_point(point) - expected) < 0.05
    assert model.num_images() == FRAMES and model.num_points3D() > 100


def test_cameras_bin_is_what_the_original_loader_unpacks(exported: Path) -> None:
    """Of COLMAP's documented binary layout: count, then id, model (1 is PINHOLE), width, height, four numbers."""
    data = (exported / "sparse" / "0" / "cameras.bin").read_bytes()
    (count,) = struct.unpack_from("<Q", data)
    _, model, width, height, fx, fy, _, _ = struct.unpack_from("<iiQQdddd", data, 8)
    assert (count, model, width, height) == (1, 1, *SIZE) and fx == pytest.approx(fy)
    assert len(data) == 8 + struct.calcsize("<iiQQdddd")


def test_images_are_straightened(exported: Path, run: Path) -> None:
    straight = cv2.imread(str(exported / "images" / "004.jpg")).astype(float)
    original = cv2.imread(str(run.parent / "pictures" / "004.jpg")).astype(float)
    assert straight.shape == (SIZE[1], SIZE[0], 3)
    assert abs(straight - original)[:40].mean() > 3 * abs(straight - original)[80:100, 110:130].mean()


def test_points_have_normals_as_the_original_loader_reads_them(exported: Path, run: Path) -> None:
    path = exported / "sparse" / "0" / "points3D.ply"
    header = path.read_bytes()[:600].split(b"end_header")[0].decode().splitlines()
    assert tuple(line.split()[2] for line in header if line.startswith("property")) == PLY
    cloud = trimesh.load(path)
    normals = np.asarray(cloud.metadata["_ply_raw"]["vertex"]["data"][["nx", "ny", "nz"]].tolist())
    lengths = np.linalg.norm(normals, axis=1)
    assert len(cloud.vertices) > 1000 and (abs(lengths - 1) < 1e-3).mean() > 0.8
    cameras = Reconstruction(run).world_from_camera[:, :3, 3]
    ground = normals[(lengths > 0.5) & (cloud.vertices[:, 1] > np.quantile(cloud.vertices[:, 1], 0.9))]
    assert np.median(ground[:, 1]) < -0.9 and np.isfinite(cameras).all()  # the road looks up, y down


def test_distortion_cannot_be_kept(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="undistort"):
        export_run(run, "3dgs", tmp_path / "data", {"undistort": False})


def test_other_segments_are_told_once(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    apart = shutil.copytree(run, tmp_path / "run")
    scene = json.loads((apart / "scene.json").read_text())
    scene["nodes"][-1].update(segment=1, previous=None)
    (apart / "scene.json").write_text(json.dumps(scene))
    export_run(apart, "3dgs", tmp_path / "data")
    assert caplog.text.count("frames of other segments") == 1
