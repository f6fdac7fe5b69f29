"""One point of the scene falls on one pixel of one picture, whichever format says where the camera stood."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.export.axes import file_axes
from da3_stream.export.exporting import export_run
from da3_stream.export.formats import FORMATS as FORMATS_OF
from da3_stream.geometry import Sim3, project, resize_intrinsics
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Georeference, RunReader
from tests.export.gltf_files import camera_pixel, read_glb
from tests.export.recordings import chunks_of, column
from tests.worlds.town_run import FRAMES, SEEN, SIZE, scene_point, with_distortion

AT, SEEN_FROM = 5, 9  # the frame that the point is taken from, and the one it is looked for in
CLOSE_PX = 0.05
K1 = 0.05  # moves this point by over a pixel
ONE = {"frames": f"{SEEN_FROM}:{SEEN_FROM + 1}"}
Array = NDArray[np.float64]


def seen(point: Array, world_from_camera: Array, k: Array, k1: float = 0.0) -> Array:
    """Where a camera of OpenCV's axes sees a point, first pixel centre at 0.5."""
    x, y, z = (point - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    bend = 1 + k1 * (x * x + y * y) / (z * z)
    return project(np.array([x * bend, y * bend, z]), k)


def by_colmap(path: Path, point: Array, rec: Reconstruction) -> Array:
    import pycolmap

    model = pycolmap.Reconstruction(str(path / "sparse" / "0"))
    image = next(image for image in model.images.values() if Path(image.name).stem == f"{SEEN_FROM:03d}")
    return np.asarray(image.project_point(point)).ravel()


def by_nerfstudio(path: Path, point: Array, rec: Reconstruction) -> Array:
    meta = json.loads((path / "transforms.json").read_text())
    frame = next(entry for entry in meta["frames"] if Path(entry["file_path"]).stem == f"{SEEN_FROM:03d}")
    k = np.array([[meta["fl_x"], 0, meta["cx"]], [0, meta["fl_y"], meta["cy"]], [0, 0, 1.0]])
    pose = np.array(frame["transform_matrix"]) @ np.diag([1.0, -1, -1, 1])
    return seen(np.array(meta["applied_transform"]) @ [*point, 1.0], pose, k, meta["k1"])


def by_npz(path: Path, point: Array, rec: Reconstruction) -> Array:
    found = np.load(path)
    pose = np.linalg.inv(np.vstack([found["extrinsics"][SEEN_FROM], [0, 0, 0, 1]]).astype(np.float64))
    return seen(point, pose, resize_intrinsics(found["intrinsics"][SEEN_FROM].astype(np.float64), SEEN, SIZE))


def by_depth(path: Path, point: Array, rec: Reconstruction) -> Array:
    entry = json.loads((path / "depth.json").read_text())["frames"][SEEN_FROM]
    return seen(point, rec.world_from_camera[SEEN_FROM], np.array(entry["intrinsics"]))


def by_tum(path: Path, point: Array, rec: Reconstruction) -> Array:
    row = np.loadtxt(path)[SEEN_FROM]
    return seen(point, posed(row[1:4], row[4:]), rec.intrinsics[SEEN_FROM])


def by_kitti(path: Path, point: Array, rec: Reconstruction) -> Array:
    pose = np.loadtxt(path)[SEEN_FROM].reshape(3, 4)
    return seen(point, np.vstack([pose, [0, 0, 0, 1]]), rec.intrinsics[SEEN_FROM])


def by_euroc(path: Path, point: Array, rec: Reconstruction) -> Array:
    row = np.loadtxt(path, delimiter=",")[SEEN_FROM]
    return seen(point, posed(row[1:4], np.roll(row[4:8], -1)), rec.intrinsics[SEEN_FROM])


def by_glb(path: Path, point: Array, rec: Reconstruction) -> Array:
    """By the one camera that stands still in the file."""
    glb = read_glb(path)
    (name,) = (glb.tree["nodes"][child]["name"] for child in glb.node("cameras")["children"])
    scene_from_world = np.array(glb.tree["scenes"][0]["extras"]["file_from_world"])
    return camera_pixel(glb, name, (scene_from_world @ [*point, 1])[:3])


def by_rrd(path: Path, point: Array, rec: Reconstruction) -> Array:
    """By the one camera in the file; matrices are kept column by column."""
    camera = chunks_of(path)["/world/camera"]
    names = ("Transform3D:translation", "Transform3D:mat3x3", "Pinhole:image_from_camera", "Pinhole:resolution")
    place, turn, k, size = (np.array(column(camera, name)[0], np.float64).ravel() for name in names)
    assert size.tolist() == list(SIZE)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn.reshape(3, 3).T, place
    return seen(point, pose, k.reshape(3, 3).T)


def posed(place: Array, xyzw: Array) -> Array:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_quat(xyzw).as_matrix(), place
    return pose


FORMATS: dict[str, tuple[Callable[[Path, Array, Reconstruction], Array], dict[str, Any]]] = {
    "colmap": (by_colmap, {}),
    "colmap text": (by_colmap, {"text": True}),
    "colmap cameras": (by_colmap, {"shared_camera": False}),
    "3dgs": (by_colmap, {}),
    "nerfstudio": (by_nerfstudio, {}),
    "npz": (by_npz, {}),
    "mini_npz": (by_npz, {}),
    "depth": (by_depth, {"resolution": "input"}),
    "tum": (by_tum, {}),
    "kitti": (by_kitti, {}),
    "euroc": (by_euroc, {}),
    "glb": (by_glb, ONE),
    "rrd": (by_rrd, ONE),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_point_falls_on_its_pixel(name: str, run: Path, tmp_path: Path) -> None:
    rec = Reconstruction(run)
    assert len(rec) == FRAMES
    (pixel_of, options), kind = FORMATS[name], name.partition(" ")[0]
    if kind == "rrd":
        pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    path, _ = export_run(run, kind, tmp_path / f"exported{Path(FORMATS_OF[kind].file).suffix}", options)
    point, expected = scene_point(rec, AT, SEEN_FROM)
    assert np.linalg.norm(pixel_of(path, point, rec) - expected) < CLOSE_PX


@pytest.mark.slow
@pytest.mark.parametrize("axes", ["world", "upright", "map"])
@pytest.mark.parametrize("name", ["colmap", "nerfstudio", "mini_npz", "tum", "rrd"])
def test_it_does_so_in_a_run_that_is_located(name: str, axes: str, run: Path, tmp_path: Path) -> None:
    """In metres, and in the axes that are asked for."""
    there = shutil.copytree(run, tmp_path / "run")
    opened = RunReader.open(there)
    turn = Rotation.from_rotvec([1.4, 0.3, -0.2]).as_matrix()
    place = Sim3(4.687, turn, np.array([691_000.25, 5_334_000.75, 519.5]))
    scene = replace(opened.geometry.scene, units="relative", georeference=Georeference("EPSG:32632", place))
    opened.run.write_scene(scene)
    (pixel_of, options), rec = FORMATS[name], Reconstruction(run)
    if name == "rrd":
        pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    path, _ = export_run(
        there, name, tmp_path / f"exported{Path(FORMATS_OF[name].file).suffix}", options | {"axes": axes}
    )
    record = file_axes(RunReader.open(there), axes, relative="world")
    assert record.units == "metres" and record.file_from_world.scale == pytest.approx(4.687)
    if FORMATS_OF[name].is_folder:
        assert json.loads((path / "frame_of_reference.json").read_text()) == json.loads(record.text())
    point, expected = scene_point(rec, AT, SEEN_FROM)
    asked = point if name == "nerfstudio" else record.apply(point)  # which has its own transform
    assert np.linalg.norm(pixel_of(path, asked, rec) - expected) < CLOSE_PX


@pytest.mark.slow
@pytest.mark.parametrize("name", ["colmap", "colmap text", "nerfstudio"])
def test_it_does_so_through_a_lens_that_bends(name: str, run: Path, tmp_path: Path) -> None:
    """In the formats that carry distortion; the others are of pinholes."""
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), K1)
    pixel_of, options = FORMATS[name]
    path, _ = export_run(bent, name.partition(" ")[0], tmp_path / "exported", options)
    rec = Reconstruction(run)
    (point, straight), (_, expected) = scene_point(rec, AT, SEEN_FROM), scene_point(rec, AT, SEEN_FROM, K1)
    assert np.linalg.norm(expected - straight) > 20 * CLOSE_PX
    assert np.linalg.norm(pixel_of(path, point, rec) - expected) < CLOSE_PX


def axis_of(path: Path) -> tuple[Array, tuple[int, int]]:
    """Where the axis is in the pictures of an export, and how large they are."""
    import pycolmap

    if not (path / "transforms.json").exists():
        camera = pycolmap.Reconstruction(str(path / "sparse" / "0")).camera(1)
        return camera.calibration_matrix()[:2, 2], (camera.width, camera.height)
    meta = json.loads((path / "transforms.json").read_text())
    return np.array([meta["cx"], meta["cy"]]), (meta["w"], meta["h"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["colmap", "3dgs", "nerfstudio"])
@pytest.mark.parametrize("k1", [K1, -K1])
def test_it_does_so_in_straight_pictures_that_are_cropped(name: str, k1: float, run: Path, tmp_path: Path) -> None:
    """A whole number of columns and rows is cut off where the lens saw less than they show, else nothing."""
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), k1)
    path, _ = export_run(bent, name, tmp_path / "exported", {"undistort": True})
    point, expected = scene_point(Reconstruction(run), AT, SEEN_FROM)
    axis, size = axis_of(path)
    cut = Reconstruction(run).intrinsics[SEEN_FROM][:2, 2] - axis
    assert cut == pytest.approx(np.rint(cut), abs=1e-6) and ((cut > 0) == (k1 > 0)).all()
    assert size == pytest.approx(tuple(SIZE - 2 * np.rint(cut)))
    found = FORMATS[name][0](path, point, Reconstruction(run)) + cut
    assert np.linalg.norm(found - expected) < CLOSE_PX
    for picture in (path / "images").iterdir():
        assert cv2.imread(str(picture)).shape[1::-1] == size
