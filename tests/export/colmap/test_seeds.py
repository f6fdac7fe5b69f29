"""Seeds of splats: points of the cloud in points3D.bin that images see, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.reconstruction import Reconstruction
from tests.worlds.town_run import FRAMES, frame, with_distortion

pytestmark = pytest.mark.slow
Model = pycolmap.Reconstruction


def opened(folder: Path) -> Model:
    return Model(str(folder / "sparse" / "0"))


@pytest.fixture(scope="module", params=[("3dgs", 0.1), ("colmap", -0.1)])
def seeded(request: pytest.FixtureRequest, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    form, k1 = request.param
    folder = tmp_path_factory.mktemp("seeds")
    bent = with_distortion(shutil.copytree(run, folder / "run"), k1)
    return opened(export_run(bent, form, folder / "data", {"seeds": 1000}).path)


def test_lists_of_images_and_points_agree(seeded: Model) -> None:
    for number, point in seeded.points3D.items():
        assert len({element.image_id for element in point.track.elements}) == point.track.length() >= 2
        for element in point.track.elements:
            assert seeded.image(element.image_id).point2D(element.point2D_idx).point3D_id == number
    for image in seeded.images.values():
        for index, seen in enumerate(image.points2D):
            elements = seeded.point3D(seen.point3D_id).track.elements
            assert any((e.image_id, e.point2D_idx) == (image.image_id, index) for e in elements)


def test_points_fall_on_their_pixels(seeded: Model) -> None:
    for image in list(seeded.images.values())[::4]:
        seen = image.get_observation_points2D()
        points = [seeded.point3D(one.point3D_id).xyz for one in seen]
        off = [np.linalg.norm(image.project_point(p) - one.xy) for p, one in zip(points, seen, strict=True)]
        assert (np.array(off) < 1e-3).sum() > 100 and max(off) < 4.1  # those of keypoints, too
        inside = np.array([one.xy for one in seen])
        assert (inside >= 0).all() and (inside <= [image.camera.width, image.camera.height]).all()


def test_there_are_as_many_as_asked_for_and_they_lie_on_the_town(run: Path, tmp_path: Path) -> None:
    """Position against the town's depth, colour against its pictures, and nothing is seen through a wall."""
    few, many = (opened(export_run(run, "3dgs", tmp_path / str(n), {"seeds": n}).path) for n in (0, 3000))
    assert many.num_points3D() - few.num_points3D() == 3000 and many.num_images() == FRAMES
    ratios, colours = [], []
    for image in list(many.images.values())[::4]:
        truth = frame(int(image.name[:3]))
        for seen in image.get_observation_points2D():
            point = many.point3D(seen.point3D_id)
            column, row = seen.xy.astype(int)
            if truth.depth[row, column] > 0:
                ratios.append((image.cam_from_world() * point.xyz)[2] / truth.depth[row, column])
                colours.append(np.abs(point.color.astype(float) - truth.image[row, column]).mean())
    off = np.abs(np.array(ratios) - 1)
    assert np.median(off) < 0.01 and (off > 0.1).mean() < 0.02  # depth is off by half a pixel of the picture
    assert np.median(colours) < 10


def test_frames_that_are_not_exported_give_seeds_to_those_that_are(run: Path, tmp_path: Path) -> None:
    model = opened(export_run(run, "3dgs", tmp_path / "data", {"seeds": 1000, "every": 4}).path)
    assert model.num_images() == 4 and model.num_points3D() > 500
    counts = [image.num_points3D for image in model.images.values()]
    assert min(counts) > 100


def test_all_points_are_seeds_where_there_are_fewer(run: Path, tmp_path: Path) -> None:
    model = opened(export_run(run, "3dgs", tmp_path / "data", {"frames": "0:5"}).path)
    first = np.concatenate([page.frame for page in Reconstruction(run).pages()]) < 5
    assert 0.4 * first.sum() < model.num_points3D() < 0.75 * first.sum() + 5000  # without the least confident


def test_seeds_do_not_hold_bundle_adjustment(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="refine would be held by seeds"):
        export_run(run, "colmap", tmp_path / "data", {"seeds": 10, "refine": True})
