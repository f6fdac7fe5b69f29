"""One camera reads the same from every format that can hold it, each with its own pixel convention."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pycolmap
import pytest
import yaml

from da3_stream.calibration import KnownCamera, from_ros, read_calibration
from da3_stream.errors import SettingsError
from da3_stream.geometry.camera_models import CameraModel

SIZE = (480, 360)
FOCAL_CENTRE = (292.25, 291.75, 239.6, 179.3)  # OpenCV's: the first pixel's centre is at 0
K = np.array([[292.25, 0, 239.6], [0, 291.75, 179.3], [0, 0, 1]])
BROWN = (-0.283, 0.0739, 0.0002, 0.00002)
FISHEYE = (0.012, -0.003, 0.0007, -0.0001)
LENSES = {
    "pinhole": CameraModel.perspective(*FOCAL_CENTRE[:2], 240.1, 179.8),
    "brown": CameraModel.perspective(*FOCAL_CENTRE[:2], 240.1, 179.8, BROWN),
    "fisheye": CameraModel.fisheye(*FOCAL_CENTRE[:2], 240.1, 179.8, FISHEYE),
}
DISTORTION = {"pinhole": (), "brown": BROWN, "fisheye": FISHEYE}


def _file_storage(path: Path, lens: str) -> None:
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", SIZE[0])
    storage.write("image_height", SIZE[1])
    storage.write("camera_matrix", K)
    storage.write("fisheye_model", int(lens == "fisheye"))
    storage.write("distortion_coefficients", np.array([DISTORTION[lens]]) if DISTORTION[lens] else np.zeros((1, 5)))
    storage.release()


def _opencv_1(path: Path, lens: str) -> None:
    """As OpenCV up to version 4 writes it."""
    data = ", ".join(map(str, DISTORTION[lens] or (0.0,) * 5))
    path.write_text(
        "%YAML:1.0\n---\n"
        f"image_width: {SIZE[0]}\nimage_height: {SIZE[1]}\nfisheye_model: {int(lens == 'fisheye')}\n"
        f"K: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: [ {', '.join(map(str, K.ravel()))} ]\n"
        f"D: !!opencv-matrix\n   rows: 1\n   cols: 4\n   dt: d\n   data: [ {data} ]\n"
    )


def _ros(path: Path, lens: str) -> None:
    model = "equidistant" if lens == "fisheye" else "plumb_bob"
    matrix = {"rows": 3, "cols": 3, "data": K.ravel().tolist()}
    distortion = {"rows": 1, "cols": 5, "data": list(DISTORTION[lens]) or [0.0] * 5}
    info = {"image_width": SIZE[0], "image_height": SIZE[1], "camera_name": "left", "camera_matrix": matrix}
    path.write_text(yaml.safe_dump({**info, "distortion_model": model, "distortion_coefficients": distortion}))


def _kalibr(path: Path, lens: str) -> None:
    model = {"pinhole": "none", "brown": "radtan", "fisheye": "equidistant"}[lens]
    camera = {"camera_model": "pinhole", "intrinsics": list(FOCAL_CENTRE), "resolution": list(SIZE)}
    chain = {"cam0": {**camera, "distortion_model": model, "distortion_coeffs": list(DISTORTION[lens])}}
    path.write_text(yaml.safe_dump(chain))


def _colmap(path: Path, lens: str) -> None:
    model = LENSES[lens]
    camera = pycolmap.Camera(model=model.name, width=SIZE[0], height=SIZE[1], params=model.params, camera_id=1)
    reconstruction = pycolmap.Reconstruction()
    reconstruction.add_camera(camera)
    (reconstruction.write_binary if path.suffix == ".bin" else reconstruction.write_text)(str(path.parent))


def _nerfstudio(path: Path, lens: str) -> None:
    model = LENSES[lens]
    names = ("k1", "k2", "k3", "k4") if lens == "fisheye" else ("k1", "k2", "p1", "p2")
    values = dict(zip(("fl_x", "fl_y", "cx", "cy"), model.params[:4], strict=True))
    values |= dict(zip(names, DISTORTION[lens], strict=False))
    kind = "OPENCV_FISHEYE" if lens == "fisheye" else "OPENCV"
    path.write_text(json.dumps({"w": SIZE[0], "h": SIZE[1], "camera_model": kind, **values, "frames": []}))


def _json(path: Path, lens: str) -> None:
    """Plain lists, as Python scripts write them."""
    flag = {"fisheye": lens == "fisheye", "image_size": list(SIZE)}
    path.write_text(json.dumps({"cameraMatrix": K.tolist(), "distCoeffs": list(DISTORTION[lens]), **flag}))


def _line(path: Path, lens: str) -> None:
    numbers = ",".join(map(repr, (*FOCAL_CENTRE, *DISTORTION[lens])))
    path.write_text(f"{'opencv_fisheye:' if lens == 'fisheye' else ''}{numbers}@{SIZE[0]}x{SIZE[1]}\n")


def _orb_slam(path: Path, lens: str) -> None:
    names = ("fx", "fy", "cx", "cy", *(("k1", "k2", "k3", "k4") if lens == "fisheye" else ("k1", "k2", "p1", "p2")))
    values = dict(zip(names, (*FOCAL_CENTRE, *DISTORTION[lens]), strict=False))
    kind = "KannalaBrandt8" if lens == "fisheye" else "PinHole"
    rows = [f'Camera.type: "{kind}"', f"Camera.width: {SIZE[0]}", f"Camera.height: {SIZE[1]}"]
    path.write_text("\n".join(["%YAML:1.0", *rows, *(f"Camera1.{name}: {value}" for name, value in values.items())]))


def _arrays(path: Path, lens: str) -> None:
    """As OpenCV's tutorials save it."""
    np.savez(path, mtx=K, dist=np.array([DISTORTION[lens]]), fisheye=lens == "fisheye", image_size=SIZE)


def _columns(path: Path, lens: str) -> None:
    """K column by column, as Open3D writes it."""
    distortion = {"dist": list(DISTORTION[lens]), "fisheye": lens == "fisheye"}
    path.write_text(
        json.dumps({"width": SIZE[0], "height": SIZE[1], "intrinsic_matrix": K.T.ravel().tolist()} | distortion)
    )


WRITERS: dict[str, Callable[[Path, str], None]] = {
    "opencv.yaml": _file_storage,
    "opencv.json": _file_storage,
    "opencv.xml": _file_storage,
    "opencv1.yml": _opencv_1,
    "lists.json": _json,
    "camera_info.yaml": _ros,
    "camchain.yaml": _kalibr,
    "cameras.txt": _colmap,
    "cameras.bin": _colmap,
    "transforms.json": _nerfstudio,
    "line.txt": _line,
    "orb_slam.yaml": _orb_slam,
    "calibration.npz": _arrays,
    "open3d.json": _columns,
}


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("name", WRITERS)
def test_a_camera_reads_the_same_from_every_format(tmp_path: Path, name: str, lens: str) -> None:
    WRITERS[name](tmp_path / name, lens)
    camera = read_calibration(str(tmp_path / name))
    assert camera.size == SIZE and camera.model.name == LENSES[lens].name
    np.testing.assert_allclose(camera.model.params, LENSES[lens].params, rtol=0, atol=1e-9)


def test_colmap_s_small_models_are_special_cases(tmp_path: Path) -> None:
    lines = ["# Camera list", "1 SIMPLE_RADIAL 480 360 292 240 180 -0.1", "2 RADIAL 480 360 292 240 180 -0.1 0.02"]
    lines += ["3 RADIAL_FISHEYE 480 360 250 240 180 0.1 0.02", "7 SIMPLE_PINHOLE 480 360 300 240 180"]
    path = tmp_path / "cameras.txt"
    path.write_text("\n".join(lines))
    first = read_calibration(str(path))
    assert first.model == CameraModel.perspective(292, 292, 240, 180, (-0.1,))
    assert first.others == ("2", "3", "7") and first.source == f"{path}:1 (COLMAP)"
    assert read_calibration(f"{path}:2").model == CameraModel.perspective(292, 292, 240, 180, (-0.1, 0.02))
    assert read_calibration(f"{path}:3").model == CameraModel.fisheye(250, 250, 240, 180, (0.1, 0.02))
    assert read_calibration(f"{path}:7").model.name == "PINHOLE"
    with pytest.raises(SettingsError, match="has no camera '4': it has 1, 2, 3, 7"):
        read_calibration(f"{path}:4")


def test_of_kitti_the_camera_that_is_asked_for_else_the_first(tmp_path: Path) -> None:
    path = tmp_path / "calib.txt"
    path.write_text(
        "P0: 700 0 600 0 0 700 170 0 0 0 1 0\nP1: 700 0 600 -380 0 700 170 0 0 0 1 0\n"
        "P2: 710 0 601 45 0 710 171 0 0 0 1 0\nTr: 1 0 0 0 0 1 0 0 0 0 1 0\n"
    )
    assert read_calibration(str(path)).model.params == (700, 700, 600.5, 170.5)
    assert read_calibration(str(path)).others == ("P2",)  # P1 has the same K
    assert read_calibration(f"{path}:P2").model.params == (710, 710, 601.5, 171.5)


def test_a_raw_kitti_file_says_the_size_of_its_rectified_pictures(tmp_path: Path) -> None:
    path = tmp_path / "calib_cam_to_cam.txt"
    path.write_text(
        "calib_time: 09-Jan-2012 13:57:47\nS_rect_00: 1.242e+03 3.75e+02\n"
        "P_rect_00: 721.5 0 609.5 0 0 721.5 172.8 0 0 0 1 0\n"
    )
    assert read_calibration(f"{path}:P0").size == (1242, 375)


def test_a_chain_of_two_cameras_is_said(tmp_path: Path) -> None:
    path = tmp_path / "camchain.yaml"
    _kalibr(path, "brown")
    cameras = yaml.safe_load(path.read_text())
    cameras["cam1"] = {**cameras["cam0"], "distortion_model": "equidistant", "distortion_coeffs": list(FISHEYE)}
    path.write_text(yaml.safe_dump(cameras))
    assert read_calibration(str(path)).others == ("cam1",)
    assert read_calibration(f"{path}:cam1").model == LENSES["fisheye"]


@pytest.mark.parametrize("upper", [True, False], ids=["ROS 1", "ROS 2"])
def test_a_message_of_ros_is_read(upper: bool) -> None:
    k, d = ("K", "D") if upper else ("k", "d")
    message = SimpleNamespace(width=480, height=360, distortion_model="rational_polynomial")
    setattr(message, k, K.ravel())
    setattr(message, d, np.array([*BROWN, 0.01, 0.1, 0.02, 0.003]))
    camera = from_ros(message, "/cam0/camera_info")
    assert camera is not None and camera.model.name == "FULL_OPENCV" and camera.size == SIZE
    assert camera.model.distortion == (*BROWN, 0.01, 0.1, 0.02, 0.003)
    setattr(message, k, np.zeros(9))
    assert from_ros(message, "/cam0/camera_info") is None  # not calibrated


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.yaml", "K: [1, 2\n", "is no YAML that can be read"),
        ("a.yaml", "- 1\n- 2\n", "holds no names with values"),
        ("a.yaml", "speed: 3\n", "holds no camera's matrix"),
        ("a.json", "{", "is no JSON that can be read"),
        ("a.xml", "<a", "is no XML"),
        ("a.bin", "\x01\x02", "are no cameras.bin of COLMAP's"),
        ("b.bin", "\xff" * 40, "are no cameras.bin of COLMAP's"),
        ("cameras.txt", "1 OPENCV 480 360 292 292 240 180", "are no cameras of COLMAP's"),
        ("cameras.txt", "1 FOV 480 360 292 292 240 180 0.9", "the camera model FOV is not known here"),
        ("cam.yaml", "cam0: {camera_model: omni, intrinsics: [1, 2, 3, 4]}", "Kalibr's camera model 'omni'"),
        ("cam.yaml", "cam0: {camera_model: pinhole, distortion_model: fov, intrinsics: [9, 9, 3, 4]}", "model 'fov'"),
        ("cam.yaml", "cam0: {camera_model: pinhole}", "have no list of numbers 'intrinsics'"),
        ("t.json", '{"fl_x": 5, "camera_model": "EQUIRECTANGULAR", "w": 4, "h": 2}', "model 'EQUIRECTANGULAR'"),
        ("t.json", '{"fl_x": 5}', "lack numbers"),
        ("k.txt", "P0: 1 2 3", "have no twelve numbers"),
        ("n.yaml", "K: [9, 0, 3, 0, 9, .nan, 0, 0, 1]", "hold no camera's matrix"),
        ("n.yaml", "K: [9, 0, 3, 0, 9, 3, 0, 0, 1]\nD: [0,0,0,0,0,0,0,0,0.1]", "have 9 coefficients of distortion"),
    ],
)
def test_what_is_no_calibration_gets_a_sentence(tmp_path: Path, name: str, content: str, problem: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match=problem):
        read_calibration(str(path))


def test_a_calibration_is_scaled_to_pictures_of_the_same_shape_only() -> None:
    camera = KnownCamera(LENSES["brown"], SIZE, "lens.yaml (OpenCV)")
    assert camera.for_pictures((960, 720)).params[:4] == pytest.approx((584.5, 583.5, 480.2, 359.6))
    assert camera.for_pictures((960, 720)).distortion == camera.model.distortion
    with pytest.raises(SettingsError, match="of lens.yaml .OpenCV. are for pictures of 480x360, and the input's are"):
        camera.for_pictures((640, 360))
    with pytest.raises(SettingsError, match="turned by a quarter"):
        camera.for_pictures((360, 480))
    with pytest.raises(SettingsError, match="principal point .* lies outside the image of 200x200"):
        KnownCamera(LENSES["brown"]).for_pictures((200, 200))
