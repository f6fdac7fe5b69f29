from __future__ import annotations

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
import trimesh

from da3_stream.errors import ExportError
from da3_stream.export.colmap.dataset_image import DatasetImage, FrameDepth
from da3_stream.export.colmap.inverse_depths import InverseDepths, fill_holes
from da3_stream.export.exporting import export_run
from da3_stream.export.frame_views import FrameView
from da3_stream.export.images.camera import ImageCamera
from da3_stream.geometry import Sim3
from da3_stream.geometry.lens import Lens
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Georeference, open_run
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
    found = model.find_image_with_name("009.jpg").project_point(point) + corner(model, run)
    assert np.linalg.norm(found - expected) < 0.05
    assert model.num_images() == FRAMES and model.num_points3D() > 100


def test_cameras_bin_is_what_the_original_loader_unpacks(exported: Path) -> None:
    """Of COLMAP's documented binary layout: count, then id, model (1 is PINHOLE), width, height, four numbers."""
    data = (exported / "sparse" / "0" / "cameras.bin").read_bytes()
    (count,) = struct.unpack_from("<Q", data)
    _, model, width, height, fx, fy, _, _ = struct.unpack_from("<iiQQdddd", data, 8)
    assert (count, model) == (1, 1) and fx == pytest.approx(fy)
    assert SIZE[0] - 30 < width < SIZE[0] and SIZE[1] - 30 < height < SIZE[1]  # without what was never seen
    assert len(data) == 8 + struct.calcsize("<iiQQdddd")


def corner(model: pycolmap.Reconstruction, run: Path) -> np.ndarray:
    """Left and top of the exported part of whole pictures, by where the axis is."""
    k = Reconstruction(run).intrinsics[0]
    return k[:2, 2] - model.camera(1).calibration_matrix()[:2, 2]


def test_every_pixel_of_straight_images_was_seen_and_shows_what_it_should(exported: Path, run: Path) -> None:
    """By the lens's own equation: each pixel's colour is that of the picture where its ray was bent to."""
    straight = cv2.imread(str(exported / "images" / "004.jpg")).astype(float)
    original = cv2.imread(str(run.parent / "pictures" / "004.jpg")).astype(float)
    model, k = pycolmap.Reconstruction(str(exported / "sparse" / "0")), Reconstruction(run).intrinsics[0]
    height, width = straight.shape[:2]
    assert (model.camera(1).width, model.camera(1).height) == (width, height)
    x, y = (axis + 0.5 for axis in np.meshgrid(np.arange(width), np.arange(height)))
    x, y = (
        (axis + shift - k[i, 2]) / k[i, i]
        for i, (axis, shift) in enumerate(zip((x, y), corner(model, run), strict=True))
    )
    bend = 1 + 0.1 * (x * x + y * y)
    u, v = x * bend * k[0, 0] + k[0, 2] - 0.5, y * bend * k[1, 1] + k[1, 2] - 0.5
    assert u.min() >= 0 and v.min() >= 0 and u.max() <= SIZE[0] - 1 and v.max() <= SIZE[1] - 1
    shown = cv2.remap(original, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    assert abs(shown - straight).mean() < 3 and abs(shown - straight)[:2].mean() < 6


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


def trainers_inverse_depth(folder: Path, name: str) -> np.ndarray:
    """As Inria's trainer computes it, of an image's name without suffix."""
    params = json.loads((folder / "sparse" / "0" / "depth_params.json").read_text())[name]
    counts = cv2.imread(str(folder / "depths" / f"{name}.png"), -1).astype(np.float32) / float(2**16)
    return counts * params["scale"] + params["offset"]


def test_inverse_depth_by_the_trainer_s_formula_is_that_of_the_run(run: Path, tmp_path: Path) -> None:
    folder, _ = export_run(run, "3dgs", tmp_path / "data")
    rec, errors = Reconstruction(run), []
    params = json.loads((folder / "sparse" / "0" / "depth_params.json").read_text())
    names = sorted(path.stem for path in (folder / "images").iterdir())
    assert sorted(params) == names == sorted(path.stem for path in (folder / "depths").iterdir())
    scales = np.array([entry["scale"] for entry in params.values()])
    assert ((scales > 0.2 * np.median(scales)) & (scales < 5 * np.median(scales))).all()  # else it believes none
    for index, name in enumerate(names):
        depth, found = rec.depth(index), trainers_inverse_depth(folder, name)
        assert found.shape == depth.shape and (found[depth > 0] > 0).all()
        errors += [abs(found * depth - 1)[depth > 0]]
    assert np.median(np.concatenate(errors)) < 5e-4


def test_inverse_depth_belongs_to_the_cropped_image(exported: Path, run: Path) -> None:
    model, rec = pycolmap.Reconstruction(str(exported / "sparse" / "0")), Reconstruction(run)
    image = model.find_image_with_name("006.jpg")
    inverse = trainers_inverse_depth(exported, "006")
    inverse = cv2.resize(inverse, (image.camera.width, image.camera.height))  # as the trainer does
    left, top = corner(model, run)
    depth, k = rec.depth(6), rec.depth_intrinsics(6)
    rows, columns = np.mgrid[20:70:7, 20:100:7].reshape(2, -1)
    flat = np.ptp(np.stack([depth[rows + i, columns + j] for i in (-1, 0, 1) for j in (-1, 0, 1)]), axis=0)
    rays = np.stack([(columns + 0.5 - k[0, 2]) / k[0, 0], (rows + 0.5 - k[1, 2]) / k[1, 1]], axis=1)
    at = image.camera.img_from_cam(np.hstack([rays, np.ones((len(rays), 1))])).astype(int)
    found, expected = inverse[at[:, 1], at[:, 0]], 1 / np.maximum(depth[rows, columns], 1e-9)
    good = (flat < 0.05 * depth[rows, columns]) & (depth[rows, columns] > 0)
    assert good.sum() > 10 and np.median(abs(found / expected - 1)[good]) < 0.02 and left > 1 and top > 1


def test_an_image_that_is_near_something_leaves_no_other_out(run: Path, tmp_path: Path) -> None:
    """One map's scale is far above the others': they are written again, so that the trainer believes all of them."""
    writer = InverseDepths(tmp_path, (8, 6))
    depths = {"far/a.jpg": 40.0, "far/b.jpg": 50.0, "near.jpg": 0.5, "none.jpg": None}
    for name, depth in depths.items():
        writer.add(name, plane(depth))
    writer.finish(tmp_path / "params.json")
    params = json.loads((tmp_path / "params.json").read_text())
    scales = np.array([params[name]["scale"] for name in ("far/a", "far/b", "near")])
    median = np.median(scales)
    assert ((scales >= 0.2 * median) & (scales <= 5 * median)).all()
    assert params["none"]["scale"] < 0.2 * median  # the trainer's sign that a map is not to be believed
    for name, depth in depths.items():
        stem = name.removesuffix(".jpg")
        found = cv2.imread(str(tmp_path / f"{stem}.png"), -1) / 2**16 * params[stem]["scale"]
        assert depth is None or found == pytest.approx(1 / depth, rel=2e-3)


def plane(depth: float | None) -> DatasetImage:
    view = FrameView(0, 0.0, 0, np.eye(4), np.eye(3), depth is not None)
    camera = ImageCamera((8, 6), Lens(10.0, 10.0, 4.0, 3.0))
    if depth is None:
        return DatasetImage(view, np.zeros((6, 8, 3), np.uint8), camera, None, None)
    shown = np.full((6, 8), depth, np.float32)
    frame = FrameDepth(shown, np.ones_like(shown), None, camera.lens.matrix())
    return DatasetImage(view, np.zeros((6, 8, 3), np.uint8), camera, None, frame)


def test_the_sky_is_infinitely_far_and_holes_are_as_far_as_what_is_around_them(tmp_path: Path) -> None:
    image = plane(4.0)
    frame = image.depth
    assert frame is not None
    sky = np.zeros((6, 8), np.bool_)
    sky[:2] = True
    depth = np.where(sky, 0, frame.depth)
    depth[4, 3:6] = 0
    writer = InverseDepths(tmp_path, (8, 6))
    writer.add("a.jpg", replace(image, depth=replace(frame, depth=depth, sky=sky)))
    writer.finish(tmp_path / "params.json")
    counts = cv2.imread(str(tmp_path / "a.png"), -1)
    assert (counts[:2] == 0).all() and (counts[2:] == counts[3, 0]).all() and counts[3, 0] > 60000


def test_without_a_mask_of_the_sky_holes_are_filled_and_wide_ones_are_far(tmp_path: Path) -> None:
    known = np.ones((40, 100), np.bool_)
    known[:20], known[30, 50:54] = False, False
    filled = fill_holes(known.astype(np.float32), known, 5.0)
    assert (filled[15:] == 1).all() and (filled[:14] == 0).all()


def test_where_the_run_is_located_all_is_in_metres(run: Path, tmp_path: Path) -> None:
    """Cameras, seeds and inverse depth by one scale, that of the map."""
    located = open_run(shutil.copytree(run, tmp_path / "located" / "run"))
    place = Georeference("EPSG:32632", Sim3(3.0, np.eye(3), [5e5, 5e6, 0.0]))
    located.write_scene(replace(located.read_scene(), units="relative", georeference=place))
    options = {"frames": "0:6", "seeds": 2000}
    bare, mapped = (
        export_run(path, "3dgs", tmp_path / f"of_{path.parent.name}", options).path for path in (run, located.path)
    )
    for name in ("000", "005"):
        here, there = (trainers_inverse_depth(folder, name) for folder in (bare, mapped))
        np.testing.assert_allclose(3 * there[here > 0], here[here > 0], rtol=1e-3)
    models = [pycolmap.Reconstruction(str(folder / "sparse" / "0")) for folder in (bare, mapped)]
    centres = [np.array([i.projection_center() for _, i in sorted(model.images.items())]) for model in models]
    np.testing.assert_allclose(centres[1], 3 * centres[0], atol=1e-6)
    spans = [np.ptp([point.xyz for point in model.points3D.values()], axis=0) for model in models]
    np.testing.assert_allclose(spans[1], 3 * spans[0], rtol=0.02)
