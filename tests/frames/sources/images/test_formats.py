"""Image files of every format: the same picture, upright, or a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from da3_stream.errors import FramesError
from da3_stream.frames import open_source, read_picture
from da3_stream.frames.sources.images.header import read_header
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame
from tests.worlds.heif import heic

ALL = FramesSettings()
ORIENTATION = 0x112
W, H = 96, 64


def scene(width: int = W, height: int = H, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colours that differ in every direction."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def stored_for(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """What a file of this EXIF orientation stores so that the picture shows upright."""
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: -1, 8: -1}[orientation]
    turned = np.rot90(upright, turns)
    flipped = {2: turned[:, ::-1], 4: turned[:, ::-1], 5: turned[::-1], 7: turned[::-1]}
    return np.ascontiguousarray(flipped.get(orientation, turned))


def only_frame(path: Path) -> Frame:
    return next(iter(open_source(path, ALL)))


def assert_shows(path: Path, expected: NDArray[Any], levels: int = 3) -> None:
    image = only_frame(path).image
    assert image.shape == expected.shape
    difference = np.abs(image.astype(int) - expected.astype(int))
    assert np.percentile(difference, 99) <= levels, difference.max()


def why_not(path: Path) -> str:
    with pytest.raises(FramesError) as caught:
        open_source(path, ALL)
    return str(caught.value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "avif"])
def test_pictures_are_upright_once(tmp_path: Path, suffix: str, alpha: bool, orientation: int) -> None:
    upright = np.dstack([scene(), np.full((H, W), 255, np.uint8)])[..., : 4 if alpha else 3].copy()
    if alpha:
        upright[:10, :20, 3] = 0
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"webp": {"lossless": True, "exact": True}, "avif": {"quality": 100, "subsampling": "4:4:4"}}.get(
        suffix, {}
    )
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(stored_for(upright, orientation)).save(path, exif=exif, **options)
    assert_shows(path, upright[..., :3])
    mask = only_frame(path).mask
    if alpha:
        assert mask is not None and np.array_equal(mask, upright[..., 3] > 0)
    else:
        assert mask is None


@pytest.mark.parametrize("size", [(W, H), (H, W)])
@pytest.mark.parametrize("quarter_turns", range(4))
def test_heic_is_upright_once(tmp_path: Path, quarter_turns: int, size: tuple[int, int]) -> None:
    path = tmp_path / "a.HEIC"
    path.write_bytes(heic(scene(*size), quarter_turns))
    assert_shows(path, np.rot90(scene(*size), quarter_turns), levels=4)
    assert open_source(path, ALL).size == (size if quarter_turns % 2 == 0 else size[::-1])


@pytest.mark.parametrize("name", ["a.heic", "a.heif"])
def test_without_its_library_heic_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_bytes(heic(scene()))
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    assert why_not(tmp_path / name).count("pip install pi-heif") == 1


@pytest.mark.parametrize("name", ["a.dng", "b.CR2", "c.nef", "d.ARW"])
def test_raw_photographs_are_named(tmp_path: Path, name: str) -> None:
    tifffile.imwrite(tmp_path / name, scene())
    assert "RAW photograph" in why_not(tmp_path / name) and "develop it" in why_not(tmp_path / name)


@pytest.mark.parametrize("head", [b"\xff\x0a", b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a"])
def test_jpeg_xl_is_named(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.jxl").write_bytes(head + bytes(100))
    assert "JPEG XL" in why_not(tmp_path / "a.jxl") and "convert it" in why_not(tmp_path / "a.jxl")


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_is_right_however_it_is_stored(
    tmp_path: Path, dtype: type, planar: str, compression: str | None, tile: tuple[int, int] | None
) -> None:
    values = {np.uint8: scene(), np.uint16: scene().astype(np.uint16) * 257, np.float32: scene() / np.float32(255)}[
        dtype
    ]
    planes = values if planar == "contig" else np.ascontiguousarray(values.transpose(2, 0, 1))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig=planar, compression=compression, tile=tile)
    assert_shows(path, scene())


@pytest.mark.parametrize(
    ("planar", "tile", "said"), [("separate", None, "plane by plane"), ("contig", (16, 16), "in tiles")]
)
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tiff_that_opencv_would_get_wrong_is_refused(
    tmp_path: Path, dtype: type, planar: str, tile: tuple[int, int] | None, said: str
) -> None:
    planes = scene().astype(dtype) if planar == "contig" else scene().transpose(2, 0, 1).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig=planar, tile=tile)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(5)  # type: ignore[union-attr]
    assert f"stored {said} with LZW compression" in why_not(tmp_path / "a.tif")
    assert "pip install imagecodecs" in why_not(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [8, 50000])
def test_tiff_of_a_compression_that_is_not_known_is_named(tmp_path: Path, compression: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", scene(), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(compression)  # type: ignore[union-attr]
    assert "cannot be decoded" in why_not(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_tiff_of_every_kind_and_compression(
    tmp_path: Path, mode: str, compression: str | None, orientation: int
) -> None:
    if compression == "jpeg" and mode in ("P", "1"):
        pytest.skip("there is no such TIFF")
    image = Image.fromarray(stored_for(scene(), orientation)).convert(mode)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(
        tmp_path / "a.tif", compression=compression, exif=exif, **({"quality": 98} if compression == "jpeg" else {})
    )
    shown = np.asarray(image.convert("RGB"))
    assert_shows(tmp_path / "a.tif", np.rot90(shown, -1) if orientation == 6 else shown, levels=4)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_with_white_as_zero(tmp_path: Path, dtype: type, compression: str | None) -> None:
    gray = (scene()[..., 0].astype(np.uint32) * (257 if dtype == np.uint16 else 1)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", ~gray, photometric="miniswhite", compression=compression)
    assert_shows(tmp_path / "a.tif", np.repeat(scene()[..., :1], 3, axis=2))


@pytest.mark.parametrize("bands", [2, 4, 5, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_many_bands_are_refused(tmp_path: Path, dtype: type, bands: int) -> None:
    values = np.random.default_rng(0).integers(0, 200, (H, W, bands)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig")
    assert f"has {bands} bands: give pictures of one or of three" in why_not(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_band_beside_red_green_and_blue_is_no_alpha(tmp_path: Path, dtype: type) -> None:
    values = np.dstack([scene(), np.zeros((H, W), np.uint8)]).astype(dtype) * (257 if dtype == np.uint16 else 1)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=["unspecified"])
    assert_shows(tmp_path / "a.tif", scene())
    assert only_frame(tmp_path / "a.tif").mask is None


@pytest.mark.parametrize(
    "write",
    [
        lambda path: Image.fromarray(scene()).convert("CMYK").save(path / "a.jpg", quality=98, subsampling=0),
        lambda path: Image.fromarray(scene()).convert("CMYK").save(path / "a.jpeg", quality=96, subsampling=0),
    ],
)
def test_cmyk_is_shown_in_its_colours(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path)
    assert_shows(next(tmp_path.iterdir()), scene(), levels=4)


@pytest.mark.parametrize("gray", [True, False])
@pytest.mark.parametrize("suffix", ["pfm", "hdr", "exr", "tif"])
def test_floating_point_is_shown_as_it_is(tmp_path: Path, suffix: str, gray: bool) -> None:
    values = (scene()[..., :1] if gray else scene()).astype(np.float32) / np.float32(255)
    if suffix == "exr":
        names = "Y" if gray else "RGB"
        write_exr(tmp_path / "a.exr", {name: values[..., i].copy() for i, name in enumerate(names)})
    elif suffix == "hdr" and gray:
        cv2.imwrite(str(tmp_path / "a.hdr"), np.repeat(values, 3, axis=2))
    else:
        cv2.imwrite(str(tmp_path / f"a.{suffix}"), values[..., ::-1])
    assert_shows(tmp_path / f"a.{suffix}", np.repeat(scene()[..., :1], 3, axis=2) if gray else scene())


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "pbm"])
def test_one_bit_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(scene()).convert("1")
    image.save(tmp_path / f"a.{suffix}")
    assert_shows(tmp_path / f"a.{suffix}", np.asarray(image.convert("RGB")), levels=0)


@pytest.mark.parametrize(
    "write",
    [
        lambda image, path: image.convert("LA").save(path),
        lambda image, path: image.convert("RGB").quantize(16).save(path, transparency=3),
        lambda image, path: image.convert("RGB").save(path, transparency=(255, 0, 255)),
        lambda image, path: cv2.imwrite(str(path), np.asarray(image)[..., [2, 1, 0, 3]].astype(np.uint16) * 257),
    ],
)
def test_what_is_transparent_does_not_count(tmp_path: Path, write: Callable[[Image.Image, Path], None]) -> None:
    colours = scene()
    colours[:16, :16] = (255, 0, 255)
    alpha = np.full((H, W, 1), 255, np.uint8)
    alpha[:16, :16], alpha[20:30, 20:30] = 0, 1  # hardly to be seen is no hole
    write(Image.fromarray(np.concatenate([colours, alpha], axis=2)), tmp_path / "a.png")
    expected = np.asarray(Image.open(tmp_path / "a.png").convert("RGBA"))[..., 3] > 0
    mask = only_frame(tmp_path / "a.png").mask
    assert mask is not None and 0 < mask.mean() < 1 and np.array_equal(mask, expected)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_a_picture_that_is_all_transparent_is_said(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(np.dstack([scene(), np.zeros((H, W), np.uint8)])).save(tmp_path / f"a.{suffix}", lossless=True)
    assert "all of it is transparent" in why_not(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("image_side", [None, 48])
def test_a_mask_shrinks_with_its_picture(tmp_path: Path, image_side: int | None) -> None:
    alpha = np.full((H, W), 255, np.uint8)
    alpha[:, : W // 2] = 0
    Image.fromarray(np.dstack([scene(), alpha])).save(tmp_path / "a.png")
    frame = next(iter(open_source(tmp_path, ALL, image_side)))
    assert frame.mask is not None and frame.mask.shape == frame.image.shape[:2]
    assert not frame.mask[:, : frame.mask.shape[1] // 2].any() and frame.mask[:, frame.mask.shape[1] // 2 :].all()


def write_exr(path: Path, channels: dict[str, NDArray[Any]], **header: Any) -> None:
    known = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, **header}
    OpenEXR.File(known, channels).write(str(path))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("names", ["RGB", "RGBA", "Y", "V"])
def test_exr_is_read(tmp_path: Path, names: str, dtype: type) -> None:
    values = (scene() / 255).astype(dtype)
    alpha = np.ones((H, W), dtype)
    alpha[:8] = 0
    planes = [*np.moveaxis(values, -1, 0), alpha] if len(names) > 1 else [values[..., 1]]
    write_exr(tmp_path / "a.exr", {name: plane.copy() for name, plane in zip(names, planes, strict=False)})
    assert_shows(tmp_path / "a.exr", scene() if len(names) > 1 else np.repeat(scene()[..., 1:2], 3, axis=2))
    mask = only_frame(tmp_path / "a.exr").mask
    assert (mask is None) == (names != "RGBA") and (mask is None or np.array_equal(mask, alpha > 0))


@pytest.mark.parametrize("names", [("depth.Z", "normal.X"), ("U", "V", "W")])
def test_exr_without_colours_is_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    write_exr(tmp_path / "a.exr", {name: np.zeros((H, W), np.float32) for name in names})
    assert "has no channels R, G and B or Y" in why_not(tmp_path / "a.exr")


@pytest.mark.parametrize("suffix", ["tif", "exr", "heic", "avif"])
@pytest.mark.parametrize("keep", [0.02, 0.5])
def test_a_file_that_is_cut_off_is_skipped_by_name(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "exr":
        write_exr(path, {name: np.random.default_rng(0).random((H, W)).astype(np.float32) for name in "RGB"})
    elif suffix == "heic":
        path.write_bytes(heic(scene()))
    else:
        Image.fromarray(scene()).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert "cannot be decoded as an image" in why_not(path) or "HEIC" in why_not(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif", "jp2", "heic", "hdr", "pfm"])
def test_damage_of_any_kind_is_a_reason_or_a_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "heic":
        whole = heic(scene())
    elif suffix in ("hdr", "pfm"):
        whole = cv2.imencode(f".{suffix}", scene() / np.float32(255))[1].tobytes()
    else:
        Image.fromarray(np.dstack([scene(), scene()[..., 0]][: 1 if suffix == "jpg" else 2])).save(path)
        whole = path.read_bytes()
    random = np.random.default_rng(len(whole))
    for _ in range(40):
        damaged = bytearray(whole)
        for at in random.integers(0, min(len(whole), 400), 3):
            damaged[at] = int(random.integers(256))
        path.write_bytes(damaged)
        read_header(path)
        found = read_picture(path)
        assert isinstance(found, str) or (found.image.ndim == 3 and found.image.dtype == np.uint8)
