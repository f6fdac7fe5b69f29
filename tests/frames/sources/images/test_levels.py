"""Deep pictures become eight bits once for the whole sequence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.images.levels import find_levels
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode

ALL = FramesSettings()
RAMP = np.tile(np.linspace(0, 1, 256), (64, 1))  # [64,256]


def write_sequence(folder: Path, pictures: Sequence[NDArray[Any]], suffix: str = "tif") -> FrameSource:
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        if suffix == "tif":
            tifffile.imwrite(folder / f"{i:03d}.tif", picture, photometric="rgb" if picture.ndim == 3 else "minisblack")
        else:
            (folder / f"{i:03d}.{suffix}").write_bytes(cv2.imencode(f".{suffix}", picture)[1].tobytes())
    return open_source(folder, ALL)


def said(source: FrameSource) -> list[str]:
    return [advice.text for advice in source.advice if advice.code == AdviceCode.INPUT_PIXELS]


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(("low", "high"), [(29000, 30020), (7000, 9000), (0, 2000), (20000, 45000)])
def test_a_part_of_the_range_is_stretched_once(tmp_path: Path, low: int, high: int, suffix: str) -> None:
    whole = np.rint(low + RAMP * (high - low)).astype(np.uint16)
    dark = np.rint(low + RAMP * (high - low) / 4).astype(np.uint16)
    source = write_sequence(tmp_path / "a", [whole, dark, dark], suffix)
    images = [frame.image for frame in source]
    assert source.levels == pytest.approx((low, high), abs=0.01 * (high - low))
    np.testing.assert_allclose(images[0][..., 0], 255 * RAMP, atol=3)
    np.testing.assert_allclose(images[1][..., 0], 255 * RAMP / 4, atol=3)  # not stretched by itself
    assert len(said(source)) == 1 and "stretched" in said(source)[0]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_photographs_that_use_the_range_keep_their_upper_bits(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(300, 65000, (40, 50, 3)).astype(np.uint16)
    source = write_sequence(tmp_path / "a", [values, values // 3], suffix)
    stored = values if suffix == "tif" else values[..., ::-1]
    np.testing.assert_array_equal(next(iter(source)).image, stored >> 8)
    assert source.levels == (0, 65535) and said(source) == []


@pytest.mark.parametrize("white", [4095, 16383])
def test_twelve_and_fourteen_bits_are_a_range_of_their_own(tmp_path: Path, white: int) -> None:
    values = np.rint(RAMP * 0.8 * white).astype(np.uint16)
    source = write_sequence(tmp_path / "a", [values, values])
    assert source.levels == (0, white)
    np.testing.assert_allclose(next(iter(source)).image[..., 1], 0.8 * 255 * RAMP, atol=1)


@pytest.mark.parametrize(("low", "high"), [(-40.0, 130.0), (0.0, 37.5), (250.0, 320.0), (0.0, 0.01)])
def test_floating_point_beyond_the_usual_is_stretched(tmp_path: Path, low: float, high: float) -> None:
    values = (low + RAMP * (high - low)).astype(np.float32)
    source = write_sequence(tmp_path / "a", [values, values])
    np.testing.assert_allclose(next(iter(source)).image[..., 0], 255 * RAMP, atol=3)
    assert len(said(source)) == 1


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floating_point_in_a_usual_range_is_taken_as_it_is(tmp_path: Path, white: float) -> None:
    values = (RAMP * 0.9 * white).astype(np.float32)
    source = write_sequence(tmp_path / "a", [values, values])
    assert source.levels == (0, white)
    np.testing.assert_allclose(next(iter(source)).image[..., 0], 0.9 * 255 * RAMP, atol=1)


@pytest.mark.parametrize("share", [0.01, 0.04])
def test_a_few_highlights_do_not_darken_the_rest(tmp_path: Path, share: float) -> None:
    values = RAMP.astype(np.float32).copy()
    values[: round(64 * share * 4), :64] = 900.0
    image = next(iter(write_sequence(tmp_path / "a", [values, values]))).image
    assert image[40, 128].mean() > 35 and image[0, 0].mean() == 255


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_no_number_does_not_count(tmp_path: Path, channels: int) -> None:
    values = np.repeat(RAMP[..., None], channels, axis=2).astype(np.float32)
    values[10:20, 30:40, 0], values[40, 40] = np.nan, np.inf
    source = write_sequence(tmp_path / "a", [values[..., 0] if channels == 1 else values] * 2)
    frame = next(iter(source))
    assert frame.mask is not None and np.array_equal(~frame.mask, np.isnan(values).any(axis=2))
    assert frame.image[40, 40].tolist() == [255] * 3 and source.levels == (0, 1)


@pytest.mark.parametrize("damaged", [0, 1])
def test_a_picture_without_any_number_is_skipped_and_the_others_are_stretched(tmp_path: Path, damaged: int) -> None:
    pictures = [(RAMP * 50).astype(np.float32) for _ in range(3)]
    pictures[damaged][:] = np.nan
    source = write_sequence(tmp_path / "a", pictures)
    assert [frame.index for frame in source] == [index for index in range(3) if index != damaged]
    assert source.levels == pytest.approx((0, 50), abs=0.5) and len(said(source)) == 1


@pytest.mark.parametrize(("dtype", "nodata"), [("f4", -9999.0), ("u2", 0.0), ("i2", -32768.0), ("f4", None)])
def test_what_was_not_measured_does_not_count(tmp_path: Path, dtype: str, nodata: float | None) -> None:
    values = (300 + RAMP * 20).astype(dtype)
    values[:10] = -3.4e38 if nodata is None else nodata
    tags = [] if nodata is None else [(42113, "s", 0, f"{nodata:g}", True)]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", extratags=tags)
    source = open_source(tmp_path / "a.tif", ALL)
    frame = next(iter(source))
    assert frame.mask is not None and not frame.mask[:10].any() and frame.mask[10:].all()
    assert source.levels == pytest.approx((300, 320), abs=1)


@pytest.mark.parametrize("value", [0, 1000, 65535])
def test_a_picture_of_one_value_is_a_frame(tmp_path: Path, value: int) -> None:
    source = write_sequence(tmp_path / "a", [np.full((20, 30), value, np.uint16)] * 2, "png")
    assert len(list(source)) == 2 and len({frame.image.max() for frame in source}) == 1


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float16", "float64"])
def test_other_kinds_of_numbers_are_stretched_too(tmp_path: Path, dtype: str) -> None:
    values = (200 + RAMP * 250).astype(dtype)
    np.testing.assert_allclose(
        next(iter(write_sequence(tmp_path / "a", [values, values]))).image[..., 0], 255 * RAMP, atol=3
    )


def test_pictures_of_two_kinds_of_numbers_do_not_mix(tmp_path: Path) -> None:
    gray = (RAMP * 60000).astype(np.uint16)
    source = write_sequence(tmp_path / "a", [gray, RAMP.astype(np.float32), gray])
    assert [frame.index for frame in source] == [0, 2]


def test_eight_bits_have_no_levels(tmp_path: Path) -> None:
    source = write_sequence(tmp_path / "a", [(RAMP * 100).astype(np.uint8)] * 2, "png")
    assert source.levels is None and next(iter(source)).image.max() == 100


def test_no_value_at_all_gives_levels_all_the_same() -> None:
    assert find_levels(np.zeros(0), "uint16").low == 0


def test_a_thermal_camera_is_stretched(shared: Path) -> None:
    source = open_source(shared / "cases/inputs/thermal16", ALL)
    images = np.stack([frame.image for frame in source])
    stored = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in source.image_files]
    assert len(images) == 24 and source.levels is not None
    low, high = source.levels
    assert 29000 <= low < 29060 and high == 30020
    shown = np.clip((np.stack(stored) - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(images[..., 0], shown, atol=1)
