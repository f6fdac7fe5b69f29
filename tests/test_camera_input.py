"""Intrinsics as a person gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.camera_input import EXPECTED, read_intrinsics
from da3_stream.errors import SettingsError

focal = st.floats(1e-3, 1e6)
centre = st.floats(-1e6, 1e6)


@given(focal, focal, centre, centre, st.sampled_from([",", " ", ", ", "\t"]))
def test_four_numbers_come_back_as_they_are(fx: float, fy: float, cx: float, cy: float, between: str) -> None:
    assert read_intrinsics(between.join(map(repr, (fx, fy, cx, cy)))) == (fx, fy, cx, cy)


@pytest.mark.parametrize(
    "text", ["# fx fy cx cy\n\n700 701.5 320 240\n", "\ufeff700,701.5, 320,240", "700 701.5,320\t240"]
)
def test_a_file_with_one_line_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "intrinsics.txt"
    path.write_text(text, encoding="utf-8")
    assert read_intrinsics(str(path)) == (700.0, 701.5, 320.0, 240.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("700,700,320", "the intrinsics '700,700,320' have 3 numbers"),
        ("700", "the intrinsics '700' have 1 number"),
        ("1,2,3,4,5", "the intrinsics '1,2,3,4,5' have 5 numbers"),
        ("", "the intrinsics '' have 0 numbers"),
        ("0,700,320,240", "the intrinsics '0,700,320,240' have a focal length that is not above 0 (fx 0, fy 700)"),
        ("700,-1,320,240", "the intrinsics '700,-1,320,240' have a focal length that is not above 0 (fx 700, fy -1)"),
        ("700,x,320,240", "the intrinsics '700,x,320,240' have 'x' where a finite number belongs"),
        ("700,nan,320,240", "the intrinsics '700,nan,320,240' have 'nan' where a finite number belongs"),
        ("gone.txt", "the intrinsics 'gone.txt' are neither numbers nor a file that exists"),
    ],
)
def test_bad_text_gets_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_intrinsics(text)
    assert str(caught.value) == f"{problem}: {EXPECTED}"


def test_a_file_with_several_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.txt"
    path.write_text("1 2 3 4\n5 6 7 8\n")
    with pytest.raises(SettingsError) as caught:
        read_intrinsics(str(path))
    assert str(caught.value) == f"the intrinsics file '{path}' has 2 lines with numbers: {EXPECTED}"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.bin"
    path.write_bytes(bytes([0xFF, 0xFE, 0x80, 0x81]))
    with pytest.raises(SettingsError) as caught:
        read_intrinsics(str(path))
    assert str(caught.value) == f"the intrinsics file '{path}' cannot be read as text: {EXPECTED}"


@pytest.mark.parametrize("clip", ["kitti06_0-50", "kitti07_0-159", "hololens_000"])
def test_the_clips_intrinsics_are_read(shared: Path, clip: str) -> None:
    fx, fy, cx, cy = read_intrinsics(str(shared / "data" / clip / "intrinsics.txt"))
    assert min(fx, fy, cx, cy) > 50
