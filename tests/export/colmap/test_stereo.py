"""stereo/ of a COLMAP folder: COLMAP's own reader and fusion take it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.reconstruction import Reconstruction
from tests.worlds.town_run import FRAMES, SEEN, frame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(run, "colmap", tmp_path_factory.mktemp("stereo") / "data", {"stereo": True}).path


def test_depth_is_the_run_s(workspace: Path, run: Path) -> None:
    rec, found = Reconstruction(run), pycolmap.DepthMap()
    for index in (0, 7):
        found.read(str(workspace / "stereo" / "depth_maps" / f"{index:03d}.jpg.geometric.bin"))
        depth, expected = found.to_array(), rec.depth(index)
        assert (found.width, found.height) == SEEN and (depth > 0).mean() > 0.9 * (expected > 0).mean()
        np.testing.assert_allclose(depth[depth > 0], expected[depth > 0], rtol=1e-6)


def test_normals_are_unit_and_look_at_the_camera(workspace: Path, run: Path) -> None:
    """By the documented layout: a header of text, then the channels one after the other, row by row."""
    for index in (0, 7):
        data = (workspace / "stereo" / "normal_maps" / f"{index:03d}.jpg.geometric.bin").read_bytes()
        width, height, channels, rest = data.split(b"&", 3)
        normals = np.frombuffer(rest, "<f4").reshape(int(channels), int(height), int(width))
        length = np.linalg.norm(normals, axis=0)
        assert normals.shape == (3, *SEEN[::-1]) and (abs(length - 1) < 1e-4)[length > 0].all()
        assert (length > 0).mean() > 0.3 and np.median(normals[1][60:][length[60:] > 0]) < -0.9  # the road looks up
        k = Reconstruction(run).depth_intrinsics(index)
        x, y = ((axis + 0.5 - k[i, 2]) / k[i, i] for i, axis in enumerate(np.meshgrid(*map(np.arange, SEEN))))
        assert (np.sum(normals * [x, y, np.ones_like(x)], axis=0)[length > 0] <= 1e-6).all()


def test_colmap_fuses_it(workspace: Path, tmp_path: Path) -> None:
    assert (workspace / "stereo" / "fusion.cfg").read_text().split() == [f"{k:03d}.jpg" for k in range(FRAMES)]
    assert (workspace / "stereo" / "patch-match.cfg").read_text().splitlines()[:2] == ["000.jpg", "__auto__, 20"]
    options = pycolmap.StereoFusionOptions(min_num_pixels=3, num_threads=1)
    (tmp_path / "fused").mkdir()
    fused = pycolmap.stereo_fusion(str(tmp_path / "fused"), str(workspace), options=options)
    points = np.array([point.xyz for point in fused.points3D.values()])
    image, truth = fused.image(8), frame(7)
    local = np.array([image.cam_from_world() * point for point in points])
    local = local[local[:, 2] > 0]
    at = image.camera.img_from_cam(local)
    seen = (
        np.isfinite(at).all(axis=1)
        & (at >= 0).all(axis=1)
        & (at < [image.camera.width, image.camera.height]).all(axis=1)
    )
    column, row = at[seen].astype(int).T
    ratio = local[seen][:, 2] / np.where(truth.depth[row, column] > 0, truth.depth[row, column], np.nan)
    assert len(points) > 1000 and np.nanmedian(abs(ratio - 1)) < 0.05


def test_pictures_with_distortion_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="stereo needs pictures without distortion: leave undistort out"):
        export_run(run, "colmap", tmp_path / "data", {"stereo": True, "undistort": False})
