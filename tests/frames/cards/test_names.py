"""Names tell chapters and cameras."""

from __future__ import annotations

from pathlib import Path

import pytest

from da3_stream.errors import FramesError
from da3_stream.frames.sources.cards.cameras import choose_camera
from da3_stream.frames.sources.cards.names import read_names


def cameras(*names: str) -> list[str | None]:
    return [name.camera for name in read_names([Path(name) for name in names])]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["2024_0101_120000_0001F.MP4", "2024_0101_120000_0002R.MP4"], ["front", "rear"]),
        (["20240101120000_000001PF.MP4", "20240101120000_000002PI.MP4"], ["front", "interior"]),
        (["NO20240101-120000-000001F.MP4", "NO20240101-120000-000001B.MP4"], ["front", "rear"]),
        (["2024_0101_120000_001A.MP4", "2024_0101_120000_001B.MP4"], ["front", "rear"]),
        (["20240101_120000_NF.mp4", "20240101_120000_NR.mp4"], ["front", "rear"]),
        (["REC_2024_01_01_12_00_00_F.MP4", "REC_2024_01_01_12_00_00_R.MP4"], ["front", "rear"]),
        (["240101_120000_001_FH.MP4", "240101_120000_001_RH.MP4"], ["front", "rear"]),
        (["2024-01-01_12-00-00-front.mp4", "2024-01-01_12-00-00-left_repeater.mp4"], ["front", "left_repeater"]),
        (["Front/FILE0001.MP4", "Rear/FILE0001.MP4"], ["front", "rear"]),
        (["DJI_20240101120000_0001_W.MP4", "DJI_20240101120000_0001_T.MP4"], ["wide", "thermal"]),
        (["VID_20240101_120000_00_001.insv", "VID_20240101_120000_10_001.insv"], ["lens 00", "lens 10"]),
        (["ride1F.mp4", "ride1R.mp4"], ["front", "rear"]),
        (["20240101_120000_NF.mp4"], ["front"]),
        (["fcamera.hevc", "ecamera.hevc"], ["front", "wide"]),
        (["trip_there.mp4", "trip_back.mp4"], [None, None]),
        (["back.mp4", "walk left.mp4"], [None, None]),
        (["2024-03-01 there.mp4", "2024-03-01 back.mp4"], [None, None]),
        (["clip1A.mp4", "clip1B.mp4"], [None, None]),
        (["20240101_120000a.mp4", "20240101_120000b.mp4"], [None, None]),
        (["left.mp4", "right.mp4"], ["left", "right"]),
        (["20240101_120000_1A.mp4", "20240101_130000_2B.mp4"], [None, None]),
        (["part1a.mp4", "part2b.mp4"], [None, None]),
        (["GX010001.MP4", "DJI_0001.MP4", "clip F.mp4"], [None, None, None]),
    ],
)
def test_cameras_by_makers(names: list[str], found: list[str | None]) -> None:
    assert cameras(*names) == found


@pytest.mark.parametrize(
    ("name", "number", "chapter"),
    [
        *(("GOPR0042.MP4", "0042", "0"), ("GP020042.MP4", "0042", "02"), ("gh010042.mp4", "0042", "01")),
        *(("GX120042.MP4", "0042", "12"), ("GHAB0042.MP4", "0042", "AB"), ("VIRB0042-3.MP4", "0042", "3")),
    ],
)
def test_chapters(name: str, number: str, chapter: str) -> None:
    (found,) = read_names([Path("100GOPRO") / name])
    assert (found.take[-1], found.chapter) == (number, chapter)


def test_the_first_chapter_of_old_cameras_is_of_the_same_recording() -> None:
    first, second = read_names([Path("GOPR0042.MP4"), Path("GP010042.MP4")])
    assert first.take == second.take


def test_one_camera_is_used_and_the_others_are_named() -> None:
    names = read_names([Path(f"2024_0101_1200{i:02d}_000{i}{camera}.MP4") for i in range(2) for camera in "FRI"])
    used, apart, text = choose_camera(names, None)
    assert {name.camera for name in used} == {"front"} and len(apart) == 4
    assert text == "the front camera is used; --camera takes another: interior, rear"
    assert {name.camera for name in choose_camera(names, "Back")[0]} == {"rear"}
    with pytest.raises(FramesError, match="the input has no camera 'roof': it has front, interior, rear"):
        choose_camera(names, "roof")


def test_a_single_camera_is_not_worth_a_word() -> None:
    names = read_names([Path(f"2024_0101_1200{i:02d}_000{i}F.MP4") for i in range(2)])
    assert choose_camera(names, None) == (names, [], "")
    with pytest.raises(FramesError, match="the input has no camera 'rear': it has front"):
        choose_camera(names, "rear")
