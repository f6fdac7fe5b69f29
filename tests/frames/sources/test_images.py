"""Folders, globs and lists of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from da3_stream.frames import open_source
from da3_stream.frames.sources.images.exif import focal_px
from da3_stream.frames.sources.images.files import PictureFiles, natural_key
from da3_stream.frames.sources.picture import Picture
from da3_stream.settings import FramesSettings
from tests.frames.conftest import HEIGHT, WIDTH, number_of, picture
from tests.worlds.wall import skipped

Write = Callable[..., Path]
ALL = FramesSettings()
ORIENTATION, FOCAL_35MM = 0x112, 0xA405


def read_image(path: Path) -> np.ndarray:
    found = PictureFiles([path]).read(path)
    assert isinstance(found, Picture), found
    return found.image


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True))
def test_numbers_in_names_sort_by_value(numbers: list[int]) -> None:
    names = [Path(f"IMG_{number}.jpg") for number in numbers]
    assert sorted(names, key=natural_key) == [Path(f"IMG_{number}.jpg") for number in sorted(numbers)]


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=8), max_size=10))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    paths = [Path(name) for name in names]
    assert sorted(sorted(paths, key=natural_key, reverse=True), key=natural_key) == sorted(paths, key=natural_key)


def test_a_folder_comes_in_natural_order_with_mixed_suffixes(write_images: Write) -> None:
    names = ["img1.png", "IMG2.JPG", "img9.webp", "img10.bmp", "img11.TIFF", "img100.Png", "img101.jpeg"]
    folder = write_images(names)
    (folder / "notes.txt").write_text("no image")
    (folder / ".img0.png").write_bytes((folder / "img1.png").read_bytes())
    source = open_source(folder, ALL)
    frames = list(source)
    assert [frame.name for frame in frames] == names
    assert [number_of(frame.image) for frame in frames] == list(range(7))
    assert (source.kind, source.expected, source.fps, source.has_times) == ("images", 7, None, False)
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(7) / 30)


def test_the_rate_of_images_can_be_set(write_images: Write) -> None:
    folder = write_images([f"{i}.png" for i in range(10)])
    frames = list(open_source(folder, FramesSettings(default_fps=2.0, fps=1.0, start=1.0)))
    assert [(frame.index, frame.timestamp) for frame in frames] == [(2, 1.0), (4, 2.0), (6, 3.0), (8, 4.0)]


def test_a_glob_takes_what_it_matches(write_images: Write) -> None:
    folder = write_images(["left1.png", "left2.png", "left10.png", "right1.png"])
    frames = list(open_source(f"{folder}/left*", ALL))
    assert [frame.name for frame in frames] == ["left1.png", "left2.png", "left10.png"]


def test_a_glob_over_folders_names_frames_by_their_folder(write_images: Write, tmp_path: Path) -> None:
    write_images(["1.png"], folder="a")
    write_images(["1.png"], folder="b")
    assert [frame.name for frame in open_source(str(tmp_path / "**/*.png"), ALL)] == ["a/1.png", "b/1.png"]


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(write_images: Write) -> None:
    assert len(list(open_source(write_images(["1.png"], folder="run[1]"), ALL))) == 1


def test_a_list_keeps_its_order(write_images: Write) -> None:
    folder = write_images(["1.png", "2.png", "3.png"])
    frames = list(open_source([folder / "3.png", str(folder / "1.png")], ALL))
    assert [number_of(frame.image) for frame in frames] == [2, 0]


def test_a_list_may_mix_relative_and_absolute_paths(write_images: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_images(["1.png", "2.png"])
    monkeypatch.chdir(folder)
    assert [frame.name for frame in open_source(["2.png", folder / "1.png"], ALL)] == ["2.png", "1.png"]


def test_a_single_image_is_one_frame(write_images: Write) -> None:
    source = open_source(write_images(["1.png"]) / "1.png", ALL)
    assert source.expected == 1
    assert [frame.name for frame in source] == ["1.png"]


def test_names_outside_ascii_are_read(write_images: Write) -> None:
    folder = write_images(["bild_ä1.png", "図2.jpg"], folder="straße")
    assert len(list(open_source(folder, ALL))) == 2


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp", ".ppm", ".jp2", ".avif"])
def test_colours_are_rgb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix, np.full((64, 64, 3), (20, 100, 220), np.uint8))[1].tobytes())
    np.testing.assert_allclose(read_image(path)[32, 32], (220, 100, 20), atol=12)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_alpha_and_sixteen_bits_become_rgb(tmp_path: Path, suffix: str, channels: int, dtype: type) -> None:
    values = np.random.default_rng(0).integers(0, 256, (20, 30, channels)).astype(dtype)
    values[..., 3:] = np.maximum(values[..., 3:], 1)
    stored = values * 257 if dtype == np.uint16 else values
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix, stored)[1].tobytes())
    expected = values[:, :, [0, 0, 0] if channels == 1 else [2, 1, 0]].astype(np.uint8)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("suffix", [".hdr", ".pfm", ".tiff"])
def test_floating_point_is_zero_to_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    image = np.full((20, 30, 3), (0.1, 0.5, 1.0), np.float32)
    path.write_bytes(cv2.imencode(suffix, image)[1].tobytes())
    np.testing.assert_allclose(np.asarray(read_image(path))[3, 4], (255, 128, 26), atol=2)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = picture(0)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, 3),
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    frame = next(iter(open_source(tmp_path / f"a.{suffix}", ALL)))
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    inner = np.s_[4 : HEIGHT // 2 - 4, 4 : WIDTH // 2 - 4]
    np.testing.assert_allclose(frame.image[inner].mean((0, 1)), (20, 220, 60), atol=8)
    np.testing.assert_allclose(frame.image[HEIGHT // 2 + 4 :].mean((0, 1)), (40, 40, 40), atol=8)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "empty file (0 bytes)"),
        (lambda data: data[: len(data) // 2], "cannot be decoded as an image"),
        (lambda data: b"This is text.", "cannot be decoded as an image"),
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_bad_image_is_skipped_by_name(
    write_images: Write, damage: Callable[[bytes], bytes], reason: str, suffix: str
) -> None:
    folder = write_images([f"{i}{suffix}" for i in range(4)])
    path = folder / f"2{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    source = open_source(folder, ALL)
    assert [frame.index for frame in source] == [0, 1, 3]
    assert [(bad.index, bad.name, bad.reason) for bad in skipped(source)] == [(2, f"2{suffix}", reason)]


def test_a_bad_first_image_leaves_the_size_to_the_next(write_images: Write) -> None:
    folder = write_images(["0.png", "1.png", "2.png"])
    (folder / "0.png").write_bytes(b"")
    source = open_source(folder, ALL)
    assert source.size == (WIDTH, HEIGHT) and source.first_index == 1
    assert [frame.index for frame in source] == [1, 2]
    assert len(skipped(source)) == 1


def test_a_frame_of_another_shape_is_skipped_by_name(write_images: Write) -> None:
    folder = write_images(["0.png", "2.png"])
    cv2.imwrite(str(folder / "1.png"), picture(1, 300, 150))
    source = open_source(folder, ALL)
    assert [frame.name for frame in source] == ["0.png", "2.png"]
    assert [bad.reason for bad in skipped(source)] == ["size 300x150 differs from the run's 96x64"]


@pytest.mark.parametrize("size", [(48, 32), (192, 128), (193, 128)])
def test_a_frame_of_the_same_shape_is_resized(write_images: Write, size: tuple[int, int]) -> None:
    folder = write_images(["0.png", "2.png"])
    cv2.imwrite(str(folder / "1.png"), picture(1, *size))
    frames = list(open_source(folder, ALL))
    assert [frame.image.shape for frame in frames] == [(HEIGHT, WIDTH, 3)] * 3
    assert [frame.source_size for frame in frames] == [(WIDTH, HEIGHT)] * 3
    assert number_of(frames[1].image) == 1


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_images_are_frames_like_others(tmp_path: Path, value: int) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((8, 8, 3), value, np.uint8))
    assert [frame.image.max() for frame in open_source(tmp_path, ALL)] == [value] * 3


def test_the_focal_length_is_read_from_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[FOCAL_35MM] = 27
    exif[ORIENTATION] = 6
    Image.fromarray(picture(0)).save(tmp_path / "a.jpg", exif=exif)
    source = open_source(tmp_path, ALL, image_side=32)
    assert source.size == (HEIGHT, WIDTH)
    assert source.focal_px == pytest.approx(27 / np.hypot(36, 24) * np.hypot(WIDTH, HEIGHT))


def test_images_without_exif_have_no_focal_length(write_images: Write) -> None:
    assert open_source(write_images(["1.png"]), ALL).focal_px is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({0xA405: 36}, 36 / np.hypot(36, 24) * 5000.0),
        ({0xA405: 0, 0x920A: 5.0}, None),
        ({0x920A: 5.0, 0xA20E: 600.0, 0xA210: 3}, 300.0),  # 5 mm times 600 pixels per centimetre
        ({0x920A: 25.4, 0xA20E: 100.0}, 100.0),  # per inch where no unit is given
        ({0x920A: 5.0, 0xA20E: 600.0, 0xA210: 3, 0xA002: 8000, 0xA003: 6000}, 150.0),  # shown at half its size
        ({0x920A: 5.0, 0xA20E: 600.0, 0xA210: 99}, None),
        ({0xA405: float("nan"), 0x920A: "x", 0xA20E: None}, None),
        ({}, None),
    ],
)
def test_exif_focal_lengths_by_hand(tags: dict[int, object], expected: float | None) -> None:
    assert focal_px(tags, (4000, 3000)) == (None if expected is None else pytest.approx(expected))


def test_real_images_are_read(shared: Path) -> None:
    source = open_source(shared / "data/r3_house/images", FramesSettings(max_frames=5))
    assert source.expected == 5
    assert len(list(source)) == 5
    assert skipped(source) == []
