"""Which predictor a run gets, and what it is told of the camera."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import PredictorError, SettingsError
from da3_stream.geometry import intrinsics_from_hfov
from da3_stream.predictors import chosen_model, image_side, known_camera, make_predictor
from da3_stream.settings import CameraSettings, ModelSettings, Settings

SIZE = (640, 480)


def test_auto_is_sfm_and_says_why() -> None:
    assert chosen_model(ModelSettings(name="auto")).startswith("sfm (auto: there is no Depth Anything 3 model")
    assert chosen_model(ModelSettings(name="sfm")) == "sfm"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_devices_that_exist_somewhere_are_taken(device: str) -> None:
    assert chosen_model(ModelSettings(name="sfm", device=device)) == "sfm"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "", "CPU"])
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(PredictorError, match="choose auto, cpu, cuda, cuda:N or mps"):
        chosen_model(ModelSettings(name="sfm", device=device))


def test_an_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(PredictorError, match="there is no model 'da3': choose one of auto, sfm"):
        make_predictor(Settings.build({"model": {"name": "da3"}}), SIZE)


def test_given_intrinsics_move_by_half_a_pixel_at_the_door() -> None:
    k = known_camera(CameraSettings(intrinsics=(500.0, 510.0, 319.5, 239.5)), SIZE, 123.0)
    np.testing.assert_array_equal(k, [[500, 0, 320], [0, 510, 240], [0, 0, 1]])


def test_a_field_of_view_comes_before_exif_and_exif_before_nothing() -> None:
    k = known_camera(CameraSettings(hfov_deg=60.0), SIZE, 123.0)
    np.testing.assert_array_equal(k, intrinsics_from_hfov(60.0, SIZE))
    k = known_camera(CameraSettings(), SIZE, 123.0)
    np.testing.assert_array_equal(k, [[123, 0, 320], [0, 123, 240], [0, 0, 1]])
    assert known_camera(CameraSettings(), SIZE, None) is None


def test_intrinsics_of_another_resolution_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"\(960, 540\) lies outside the image of 640x480 pixels"):
        known_camera(CameraSettings(intrinsics=(1000.0, 1000.0, 960.0, 540.0)), SIZE, None)


def test_frames_are_shrunk_to_what_the_predictor_looks_at() -> None:
    class Small:
        image_side = 128

    assert image_side(Settings()) == 640
    assert image_side(Settings(), Small()) == 128  # type: ignore[arg-type]
    assert image_side(Settings(), object()) is None  # type: ignore[arg-type]
    assert image_side(Settings.build({"model": {"resolution": 320}}), Small()) == 320  # type: ignore[arg-type]


def test_the_device_is_said_not_to_be_used(caplog: pytest.LogCaptureFixture) -> None:
    predictor = make_predictor(Settings.build({"model": {"name": "sfm", "device": "cuda", "workers": 1}}), SIZE)
    predictor.close()  # type: ignore[attr-defined]
    assert "sfm runs on the CPU: device cuda is not used" in caplog.text
