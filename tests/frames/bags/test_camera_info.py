"""What a bag tells of its camera becomes the calibration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import CameraSettings, FramesSettings
from da3_stream.types import AdviceCode
from tests.frames.bags.conftest import START_NS, STEP_NS, BagWriter
from tests.frames.conftest import picture

NewBag = Callable[..., BagWriter]
ALL = FramesSettings()
K = [80.0, 0, 47.5, 0, 81.0, 31.5, 0, 0, 1]  # of 96x64, first pixel centre at 0
P = [70.0, 0, 46.5, 0, 0, 70.0, 30.5, 0, 0, 0, 1, 0]
D = [-0.28, 0.07, 0.0002, 0.00002, 0.01]


def source_of(
    bag: BagWriter,
    topic: str = "/cam/image_raw",
    info: str = "/cam/camera_info",
    size: tuple[int, int] = (96, 64),
    camera: CameraSettings | None = None,
    **facts: Any,
) -> FrameSource:
    bag.add_info(info, START_NS, **{"k": K, "p": P, **facts})
    for i in range(3):
        bag.add_raw(topic, picture(i, *size), "rgb8", START_NS + i * STEP_NS)
    return open_source(bag.write(), ALL, camera=camera)


def said(source: FrameSource) -> str:
    return " ".join(advice.text for advice in source.advice if advice.code == AdviceCode.INPUT_CAMERA)


@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
@pytest.mark.parametrize(
    ("model", "d", "name"),
    [
        ("plumb_bob", [0.0] * 5, "PINHOLE"),
        ("", [], "PINHOLE"),
        ("plumb_bob", D[:4], "OPENCV"),
        ("plumb_bob", D, "FULL_OPENCV"),
        ("rational_polynomial", [*D, 0.1, 0.02, 0.003], "FULL_OPENCV"),
        ("equidistant", [0.01, 0.002, 0.0003, 0.00004], "OPENCV_FISHEYE"),
    ],
)
def test_k_and_d_are_read_as_they_are(new_bag: NewBag, kind: str, model: str, d: list[float], name: str) -> None:
    source = source_of(new_bag(kind), d=d, distortion_model=model)
    lens = source.camera.lens
    assert lens is not None
    assert lens.name == name
    assert np.allclose(lens.params[:4], [80, 81, 48, 32], atol=1e-9)
    given = [*d, *[0.0] * 8][: len(lens.params) - 4]
    assert list(lens.params[4:]) == given
    assert "/cam/camera_info" in source.camera.source
    assert "calibrated by /cam/camera_info" in said(source)


def test_the_calibration_of_compressed_pictures_is_beside_the_camera(new_bag: NewBag) -> None:
    import cv2

    bag = new_bag()
    bag.add_info("/cam/camera_info", START_NS, k=K)
    _, data = cv2.imencode(".png", picture(0))
    bag.add_compressed("/cam/image_raw/compressed", data.tobytes(), "png", START_NS)
    lens = open_source(bag.write(), ALL).camera.lens
    assert lens is not None
    assert lens.fx == 80


def test_librealsense_has_it_in_a_folder_of_its_own(new_bag: NewBag) -> None:
    source = source_of(
        new_bag("bag"), "/device_0/sensor_1/Color_0/image/data", "/device_0/sensor_1/Color_0/info/camera_info"
    )
    assert source.camera.lens is not None


def test_the_only_one_of_the_same_frame_is_taken(new_bag: NewBag) -> None:
    assert source_of(new_bag(), info="/elsewhere/info").camera.lens is not None


def test_rectified_pictures_go_by_p_without_distortion(new_bag: NewBag) -> None:
    lens = source_of(new_bag(), "/cam/image_rect_color", d=D).camera.lens
    assert lens is not None
    assert (lens.name, lens.params) == ("PINHOLE", (70, 70, 47, 31))


def test_rectified_pictures_of_a_driver_that_leaves_p_out_go_by_k(new_bag: NewBag) -> None:
    lens = source_of(new_bag(), "/cam/image_rect_raw", p=[0.0] * 12).camera.lens
    assert lens is not None
    assert lens.fx == 80


def test_zeros_are_no_calibration(new_bag: NewBag) -> None:
    source = source_of(new_bag(), k=[0.0] * 9)
    assert source.camera.lens is None
    assert "not calibrated" in said(source)


def test_binned_pictures_have_a_k_of_their_own(new_bag: NewBag) -> None:
    """Pixel x of binned pictures is made of pixels 2 x and 2 x + 1: its centre is where theirs meet."""
    lens = source_of(new_bag(), height=128, width=192, binning_x=2, binning_y=2).camera.lens
    assert lens is not None
    assert np.allclose(lens.params, [40, 40.5, 24, 16])


@pytest.mark.parametrize("binning", [1, 2])
def test_pictures_of_a_region_have_its_centre(new_bag: NewBag, binning: int) -> None:
    k = [80.0, 0, 147.5, 0, 81.0, 131.5, 0, 0, 1]
    region = (100, 100, 96 * binning, 64 * binning)
    source = source_of(new_bag(), width=640, height=480, k=k, roi=region, binning_x=binning, binning_y=binning)
    lens = source.camera.lens
    assert lens is not None
    assert np.allclose(lens.params, np.array([80, 81, 48, 32]) / binning)


def test_pictures_that_were_resized_behind_the_camera_have_it_scaled(new_bag: NewBag) -> None:
    source = source_of(new_bag(), width=960, height=640, k=[800.0, 0, 479.5, 0, 800.0, 319.5, 0, 0, 1])
    assert source.camera.lens is not None
    assert np.allclose(source.camera.lens.params, [80, 80, 48, 32])
    assert "960x640 were scaled to the input's 96x64" in said(source)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"distortion_model": "thin_prism", "d": [0.1] * 4}, "distortion model 'thin_prism'"),
        ({"width": 640, "height": 640}, "640x640"),
        ({"k": [80.0, 0, 500.0, 0, 81.0, 31.5, 0, 0, 1]}, "outside the image"),
        ({"k": [float("nan")] * 9}, "expected fx 0 cx"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_said_and_not_used(
    new_bag: NewBag, facts: dict[str, Any], words: str
) -> None:
    source = source_of(new_bag(), **facts)
    assert source.camera.lens is None
    assert "is not used" in said(source)
    assert words in said(source)


def test_a_model_without_coefficients_is_a_pinhole_whatever_its_name(new_bag: NewBag) -> None:
    source = source_of(new_bag(), distortion_model="inverse_brown_conrady", d=[0.0] * 5)
    assert source.camera.lens is not None
    assert source.camera.lens.is_pinhole


def test_what_the_user_gives_goes_before(new_bag: NewBag) -> None:
    source = source_of(new_bag(), camera=CameraSettings.model_validate({"intrinsics": "90,90,47.5,31.5"}))
    assert source.camera.lens is not None
    assert source.camera.lens.fx == 90
    assert "calibrated by" not in said(source)


def test_distorted_pictures_come_out_straight(new_bag: NewBag) -> None:
    source = source_of(new_bag(), d=[-0.2, 0.0, 0.0, 0.0, 0.0])
    frame = next(iter(source))
    assert source.undistort is not None
    assert source.undistort(frame).image.shape == frame.image.shape
