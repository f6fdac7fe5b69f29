"""Folders of pictures of several sizes, and what their headers tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode
from tests.worlds.heif import heic
from tests.worlds.wall import skipped

ALL = FramesSettings()
ORIENTATION, FOCAL_35MM = 0x112, 0xA405


def write(folder: Path, sizes: Sequence[tuple[int, int]], suffix: str = "jpg", turned: Sequence[int] = ()) -> Path:
    """Pictures of these stored sizes; those whose place is in `turned` say that they are to be turned."""
    for i, (width, height) in enumerate(sizes):
        exif = Image.Exif()
        exif[ORIENTATION] = 6 if i in turned else 1
        image = Image.fromarray(np.random.default_rng(i).integers(0, 255, (height, width, 3)).astype(np.uint8))
        image.save(folder / f"{i:02d}.{suffix}", exif=exif)
    return folder


def said(source: FrameSource, code: AdviceCode) -> list[str]:
    return [advice.text for advice in source.advice if advice.code == code]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("odd_one", [0, 3])
def test_the_size_of_most_is_the_runs(tmp_path: Path, odd_one: int, suffix: str) -> None:
    sizes = [(96, 64)] * 5
    sizes[odd_one] = (50, 80)
    source = open_source(write(tmp_path, sizes, suffix), ALL)
    assert source.size == (96, 64)
    assert [frame.index for frame in source] == [i for i in range(5) if i != odd_one]
    assert [bad.reason for bad in skipped(source)] == ["size 50x80 differs from the run's 96x64"]
    assert (
        "2 sizes" in said(source, AdviceCode.INPUT_PIXELS)[0] and "4 of 5" in said(source, AdviceCode.INPUT_PIXELS)[0]
    )


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_a_phone_that_was_turned_is_skipped_where_most_are_not(tmp_path: Path, suffix: str) -> None:
    source = open_source(write(tmp_path, [(96, 64)] * 6, suffix, turned=[0, 4]), ALL)
    assert source.size == (96, 64) and [frame.index for frame in source] == [1, 2, 3, 5]
    assert [bad.reason for bad in skipped(source)] == ["size 64x96 differs from the run's 96x64"] * 2


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_a_camera_that_was_turned_shows_scenes_of_one_size(tmp_path: Path, suffix: str) -> None:
    """Some stored upright, some on their side with a tag: all are the same size to a viewer."""
    write(tmp_path, [(64, 96), (96, 64), (64, 96), (96, 64)], suffix, turned=[1, 3])
    source = open_source(tmp_path, ALL)
    assert source.size == (64, 96) and len(list(source)) == 4 and said(source, AdviceCode.INPUT_PIXELS) == []


def test_equal_shapes_of_several_sizes_become_one(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, [(48, 32), (96, 64), (96, 64), (192, 128)]), ALL)
    assert {frame.image.shape for frame in source} == {(64, 96, 3)} and len(list(source)) == 4


def test_a_header_that_cannot_be_read_has_no_vote(tmp_path: Path) -> None:
    write(tmp_path, [(96, 64), (96, 64)])
    (tmp_path / "00.jpg").write_bytes(b"no image")
    source = open_source(tmp_path, ALL)
    assert source.size == (96, 64) and [frame.index for frame in source] == [1]


@pytest.mark.parametrize(("name", "options"), [("a.jpg", {}), ("a.webp", {"lossless": True}), ("a.png", {})])
def test_an_orientation_in_xmp_alone_turns_nothing(tmp_path: Path, name: str, options: dict[str, bool]) -> None:
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    write(tmp_path, [(96, 64)])
    Image.open(tmp_path / "00.jpg").save(tmp_path / name, xmp=xmp, **options)
    (tmp_path / "00.jpg").unlink()
    source = open_source(tmp_path, ALL)
    assert source.size == (96, 64) and len(list(source)) == 1


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_more_pixels_than_pillow_wants_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    write(tmp_path, [(96, 64)], suffix)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert open_source(tmp_path, ALL).size == (96, 64)


@pytest.mark.parametrize("quarter_turns", [0, 1])
def test_a_folder_of_a_phones_heic(tmp_path: Path, quarter_turns: int) -> None:
    for i in range(3):
        (tmp_path / f"IMG_{i:04d}.HEIC").write_bytes(heic(np.full((64, 96, 3), 60 + 40 * i, np.uint8), quarter_turns))
    source = open_source(tmp_path, ALL)
    assert source.size == ((96, 64), (64, 96))[quarter_turns]
    np.testing.assert_allclose([frame.image.mean() for frame in source], (60, 100, 140), atol=3)


def photograph(path: Path, film_mm: int, size: tuple[int, int] = (96, 64)) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    exif.get_ifd(0x8769)[FOCAL_35MM] = film_mm
    Image.new("RGB", size, (90, 120, 30)).save(path, exif=exif.tobytes())


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_focal_length_is_that_of_the_diagonal(tmp_path: Path, suffix: str) -> None:
    photograph(tmp_path / f"a.{suffix}", 28, (60, 40))
    assert open_source(tmp_path, ALL).focal_px == pytest.approx(46.66, abs=0.01)  # as pycolmap 4.2.1


@pytest.mark.parametrize("others", [[26, 52, 26], [24, 24, 70]])
def test_photographs_of_several_focal_lengths_are_said(tmp_path: Path, others: list[int]) -> None:
    for i, film_mm in enumerate(others):
        photograph(tmp_path / f"{i}.jpg", film_mm)
    source = open_source(tmp_path, ALL)
    assert source.focal_px == pytest.approx(min(others) / np.hypot(36, 24) * np.hypot(96, 64))
    assert "one lens" in said(source, AdviceCode.INPUT_CAMERA)[0]
