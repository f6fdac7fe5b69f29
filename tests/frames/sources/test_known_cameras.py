"""What is known of the camera: pinholes are told, lenses that distort are straightened at decode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.calibration import KnownCamera, read_calibration
from da3_stream.errors import SettingsError
from da3_stream.frames import open_source
from da3_stream.frames.sources.lens.input_camera import given_calibration, input_camera, know_camera
from da3_stream.frames.sources.picture import Picture
from da3_stream.frames.sources.recording import Candidate, Recording
from da3_stream.frames.sources.source import FrameSource
from da3_stream.geometry import intrinsics_from_hfov, pixel_centres
from da3_stream.geometry.camera_models import CameraModel
from da3_stream.settings import CameraSettings, FramesSettings
from da3_stream.types import AdviceCode, Float64, InputCamera, UInt8

SIZE = (480, 360)
LENSES = {
    "brown": "292,292,239.5,179.5,-0.283,0.0739,0.0002,0.00002",
    "k1 alone": "292,292,239.5,179.5,-0.28,0,0,0",
    "fisheye of 110 degrees": "opencv_fisheye:250,250,239.5,179.5,0,0,0,0",
    "fisheye of 190 degrees": "opencv_fisheye:145,145,239.5,179.5,0,0,0,0",
}


def settings(intrinsics: str | None = None, **others: object) -> CameraSettings:
    """The camera's settings with a calibration as text."""
    return CameraSettings.model_validate({"intrinsics": intrinsics, **others})


def known(camera: CameraSettings, size: tuple[int, int], focal_px: float | None = None) -> InputCamera:
    """The camera of an input that has no calibration of its own."""
    return input_camera(camera, size, focal_px, given_calibration(camera, None))


def waves(rays: Float64) -> UInt8:
    """Smooth colours [...,3] by the direction (x and y at depth 1) that they come from."""
    x, y = np.moveaxis(rays, -1, 0)
    colours = np.stack([np.sin(7 * x), np.cos(5 * y), np.sin(4 * x + 6 * y)], axis=-1)
    return np.rint(127 + 100 * colours).astype(np.uint8)


def seen_through(lens: CameraModel, size: tuple[int, int]) -> UInt8:
    """A picture [H,W,3] of the waves through a lens; white where it sees nothing."""
    rays = lens.undistort(pixel_centres(size[1], size[0]).reshape(-1, 2))
    picture = np.where(np.isnan(rays[:, [0]]), 255, waves(np.nan_to_num(rays)))
    return np.asarray(picture.reshape(size[1], size[0], 3), np.uint8)


def test_given_intrinsics_move_by_half_a_pixel_at_the_door() -> None:
    camera = known(settings("500,510,319.5,239.5"), (640, 480), 123.0)
    np.testing.assert_array_equal(camera.k, [[500, 0, 320], [0, 510, 240], [0, 0, 1]])
    assert camera.focal_sigma is None and camera.as_json()["source"] == "given"


def test_a_field_of_view_comes_before_tags_and_tags_are_a_guess() -> None:
    camera = known(settings(hfov_deg=60.0), (640, 480), 123.0)
    np.testing.assert_array_equal(camera.k, intrinsics_from_hfov(60.0, (640, 480)))
    assert camera.focal_sigma is None
    camera = known(settings(), (640, 480), 123.0)
    np.testing.assert_array_equal(camera.k, [[123, 0, 320], [0, 123, 240], [0, 0, 1]])
    assert camera.focal_sigma == 0.05
    assert known(settings(), (640, 480)).as_json() == {"model": None, "params": None, "source": None}


def test_intrinsics_of_another_resolution_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"\(960, 540\) lies outside the image of 640x480 pixels"):
        known(settings("1000,1000,960,540"), (640, 480))
    with pytest.raises(
        SettingsError, match="^the intrinsics are for pictures of 1920x1080, and the input's are 640x480"
    ):
        known(settings("1000,1000,960,540@1920x1080"), (640, 480))


@pytest.mark.slow
@pytest.mark.parametrize("text", LENSES.values(), ids=LENSES.keys())
@pytest.mark.parametrize("side", [None, 240])
def test_a_lens_that_is_known_is_straightened(text: str, side: int | None) -> None:
    lens = read_calibration(text).model
    picture = seen_through(lens, SIZE)
    source = open_source([picture] * 2, FramesSettings(), side, settings(text))
    frame = next(iter(source))
    assert source.size == frame.source_size == SIZE and source.camera.k is not None
    height, width = frame.image.shape[:2]
    k = source.camera.k * [[width / SIZE[0]], [height / SIZE[1]], [1]]
    expected = waves((pixel_centres(height, width) - k[:2, 2]) / [k[0, 0], k[1, 1]])
    counts = np.ones((height, width), np.bool_) if frame.mask is None else frame.mask
    error = np.abs(frame.image.astype(int) - expected).max(axis=-1)[counts]
    share = 0.98 if side is None else 0.6  # shrunk pictures are means of what is beside them, too
    assert np.quantile(error, share) <= 3 and counts.mean() > 0.6
    assert not frame.image[~counts].any()  # black, not repeated


@pytest.mark.parametrize("text", LENSES.values(), ids=LENSES.keys())
def test_what_counts_was_seen_by_the_lens(text: str) -> None:
    white = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    frame = next(iter(open_source([white], FramesSettings(), None, settings(text))))
    assert frame.mask is None or (frame.image[frame.mask] == 255).all()


def test_the_view_is_as_wide_as_fills_its_middle_row_and_column_or_as_is_asked_for() -> None:
    brown = known(settings(LENSES["brown"]), SIZE)
    assert brown.k is not None and brown.lens is not None
    top, left = brown.lens.project(np.diag([1.0, 1.0])[::-1] * (-brown.k[[1, 0], 2] / brown.k[[1, 0], [1, 0]])[:, None])
    assert top[1] == pytest.approx(0.0, abs=0.2) and left[0] > 0  # but for p1 and p2
    asked = known(settings(LENSES["brown"], undistort_fov=60.0), SIZE)
    assert asked.k is not None and asked.k[0, 0] == pytest.approx(240 / np.tan(np.radians(30)))


def test_a_mask_is_straightened_too() -> None:
    source = open_source([np.zeros((SIZE[1], SIZE[0], 3), np.uint8)], FramesSettings(), None, settings(LENSES["brown"]))
    assert source.undistort is not None
    mask = np.ones((SIZE[1], SIZE[0]), np.bool_)
    mask[170:190, 230:250] = False
    straight = source.undistort(replace(next(iter(source)), mask=mask)).mask
    assert straight is not None and not straight[175:185, 235:245].any() and straight[120, 240] and not straight[0, 240]


def test_what_was_chosen_and_scaled_is_said() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    source = open_source([picture], FramesSettings(), None, settings("292,292,239.5,179.5@480x360"))
    (advice,) = source.advice
    assert advice.code == AdviceCode.INPUT_CAMERA
    assert advice.text == "the intrinsics of pictures of 480x360 were scaled to the input's 320x240"
    camera = KnownCamera(CameraModel.perspective(300, 300, 160, 120), None, "calib.txt:P0 (KITTI)", ("P2",))
    source = open_source([picture], FramesSettings(), None, CameraSettings.model_validate({"intrinsics": camera}))
    assert "those of calib.txt:P0 (KITTI), and P2 stand beside them" in source.advice[0].text
    assert source.camera.as_json() == {
        "model": "PINHOLE",
        "params": (300.0, 300.0, 160.0, 120.0),
        "source": "calib.txt:P0 (KITTI)",
    }


@pytest.mark.parametrize(("size", "is_used"), [((480, 360), True), ((640, 360), False)])
def test_an_input_s_own_calibration_is_used_if_it_fits(size: tuple[int, int], is_used: bool) -> None:
    own = KnownCamera(CameraModel.fisheye(250, 250, 240, 180), size, "/camera_info (ROS camera_info)")
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    rows = [Candidate(i, i / 30, str(i), lambda: Picture(picture)) for i in range(2)]
    recording = Recording("bag", "arrays", lambda start: (row for row in rows), 2, 30.0, calibration=own)
    source = know_camera(FrameSource.of(recording, FramesSettings(), None).open(), CameraSettings())
    assert (source.camera.lens == own.model) == is_used and (source.undistort is not None) == is_used
    said = source.advice[0].text
    assert said.startswith("the camera is calibrated by /camera_info") == is_used
    assert said.endswith("the calibration in the input is not used") != is_used
