"""Calibrations as plain numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.calibration import read_calibration
from da3_stream.calibration.lines import EXPECTED
from da3_stream.errors import SettingsError

focal = st.floats(1e-3, 1e6)
centre = st.floats(-1e6, 1e6)


@given(focal, focal, centre, centre, st.sampled_from([",", " ", ", ", "\t"]))
def test_four_numbers_are_a_pinhole_whose_first_centre_lies_at_0(
    fx: float, fy: float, cx: float, cy: float, between: str
) -> None:
    model = read_calibration(between.join(map(repr, (fx, fy, cx, cy)))).model
    assert (model.name, model.params) == ("PINHOLE", (fx, fy, cx + 0.5, cy + 0.5))


@pytest.mark.parametrize(
    "text", ["# fx fy cx cy\n\n700 701.5 320 240\n", "\ufeff700,701.5, 320,240", "700 701.5,320\t240"]
)
def test_a_file_with_one_line_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "intrinsics.txt"
    path.write_text(text, encoding="utf-8")
    camera = read_calibration(str(path))
    assert camera.model.params == (700.0, 701.5, 320.5, 240.5)
    assert camera.source == f"{path} (line)"


def test_distortion_and_size_stand_behind_the_four_numbers() -> None:
    brown = read_calibration("292,292,239.5,179.5,-0.283,0.0739,0.0002,0.00002@480x360")
    assert brown.model.name == "OPENCV" and brown.size == (480, 360)
    assert brown.model.params == (292, 292, 240, 180, -0.283, 0.0739, 0.0002, 0.00002)
    with_k3 = read_calibration("292 292 239.5 179.5 -0.283 0.0739 0.0002 0.00002 0.01")
    assert with_k3.model.name == "FULL_OPENCV" and with_k3.model.distortion[4] == 0.01
    fisheye = read_calibration("opencv_fisheye:250,251,239.5,179.5,0.1,-0.02,0.003,0.0001 @ 480x360")
    assert fisheye.model.params == (250, 251, 240, 180, 0.1, -0.02, 0.003, 0.0001) and fisheye.size == (480, 360)


@pytest.mark.parametrize(
    "rows",
    [
        "208.5 0 159.5\n0 207.5 119.5\n0 0 1\n",
        "208.5, 0, 159.5, 0, 207.5, 119.5, 0, 0, 1",
        "[[208.5, 0, 159.5],\n [0, 207.5, 119.5],\n [0, 0, 1]]",
        "208.5 0 159.5 0\n0 207.5 119.5 0\n0 0 1 0\n0 0 0 1\n",
    ],
)
def test_a_matrix_is_read(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "K.txt"
    path.write_text(rows)
    assert read_calibration(str(path)).model.params == (208.5, 207.5, 160.0, 120.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("700,700,320", "the intrinsics '700,700,320' have 3 numbers"),
        ("700", "the intrinsics '700' have 1 number"),
        ("1,2,3,4,5", "the intrinsics '1,2,3,4,5' have 5 numbers"),
        ("", "the intrinsics '' have 0 numbers"),
        ("700,x,320,240", "the intrinsics '700,x,320,240' have 'x' where a finite number belongs"),
        ("700,nan,320,240", "the intrinsics '700,nan,320,240' have 'nan' where a finite number belongs"),
        ("700,700,320,240@640", "the intrinsics '700,700,320,240@640' have '@640' where a size belongs"),
        ("gone.txt", "the intrinsics 'gone.txt' are neither numbers nor a file that exists"),
        ("gone.yaml:cam0", "the intrinsics 'gone.yaml:cam0' are neither numbers nor a file that exists"),
    ],
)
def test_bad_text_gets_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_calibration(text)
    assert str(caught.value) == f"{problem}: {EXPECTED}"


@pytest.mark.parametrize("text", ["0,700,320,240", "700,-1,320,240"])
def test_a_focal_length_is_above_0(text: str) -> None:
    with pytest.raises(SettingsError, match="have a focal length that is not above 0"):
        read_calibration(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"1 2 3 4\n5 6 7 8\n", "has 2 lines with numbers"),
        (b"", "has 0 lines with numbers"),
        (bytes([0xFF, 0xFE, 0x80, 0x81]), "cannot be read as text"),
        (b"500 3 320\n0 500 240\n0 0 1\n", "have a skew of 3"),
        (b"1 0 4\n0 1 0\n5 0 1\n", "hold no camera's matrix"),
    ],
)
def test_a_file_without_a_calibration_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "k.txt"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=problem):
        read_calibration(str(path))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="are a folder: give the file in it"):
        read_calibration(str(tmp_path))


@pytest.mark.parametrize("clip", ["kitti06_0-50", "kitti07_0-159", "hololens_000"])
def test_the_clips_intrinsics_are_read(shared: Path, clip: str) -> None:
    assert min(read_calibration(str(shared / "data" / clip / "intrinsics.txt")).model.params) > 50
