"""Image files that hold a sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame
from tests.frames.conftest import number_of, picture

LENGTHS_MS = [100, 50, 200, 100, 70]
TIMES_S = [0.0, 0.1, 0.15, 0.35, 0.45]


def read(path: Path, **settings: Any) -> tuple[FrameSource, list[Frame]]:
    source = open_source(path, FramesSettings(**settings))
    return source, list(source)


def pictures(transparent: bool = False) -> list[Image.Image]:
    images = [picture(number) for number in range(5)]
    if not transparent:
        return [Image.fromarray(image) for image in images]
    alpha = np.full(images[0].shape[:2], 255, np.uint8)
    alpha[:, :10] = 0
    return [Image.fromarray(np.dstack([image, alpha])) for image in images]


def write(path: Path, images: list[Image.Image], lengths: list[int] | int = LENGTHS_MS, **more: Any) -> Path:
    format = "PNG" if path.suffix == ".apng" else None
    images[0].save(path, format=format, save_all=True, append_images=images[1:], duration=lengths, **more)
    return path


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.gif", {}),
        ("A.GIF", {"loop": 0}),
        ("a.png", {}),
        ("a.apng", {}),
        ("a.webp", {"lossless": True}),
        ("a.avif", {"quality": 95}),
    ],
)
def test_animations_are_videos_with_their_own_times(tmp_path: Path, name: str, more: dict[str, Any]) -> None:
    source, frames = read(write(tmp_path / name, pictures(), **more))
    assert (source.kind, source.has_times, source.expected, source.paths) == ("video", True, 5, (str(tmp_path / name),))
    assert [number_of(frame.image) for frame in frames] == list(range(5))
    np.testing.assert_allclose([frame.timestamp for frame in frames], TIMES_S, atol=1e-3)
    assert any("holds 5 pictures: it is read as a video" in advice.text for advice in source.advice)
    assert [frame.index for frame in open_source(tmp_path / name, FramesSettings(fps=5))] == [0, 2, 3]


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.gif"])
def test_what_is_transparent_in_an_animation_does_not_count(tmp_path: Path, name: str) -> None:
    more: dict[str, Any] = {"lossless": True} if name == "a.webp" else {"disposal": 2} if name == "a.gif" else {}
    for frame in read(write(tmp_path / name, pictures(transparent=True), **more))[1]:
        assert frame.mask is not None and not frame.mask[:, :10].any() and frame.mask[:, 10:].all()


def test_a_gif_that_says_no_time_has_ten_pictures_a_second(tmp_path: Path) -> None:
    frames = read(write(tmp_path / "a.gif", pictures(), 0))[1]
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(5) / 10, atol=1e-3)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif", "a.tif"])
def test_a_single_picture_is_an_image(tmp_path: Path, name: str) -> None:
    pictures()[0].save(tmp_path / name)
    source, frames = read(tmp_path / name)
    assert (source.kind, len(frames)) == ("images", 1)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_pages_of_a_tiff_are_frames(tmp_path: Path, compression: str | None) -> None:
    images = pictures()
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:], compression=compression)
    source, frames = read(tmp_path / "a.tif", default_fps=10)
    assert (source.kind, source.has_times) == ("video", False)
    assert [number_of(frame.image) for frame in frames] == list(range(5))
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(5) / 10, atol=1e-3)
    assert any("10 frames a second are assumed" in advice.text for advice in source.advice)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pages_are_stretched_once(tmp_path: Path, dtype: Any) -> None:
    stack = 29000 + 10 * np.arange(64)[None, None] + np.zeros((6, 48, 1)) + 50 * np.arange(6)[:, None, None]
    tifffile.imwrite(tmp_path / "a.tiff", stack.astype(dtype), photometric="minisblack")
    source, frames = read(tmp_path / "a.tiff")
    steps = np.diff([float(frame.image[5, 20, 0]) for frame in frames])
    assert len(frames) == 6 and (steps > 5).all() and np.ptp(steps) <= 2
    assert any("once for the whole sequence" in advice.text for advice in source.advice)
    assert source.chain is not None and source.chain.first.levels() is not None


def test_a_thumbnail_is_no_second_picture(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(picture(1), photometric="rgb")
        file.write(picture(1)[::2, ::2], photometric="rgb", subfiletype=1)
    source, frames = read(tmp_path / "a.tif")
    assert (source.kind, len(frames)) == ("images", 1)


@pytest.mark.parametrize(("name", "more"), [("a.gif", {}), ("a.png", {})])
def test_of_an_animation_that_is_cut_off_the_beginning_is_read(tmp_path: Path, name: str, more: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    noisy = [Image.fromarray(rng.integers(0, 256, (64, 96, 3), np.uint8)) for _ in range(5)]
    path = write(tmp_path / name, noisy, **more)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    source, frames = read(path)
    assert source.kind == "video" and 2 <= len(frames) <= 4


def test_a_damaged_animation_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.webp", pictures(), lossless=True)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FramesError, match="cannot be decoded as an image"):
        read(path)
