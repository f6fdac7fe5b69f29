"""Pictures of any shapes and cameras: what is seen of each, and whose lens and pose it gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
from PIL import Image

from da3_stream import predict
from da3_stream.calibration import read_cameras
from da3_stream.errors import PredictorError, SettingsError
from da3_stream.export.exporting import export_run
from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.images.exif import FOCAL_LENGTH_35MM
from da3_stream.geometry import intrinsics_matrix
from da3_stream.geometry.camera_models import CameraModel
from da3_stream.settings import Settings, load_settings
from tests.prediction.conftest import photo, write_photos

Make = Callable[..., Settings]


def source_of(folder: Path, **options: object) -> FrameSource:
    settings = load_settings("predict", options={f"camera.{name}": value for name, value in options.items()})
    return open_source(str(folder), settings.frames, 64, settings.camera)


def test_of_other_shapes_the_middle_that_all_have_is_seen(tmp_path: Path) -> None:
    folder = write_photos(tmp_path, 2)
    upright = photo(9, (84, 112))
    cv2.imwrite(str(folder / "upright.png"), upright)
    (folder / "broken.jpg").write_bytes(b"no picture")
    source = source_of(folder, hfov_deg=60.0)
    frames = list(source)
    assert source.size == (84, 84) and [frame.image.shape for frame in frames] == [(64, 64, 3)] * 3
    middle = cv2.resize(upright[14:98], (64, 64), interpolation=cv2.INTER_AREA)[..., ::-1]
    np.testing.assert_array_equal(frames[-1].image, middle)
    assert "of 3 of 3 only the middle of 84x84" in source.advice[0].text
    focal = 84 / 2 / np.tan(np.radians(30))  # horizontally, of a picture 84 pixels wide
    np.testing.assert_allclose(frames[-1].intrinsics, intrinsics_matrix(focal, focal, 42, 42))
    assert len(frames[1].skipped_before) + len(frames[0].skipped_before) + len(source.skipped_after) == 1


@pytest.mark.parametrize("suffix", ["webp", "bmp", "tif"])
def test_other_formats_are_pictures_too(suffix: str, tmp_path: Path) -> None:
    assert len(list(source_of(write_photos(tmp_path, 2, suffix=suffix)))) == 2


def test_each_photo_has_the_focal_length_of_its_own_tags(tmp_path: Path) -> None:
    for number, film_mm in enumerate((28, 56)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[FOCAL_LENGTH_35MM] = film_mm
        exif[0x112] = 6 if number else 1  # the second one is turned by a quarter
        Image.fromarray(photo(number)).save(tmp_path / f"{number}.jpg", exif=exif)
    first, second = source_of(tmp_path)
    assert first.intrinsics is not None and second.intrinsics is not None
    assert second.intrinsics[0, 0] / first.intrinsics[0, 0] == pytest.approx(2.0)
    Image.fromarray(photo(3)).save(tmp_path / "3.jpg")  # one without: lenses are predicted for all
    assert [frame.intrinsics for frame in source_of(tmp_path)] == [None, None, None]


LENSES = {
    "SIMPLE_PINHOLE": [90.0, 56, 42],
    "SIMPLE_RADIAL": [90.0, 56, 42, 0.1],
    "OPENCV": [90.0, 91, 56, 42, 0.05, 0.01, 0, 0],
    "OPENCV_FISHEYE": [60.0, 60, 56, 42, 0.01, 0, 0, 0],
    "PINHOLE": [180.0, 180, 112, 84],  # calibrated with pictures of twice the size
}


def write_model(folder: Path, names: list[str], text: bool = False) -> Path:
    """A COLMAP model with a lens of another kind for every picture, standing in a row."""
    model = pycolmap.Reconstruction()
    for number, (name, lens) in enumerate(zip(names, LENSES, strict=False), 1):
        size = (224, 168) if lens == "PINHOLE" else (112, 84)
        camera = pycolmap.Camera(model=lens, width=size[0], height=size[1], params=LENSES[lens], camera_id=number)
        model.add_camera_with_trivial_rig(camera)
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(), np.array([-0.1 * number, 0, 0]))
        model.add_image_with_trivial_frame(pycolmap.Image(name=name, camera_id=number, image_id=number), pose)
    folder.mkdir(parents=True)
    (model.write_text if text else model.write_binary)(str(folder))
    return folder


@pytest.mark.slow
def test_every_lens_of_a_colmap_model_is_straightened_and_its_pose_kept(settings: Make, tmp_path: Path) -> None:
    write_photos(tmp_path / "in" / "left", 5)
    names = [f"left/photo{number:02}.png" for number in range(5)]
    write_model(tmp_path / "colmap" / "sparse" / "0", names)
    out = tmp_path / "out"
    found = predict(
        str(tmp_path / "in" / "*" / "*.png"),
        str(out),
        settings=settings(**{"camera.cameras": str(tmp_path / "colmap")}),
    )
    centres = np.column_stack([0.1 * np.arange(1, 6), np.zeros(5), np.zeros(5)])
    np.testing.assert_allclose(found.world_from_camera[:, :3, 3], centres, atol=1e-9)  # in the world of the model
    np.testing.assert_allclose(found.intrinsics[0], intrinsics_matrix(90, 90, 56, 42))
    np.testing.assert_allclose(found.intrinsics[4], intrinsics_matrix(90, 90, 56, 42), rtol=1e-6)
    assert found.units == "relative"
    with np.load(export_run(out, "npz", options={}).path) as arrays:
        assert len(arrays["image"]) == 5
    again = [camera.camera_from_world for camera in read_cameras(out).in_order if camera is not None]
    np.testing.assert_allclose(np.linalg.inv(again), found.world_from_camera, atol=1e-9)  # a run tells cameras, too


def test_a_straight_picture_shows_a_point_where_its_pinhole_says(tmp_path: Path) -> None:
    lens = CameraModel.from_colmap("SIMPLE_RADIAL", (90.0, 56.0, 42.0, 0.1))
    ray = np.array([[0.4, 0.3]])
    x, y = lens.project(ray)[0]
    image = np.zeros((84, 112, 3), np.uint8)
    image[round(y - 0.5) - 2 : round(y - 0.5) + 3, round(x - 0.5) - 2 : round(x - 0.5) + 3] = 255
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), image)
    write_model(tmp_path / "model", ["b.png", "a.png"])
    settings = load_settings("predict", options={"camera.cameras": str(tmp_path / "model")})
    frame = next(iter(open_source(str(folder), settings.frames, None, settings.camera)))
    assert frame.intrinsics is not None
    weights = frame.image[..., 0].astype(float)
    rows, columns = np.mgrid[0.5:84, 0.5:112]
    seen = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    there = (frame.intrinsics @ [*ray[0], 1.0])[:2]
    np.testing.assert_allclose(seen, there, atol=0.6)


def test_a_picture_that_the_model_does_not_have_is_left_out_and_named(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", ["photo00.png", "photo02.png"], text=True)
    source = source_of(write_photos(tmp_path / "in", 3), cameras=str(model))
    first, last = source
    assert (first.name, last.name) == ("photo00.png", "photo02.png") and first.camera_from_world is not None
    (skipped,) = last.skipped_before
    assert (skipped.name, skipped.reason) == ("photo01.png", "no camera is given for it")


def test_names_that_fit_two_pictures_or_none_are_refused(tmp_path: Path) -> None:
    for place in ("left", "right"):
        write_photos(tmp_path / "in" / place, 1)
    with pytest.raises(SettingsError, match="'photo00.png' in .* may be .*left.* or .*right"):
        source_of(tmp_path / "in" / "*" / "*.png", cameras=str(write_model(tmp_path / "one", ["photo00.png"])))
    with pytest.raises(SettingsError, match="names no picture of the input: it has 'other.png'"):
        source_of(tmp_path / "in" / "left", cameras=str(write_model(tmp_path / "two", ["other.png"])))


def test_lists_of_poses_go_by_the_order_of_pictures(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "in", 2)
    tum, kitti = tmp_path / "poses.txt", tmp_path / "kitti.txt"
    tum.write_text("# time x y z qx qy qz qw\n0 1 2 3 0 0 0.7071068 0.7071068\n1 0 0 0 0 0 0 1\n")
    kitti.write_text("0 -1 0 1 1 0 0 2 0 0 1 3\n1 0 0 0 0 1 0 0 0 0 1 0\n")
    poses = [[camera.camera_from_world for camera in read_cameras(path).in_order if camera] for path in (tum, kitti)]
    np.testing.assert_allclose(poses[0], poses[1], atol=1e-6)
    frames = list(source_of(folder, cameras=str(tum), hfov_deg=60.0))
    np.testing.assert_allclose(frames[0].camera_from_world, poses[0][0], atol=1e-12)
    with pytest.raises(SettingsError, match="tells poses and no lens: give --intrinsics or --hfov-deg"):
        source_of(folder, cameras=str(tum))
    with pytest.raises(SettingsError, match="has cameras of 2 pictures without names, and the input has 3"):
        source_of(write_photos(tmp_path / "three", 3), cameras=str(tum))


def test_poses_are_refused_by_models_of_single_pictures(settings: Make, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "in", 2)
    model = write_model(tmp_path / "model", ["photo00.png", "photo01.png"])
    with pytest.raises(PredictorError, match="looks at single pictures and cannot use poses: leave --cameras out"):
        predict(folder, str(tmp_path / "out"), settings=settings("mono", **{"camera.cameras": str(model)}))


def test_a_model_without_points_is_read_and_names_may_have_spaces_and_steps_up(tmp_path: Path) -> None:
    poses = []
    for text in (False, True):
        folder = write_model(tmp_path / f"text{text}", ["../in/photo00.png", "photo01.png"], text=text)
        for path in folder.glob("[prf]*"):  # points, rigs, frames
            path.unlink()
        cameras = read_cameras(folder).of_pictures(["/x/in/photo00.png", "/x/in/photo01.png", "/x/photo00.png"])
        assert cameras[0] is not None and cameras[1] is not None and cameras[2] is None
        poses.append([camera.camera_from_world for camera in cameras[:2] if camera is not None])
    np.testing.assert_array_equal(*poses)
    np.testing.assert_allclose(poses[0][1][:3, 3], (-0.2, 0, 0))
    images = folder / "images.txt"
    images.write_text("1 1 0 0 0 0 0 3 1 left side/a b.png\n1.5 2.5 -1\n2 1 0 0 0 0 0 0 2 c.png\n")
    assert list(read_cameras(folder).by_name) == ["left side/a b.png", "c.png"]


def test_cameras_that_are_cut_off_or_something_else_are_refused(tmp_path: Path) -> None:
    binary, text = (write_model(tmp_path / f"{text}", ["a.png", "b.png"], text=text) for text in (False, True))
    whole = (binary / "images.bin").read_bytes()
    for end in range(0, len(whole), 7):
        (binary / "images.bin").write_bytes(whole[:end])
        with pytest.raises(SettingsError, match=r"images\.bin' holds no pictures .*: is it cut off\?"):
            read_cameras(binary)
    line = "1 1 0 0 0 0 0 0 1 a.png\n"
    for content, why in (
        (line + line, "no pictures of COLMAP's"),  # without the line of points
        (line.replace(" 1 0 ", " 0 0 ", 1), "the pose of 'a.png' in .* holds no quaternion of length 1"),
        (line.replace(" 1 0 ", " nan 0 ", 1), "no quaternion"),
        (line.replace("1 a.png", "7 a.png"), "is of camera 7, which the model does not tell"),
        ("", "no picture with a pose"),
    ):
        (text / "images.txt").write_text(content)
        with pytest.raises(SettingsError, match=why):
            read_cameras(text)
    np.savez_compressed(tmp_path / "good.npz", extrinsics=np.random.default_rng(0).random((2, 4, 4)), intrinsics=1)
    damaged = bytearray((tmp_path / "good.npz").read_bytes())
    damaged[60:120] = bytes(byte ^ 255 for byte in damaged[60:120])
    np.save(tmp_path / "one.npy", np.zeros(3))
    for content in (b"", bytes(damaged), (tmp_path / "one.npy").read_bytes(), (tmp_path / "good.npz").read_bytes()):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(SettingsError, match=r"'.*x\.npz' (holds no arrays|must hold)"):
            read_cameras(tmp_path / "x.npz")
    (tmp_path / "camera_poses.txt").write_bytes(b"\x80")
    with pytest.raises(SettingsError, match="holds no cameras that can be read"):
        read_cameras(tmp_path)
