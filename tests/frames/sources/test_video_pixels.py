"""Videos whose pixels are not square, lie in two fields, or need converting: shapes, colours, masks, what is said."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.video.fields import fill_rows
from da3_stream.frames.sources.video.tone_mapping import (
    BT2020,
    HLG,
    P3,
    PQ,
    ToneMapping,
    compress,
    decode_hlg,
    decode_pq,
    encode_pq,
)
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame, UInt8
from tests.frames.sources.video_making import BOX, boxes, flat_frame, middles, write_frames

IMAGE = boxes(320, 240)
INTERLACED = {"flags": "+ildct+ilme", "crf": "3", "b": "20M"}


def read(path: Path, side: int | None = None) -> tuple[FrameSource, list[Frame]]:
    source = open_source(path, FramesSettings(), side)
    return source, list(source)


def said(source: FrameSource) -> str:
    return "\n".join(advice.text for advice in source.advice)


def assert_shows(image: UInt8, truth: UInt8 = IMAGE, within: int = 3) -> None:
    shown = middles(image, image.shape[1] / truth.shape[1])
    assert np.abs(shown.astype(int) - middles(truth)).max() <= within


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "aspect", "width"),
    [
        ("codec.mkv", "libx264", "yuv420p", Fraction(4, 3), 427),
        ("both.mp4", "libx264", "yuv420p", Fraction(16, 15), 341),
        ("container.mp4", "libvpx-vp9", "yuv420p", Fraction(4, 3), 427),
        ("container.mov", "prores_ks", "yuv422p10le", Fraction(16, 15), 341),
        ("narrow.avi", "mpeg4", "yuv420p", Fraction(8, 9), 284),
        ("damaged.mp4", "libx264", "yuv420p", Fraction(1, 200), 320),
    ],
)
def test_pixels_are_made_square(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, aspect: Fraction, width: int
) -> None:
    path = write_frames(tmp_path / name, [IMAGE] * 2, codec, pix_fmt, aspect=aspect, options={"crf": "5", "b": "20M"})
    source, frames = read(path)
    assert source.size == (width, 240) and frames[0].image.shape == (240, width, 3)
    assert_shows(frames[0].image)
    assert ("not square" in said(source)) == (width != 320)


@pytest.mark.parametrize("rotation", [90, 270])
def test_pixels_are_made_square_before_a_picture_is_turned(tmp_path: Path, rotation: int) -> None:
    aspect, options = Fraction(4, 3), {"crf": "5"}
    path = write_frames(tmp_path / "a.mp4", [IMAGE], "libx264", "yuv420p", 10, aspect, rotation, options)
    source, frames = read(path)
    assert source.size == (240, 427)
    assert_shows(np.rot90(frames[0].image, -rotation // 90))


def test_the_aspect_of_pixels_may_change_on_the_way(tmp_path: Path) -> None:
    options = {"crf": "5"}
    square = write_frames(tmp_path / "a.ts", [IMAGE] * 4, "libx264", "yuv420p", options=options)
    wide = write_frames(tmp_path / "b.ts", [IMAGE] * 4, "libx264", "yuv420p", aspect=Fraction(4, 3), options=options)
    square.write_bytes(square.read_bytes() + wide.read_bytes())
    source, frames = read(square)
    assert 1 <= len(frames) <= 4 and len(frames) + len(source.skipped_after) == 8 and source.size == (320, 240)
    assert {bad.reason for bad in source.skipped_after} == {"size 427x240 differs from the run's 320x240"}


@pytest.mark.parametrize("longest", [160, 200])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gray", "bgr0"])
def test_a_shrunk_picture_stays_where_it_was(tmp_path: Path, longest: int, pix_fmt: str) -> None:
    rows, columns = np.mgrid[:240, :320]
    smooth = np.rint(128 + 50 * np.sin(columns / 12) + 50 * np.cos(rows / 9)).astype(np.uint8)
    path = write_frames(tmp_path / "a.mkv", [np.repeat(smooth[..., None], 3, 2)], pix_fmt=pix_fmt)
    source, frames = read(path, longest)
    size = (longest, longest * 3 // 4)
    assert source.size == frames[0].source_size == (320, 240) and frames[0].image.shape[:2] == size[::-1]
    area = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA).astype(float)
    off = frames[0].image[..., 1] - area
    assert np.abs(off).max() <= 3
    slopes = np.gradient(area)
    shift = np.linalg.lstsq(np.stack([slope.ravel() for slope in slopes], 1), off.ravel(), rcond=None)[0]
    assert np.abs(shift).max() < 0.01  # pixels


def moving(count: int, grain: float = 4.0) -> list[UInt8]:
    """A texture that passes by, 4 pixels a picture; gray, so that fields share no chroma. `grain` is in pixels."""
    noise = np.random.default_rng(3).normal(size=(240, 320 + 4 * count)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), grain)
    wide = np.clip(128 + 40 * texture / texture.std(), 20, 235).astype(np.uint8)[..., None].repeat(3, 2)
    return [np.ascontiguousarray(wide[:, 4 * i : 4 * i + 320]) for i in range(count)]


def woven(images: list[UInt8], first: str) -> list[UInt8]:
    """Pictures of two fields each, the one of the first moment on top or at the bottom."""
    pictures = [image.copy() for image in images[::2]]
    for picture, second in zip(pictures, images[1::2], strict=True):
        rows = slice(1 if first == "top" else 0, None, 2)
        picture[rows] = second[rows]
    return pictures


@pytest.mark.slow
@pytest.mark.parametrize("first", ["top", "bottom"])
@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("unmarked.mkv", "ffv1", "yuv420p"),
    ],
)
def test_of_interlaced_pictures_the_first_field_is_taken(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, first: str
) -> None:
    moments = moving(24)
    source, frames = read(write_frames(tmp_path / name, woven(moments, first), codec, pix_fmt, options=INTERLACED))
    for frame, moment in zip(frames, moments[::2], strict=True):
        assert np.abs(frame.image[4:-4].astype(int) - moment[4:-4]).mean() < 2
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(12) / 10, atol=1e-3)
    assert f"the first field ({first}) is taken" in said(source)
    assert ("nothing says so" in said(source)) == (name == "unmarked.mkv")


def test_an_interlaced_picture_may_be_shrunk(tmp_path: Path) -> None:
    moments = moving(24)
    path = write_frames(tmp_path / "a.mp4", woven(moments, "top"), "libx264", "yuv420p", options=INTERLACED)
    frames = read(path, 160)[1]
    small = cv2.resize(moments[4], (160, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(frames[2].image[4:-4].astype(int) - small[4:-4]).mean() < 2


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.ts", "mpeg2video")])
def test_pictures_that_are_marked_as_interlaced_but_are_not_stay_whole(tmp_path: Path, name: str, codec: str) -> None:
    moments = moving(10, grain=0.8)
    source, frames = read(write_frames(tmp_path / name, moments, codec, "yuv420p", options=INTERLACED))
    of_one_field = fill_rows(moments[3][::2], "top", 240)
    off, without_a_field = (
        np.abs(moments[3] - image.astype(float)).mean() for image in (frames[3].image, of_one_field)
    )
    assert off < 2 * without_a_field / 3
    assert "marked as interlaced, but its pictures are whole" in said(source)


def test_pictures_that_are_whole_are_not_taken_for_interlaced(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 120, 160, 3), np.uint8)
    stripes = np.zeros((120, 160, 3), np.uint8)
    stripes[::2] = 255
    assert said(read(write_frames(tmp_path / "noise.mkv", list(noise)))[0]) == ""
    assert said(read(write_frames(tmp_path / "stripes.mkv", [stripes] * 12))[0]) == ""


@pytest.mark.parametrize("field", ["top", "bottom"])
def test_rows_of_a_field_stay_where_they_were(field: str) -> None:
    ramp = np.repeat((np.arange(100, dtype=np.uint8) * 2)[:, None, None], 3, 2).repeat(8, 1)
    filled = fill_rows(ramp[0 if field == "top" else 1 :: 2], field, 100)  # type: ignore[arg-type]
    assert np.abs(filled[3:-3].astype(int) - ramp[3:-3]).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "colorspace", "tags"),
    [
        ((1280, 720), 1, {}),
        ((720, 1280), 1, {}),
        ((320, 240), 5, {}),
        ((720, 576), 5, {}),
        ((320, 240), 1, {"colorspace": 1}),
        ((1280, 720), 5, {"colorspace": 5}),
        ((320, 240), 5, {"colorspace": 5, "color_range": 2}),
        ((1280, 720), 1, {"colorspace": 1, "color_range": 2}),
    ],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le"])
def test_colours_are_those_that_players_show(
    tmp_path: Path, size: tuple[int, int], colorspace: int, tags: dict[str, int], pix_fmt: str
) -> None:
    image = boxes(*size)
    path = write_frames(tmp_path / "a.mkv", [image], pix_fmt=pix_fmt, stored=colorspace, **tags)
    for side in (None, 160):
        frame = read(path, side)[1][0]
        if side is None:
            assert_shows(frame.image, image)
        else:
            small = cv2.resize(image, frame.image.shape[1::-1], interpolation=cv2.INTER_AREA)
            assert np.abs(frame.image.astype(int) - small).mean() < 2


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.avi", "mjpeg", "yuvj444p"),
        ("a.mov", "png", "rgb24"),
        ("a.mov", "qtrle", "rgb24"),
        ("a.mkv", "ffv1", "yuv411p"),
        ("a.mkv", "ffv1", "gbrp10le"),
        ("a.mkv", "libx264rgb", "rgb24"),
        ("a.mp4", "libx264", "yuv444p"),
    ],
)
def test_colours_survive_however_they_are_stored(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    options = {"qmin": "1", "qmax": "1"} if codec == "mjpeg" else {"crf": "3"} if "264" in codec else {}
    full = {"color_range": 2} if pix_fmt.startswith("yuvj") else {}
    _, frames = read(write_frames(tmp_path / name, [IMAGE] * 2, codec, pix_fmt, options=options, **full))
    assert_shows(frames[1].image, within=4 if codec == "mjpeg" else 3)


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "monow"])
def test_pictures_without_colour_are_gray(tmp_path: Path, pix_fmt: str) -> None:
    gray = np.repeat(IMAGE[..., :1], 3, 2)
    if pix_fmt == "monow":
        gray = np.where(gray > 128, 255, 0).astype(np.uint8)
    codec = "rawvideo" if pix_fmt == "monow" else "ffv1"
    source, frames = read(write_frames(tmp_path / "a.nut", [gray], codec, pix_fmt, stored=0))
    assert_shows(frames[0].image, gray)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mkv", "ffv1", "yuva420p"),
        ("a.mkv", "ffv1", "bgra"),
        ("a.mov", "prores_ks", "yuva444p10le"),
        ("a.mov", "png", "rgba"),
        ("a.mov", "qtrle", "argb"),
        ("a.webm", "libvpx-vp9", "yuva420p"),
        ("a.webm", "libvpx", "yuva420p"),
    ],
)
def test_what_is_transparent_does_not_count(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    alpha = np.full((240, 320), 255, np.uint8)
    alpha[:, : 4 * BOX] = 0
    alpha[: 2 * BOX, 6 * BOX : 8 * BOX] = 128
    options = {"crf": "4", "b": "20M", "auto-alt-ref": "0"} if "vpx" in codec else {}
    pictures = [with_alpha(IMAGE, alpha, pix_fmt)] * 2
    path = write_frames(tmp_path / name, pictures, codec, options=options, metadata={"alpha_mode": "1"})
    frame = read(path)[1][1]
    assert frame.mask is not None
    np.testing.assert_array_equal(frame.mask, alpha > 0)
    assert_shows(np.where(frame.mask[..., None], frame.image, IMAGE))
    small = read(path, 160)[1][1]
    assert small.mask is not None and small.mask.shape == small.image.shape[:2]
    assert not small.mask[:, : 2 * BOX].any() and small.mask[:, 2 * BOX :].all()


@pytest.mark.parametrize("alpha", [0, 255])
def test_alpha_that_tells_nothing_is_no_mask(tmp_path: Path, alpha: int) -> None:
    opacity = np.full((240, 320), alpha, np.uint8)
    path = write_frames(tmp_path / "a.mov", [with_alpha(IMAGE, opacity, "argb")], "qtrle")
    assert read(path)[1][0].mask is None


@pytest.mark.parametrize(("width", "height"), [(161, 121), (1, 1), (2, 33), (17, 1)])
def test_odd_sizes_are_read(tmp_path: Path, width: int, height: int) -> None:
    image = np.full((height, width, 3), (200, 90, 40), np.uint8)
    for pix_fmt in ("yuv420p", "rgb24"):
        source, frames = read(write_frames(tmp_path / "a.nut", [image] * 3, "rawvideo", pix_fmt), 100)
        assert source.size == (width, height) and len(frames) == 3
        np.testing.assert_allclose(frames[0].image.reshape(-1, 3).mean(0), (200, 90, 40), atol=3)


def by_hand(nits: float) -> float:
    """The level 0 to 255 of a gray of HDR: BT.2390's curve from 1000 to 203 cd/m², then BT.1886's gamma."""

    def pq(light: float) -> float:
        y = (light / 10000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375

    signal, most = pq(min(nits, 1000)) / pq(1000), pq(203) / pq(1000)
    knee = 1.5 * most - 0.5
    if signal >= knee:
        t = (signal - knee) / (1 - knee)
        signal = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    root = (signal * pq(1000)) ** (1 / 78.84375)
    light = 10000 * (max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    return 255 * min(light / 203, 1) ** (1 / 2.4)


@pytest.mark.parametrize("nits", [0.0, 1.0, 18.0, 50.0, 89.0, 203.0, 500.0, 1000.0, 4000.0])
def test_pq_is_tone_mapped_as_by_hand(tmp_path: Path, nits: float) -> None:
    signal = float(encode_pq(np.array(nits)))
    frame = flat_frame(64 + 876 * signal, 512, 512)
    path = write_frames(tmp_path / "a.mkv", [frame], colorspace=9, color_primaries=BT2020, color_trc=PQ, color_range=1)
    source, frames = read(path)
    np.testing.assert_allclose(frames[0].image[20, 20], by_hand(nits), atol=3)
    assert "HDR (PQ): tone-mapped" in said(source)


@pytest.mark.parametrize("signal", [0.0, 0.1, 0.3, 0.5, 0.75, 0.9, 1.0])
def test_hlg_is_tone_mapped_as_by_hand(tmp_path: Path, signal: float) -> None:
    scene = signal**2 / 3 if signal <= 0.5 else (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    frame = flat_frame(64 + 876 * signal, 512, 512)
    path = write_frames(tmp_path / "a.mkv", [frame], colorspace=9, color_primaries=BT2020, color_trc=HLG, color_range=1)
    source, frames = read(path)
    np.testing.assert_allclose(frames[0].image[20, 20], by_hand(1000 * scene**1.2), atol=3)
    assert "HDR (HLG): tone-mapped" in said(source)


def test_hdr_is_read_from_what_x265_writes(tmp_path: Path) -> None:
    frame = flat_frame(64 + 876 * 0.75, 512, 512, size=256)
    params = "log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:range=limited"
    source, frames = read(write_frames(tmp_path / "a.ts", [frame] * 2, "libx265", options={"x265-params": params}))
    np.testing.assert_allclose(frames[0].image[20, 20], by_hand(203), atol=4)
    assert "HDR (HLG)" in said(source)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_white_of_hdr_is_the_same_by_both_standards(transfer: int) -> None:
    white = {PQ: float(encode_pq(np.array(203.0))), HLG: 0.75}[transfer]
    shown = ToneMapping(transfer, BT2020)(np.full((1, 1, 3), round(65535 * white), np.uint16))
    np.testing.assert_allclose(shown, by_hand(203), atol=2)


@pytest.mark.parametrize("primaries", [BT2020, P3])
@pytest.mark.parametrize("rgb", [(200, 200, 200), (160, 90, 70), (60, 120, 90)])
def test_a_wide_gamut_shows_the_same_colours(primaries: int, rgb: tuple[int, int, int]) -> None:
    corners = {  # xy of red, green and blue
        BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
        P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    }
    wide = np.linalg.solve(xyz_from_rgb(corners[primaries]), xyz_from_rgb(((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))))
    stored = (wide @ (np.array(rgb) / 255) ** 2.4) ** (1 / 2.4)
    shown = ToneMapping(1, primaries)(np.rint(65535 * stored).astype(np.uint16)[None, None])
    np.testing.assert_allclose(shown[0, 0], rgb, atol=1)


def test_tone_curves_are_inverse_and_rise() -> None:
    light = np.geomspace(0.01, 10000, 50)
    np.testing.assert_allclose(decode_pq(encode_pq(light)), light, rtol=1e-6)
    assert (np.diff(compress(np.linspace(0, 1000, 500))) > 0).all()
    assert float(compress(np.array(1000.0))) == pytest.approx(203, rel=1e-6)
    assert float(decode_hlg(np.array(1.0))) == pytest.approx(1, abs=1e-6)


def xyz_from_rgb(corners: tuple[tuple[float, float], ...]) -> np.ndarray:
    """XYZ of linear RGB with white D65."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in corners]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return columns * np.linalg.solve(columns, white)


def with_alpha(image: UInt8, alpha: UInt8, pix_fmt: str) -> object:
    import av

    rgba = np.dstack([image, alpha])
    return av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format=pix_fmt, dst_colorspace=5, dst_color_range=1)


def thermal(count: int) -> list[object]:
    """Frames of 16 bits, gray, that use 1000 of their 65536 values; the warmest spot comes last."""
    import av

    frames = []
    for number in range(count):
        values = np.full((48, 64), 29000, np.uint16) + np.arange(64, dtype=np.uint16) * 8
        values[20:28, 20:28] = 29500 + 500 * (number == count - 1)
        frames.append(av.VideoFrame.from_ndarray(values, format="gray16le"))
    return frames


@pytest.mark.parametrize("name", ["a.mkv", "a.nut"])
def test_deep_gray_is_stretched_once_for_the_whole_video(tmp_path: Path, name: str) -> None:
    source, frames = read(write_frames(tmp_path / name, thermal(40)), 32)
    means = [float(frame.image[:4].mean()) for frame in frames]
    assert max(means) - min(means) < 1 and frames[0].image.std() > 20
    assert "are stretched to black and white" in said(source)
    assert source.chain is not None and source.chain.first.levels() is not None


def test_deep_gray_that_uses_its_range_is_shown_as_it_is(tmp_path: Path) -> None:
    import av

    ramp = np.repeat(np.linspace(0, 65535, 256).astype(np.uint16)[None], 32, 0)
    source, frames = read(write_frames(tmp_path / "a.mkv", [av.VideoFrame.from_ndarray(ramp, format="gray16le")] * 3))
    assert said(source) == ""
    np.testing.assert_allclose(frames[0].image[5, :, 0], np.arange(256), atol=2)


def test_a_focal_length_of_the_tags_is_read_by_the_diagonal(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mov"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["com.apple.quicktime.camera.focal_length.35mm_equivalent"] = "26"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        container.mux([*stream.encode(av.VideoFrame(640, 360, "yuv420p")), *stream.encode(None)])
    assert read(path, 320)[0].focal_px == pytest.approx(26 / np.hypot(36, 24) * np.hypot(640, 360))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.avi", "a.mov"])
def test_motion_jpeg_is_turned_once_as_its_frames_say(tmp_path: Path, name: str, orientation: int) -> None:
    import av
    from PIL import Image, ImageOps

    exif, packed = Image.Exif(), BytesIO()
    exif[0x112] = orientation
    Image.fromarray(IMAGE).save(packed, "JPEG", quality=95, subsampling=0, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(packed)))
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj444p"
        if name == "a.mov" and orientation == 6:
            stream.set_display_rotation(-90)
        for number in range(2):
            packet = av.Packet(packed.getvalue())
            packet.pts = packet.dts = number
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 10), True
            container.mux(packet)
    source, frames = read(tmp_path / name)
    assert source.size == upright.shape[1::-1] and len(frames) == 2
    assert np.abs(frames[1].image.astype(int) - upright).mean() < 1
