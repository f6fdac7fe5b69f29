"""Every encoding of sensor_msgs/Image comes out as the colours that went in."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.errors import FramesError
from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings
from tests.frames.bags.conftest import START_NS, STEP_NS, BagWriter

NewBag = Callable[..., BagWriter]
ALL = FramesSettings()
TOPIC = "/camera/image_raw"
WIDTH, HEIGHT = 96, 64


def scene() -> NDArray[np.uint8]:
    """Smooth colours, which chroma at half the resolution and mosaics keep."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([60 + x, 200 - 1.5 * y, 90 + 0.8 * (x + y)], axis=-1)
    return image.round().astype(np.uint8)


def gray() -> NDArray[np.uint8]:
    return scene()[:, :, 0]


def mosaic(pattern: str, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a sensor sees behind filters whose first two rows are the pattern, such as rggb."""
    out = np.zeros(image.shape[:2], image.dtype)
    for k, colour in enumerate(pattern):
        out[k // 2 :: 2, k % 2 :: 2] = image[k // 2 :: 2, k % 2 :: 2, "rgb".index(colour)]
    return out


def yuv(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """BT.601, narrow range, by its matrix."""
    rgb = image.astype(np.float64)
    y = 16 + rgb @ (0.25679, 0.50413, 0.09791)
    u = 128 + rgb @ (-0.14822, -0.29099, 0.43922)
    v = 128 + rgb @ (0.43922, -0.36779, -0.07143)
    return np.stack([y, u, v], axis=-1)


def packed(image: NDArray[np.uint8], order: str) -> NDArray[np.uint8]:
    """4:2:2, two bytes a pixel, in the order of the letters, such as uyvy."""
    full = yuv(image)
    half = {"u": (full[:, ::2, 1] + full[:, 1::2, 1]) / 2, "v": (full[:, ::2, 2] + full[:, 1::2, 2]) / 2}
    luma = iter((full[:, ::2, 0], full[:, 1::2, 0]))
    planes = [next(luma) if letter == "y" else half[letter] for letter in order]
    return np.stack(planes, axis=-1).reshape(HEIGHT, -1).round().astype(np.uint8)


def planar(image: NDArray[np.uint8], order: str) -> NDArray[np.uint8]:
    """4:2:0: rows of luma, then rows of chroma, interleaved in the order of the letters."""
    full = yuv(image)
    halves = {k: full[..., i].reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)) for i, k in enumerate("yuv")}
    chroma = np.stack([halves[letter] for letter in order], axis=-1).reshape(HEIGHT // 2, WIDTH)
    return np.concatenate([full[..., 0], chroma]).round().astype(np.uint8)


def with_alpha(image: NDArray[np.uint8], alpha: int = 255) -> NDArray[np.uint8]:
    return np.dstack([image, np.full(image.shape[:2], alpha, np.uint8)])


def first_frame(bag: BagWriter) -> NDArray[np.uint8]:
    frames = list(open_source(bag.write(), FramesSettings(topic=TOPIC)))
    assert len(frames) == 2
    return frames[0].image


def read(bag: BagWriter, samples: NDArray[np.generic], encoding: str, **more: object) -> NDArray[np.uint8]:
    for i in range(2):
        bag.add_raw(TOPIC, samples, encoding, START_NS + i * STEP_NS, size=(WIDTH, HEIGHT), **more)  # type: ignore[arg-type]
    return first_frame(bag)


EXACT = {
    "rgb8": lambda: scene(),
    "bgr8": lambda: scene()[:, :, ::-1],
    "8UC3": lambda: scene()[:, :, ::-1],
    "rgba8": lambda: with_alpha(scene()),
    "bgra8": lambda: with_alpha(scene()[:, :, ::-1]),
    "8UC4": lambda: with_alpha(scene()[:, :, ::-1]),
}


@pytest.mark.parametrize("kind", ["mcap", "bag"])
@pytest.mark.parametrize("encoding", EXACT)
def test_colours_of_whole_pixels_are_the_same_bytes(new_bag: NewBag, encoding: str, kind: str) -> None:
    assert (read(new_bag(kind), EXACT[encoding](), encoding) == scene()).all()


@pytest.mark.parametrize("encoding", ["mono8", "8UC1", "MONO8"])
def test_gray_is_gray(new_bag: NewBag, encoding: str) -> None:
    assert (read(new_bag(), gray(), encoding) == gray()[..., None]).all()


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"])
def test_mosaics_are_filled_in(new_bag: NewBag, encoding: str) -> None:
    image = read(new_bag("db3"), mosaic(encoding[6:10], scene()), encoding)
    assert np.abs(image[2:-2, 2:-2].astype(int) - scene()[2:-2, 2:-2]).max() <= 3


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")],
)
def test_packed_yuv_is_converted(new_bag: NewBag, encoding: str, order: str) -> None:
    image = read(new_bag(), packed(scene(), order), encoding)
    assert np.abs(image.astype(int) - scene()).max() <= 3


@pytest.mark.parametrize(("encoding", "order"), [("nv12", "uv"), ("nv21", "vu")])
def test_planar_yuv_is_converted(new_bag: NewBag, encoding: str, order: str) -> None:
    image = read(new_bag(), planar(scene(), order), encoding)
    assert np.abs(image.astype(int) - scene()).max() <= 3


def test_padding_at_the_ends_of_rows_is_left_out(new_bag: NewBag) -> None:
    padded = np.pad(scene().reshape(HEIGHT, -1), ((0, 0), (0, 32)), constant_values=255)
    assert (read(new_bag(), padded, "rgb8") == scene()).all()


def test_a_step_that_a_driver_left_at_zero_is_that_of_the_pixels(new_bag: NewBag) -> None:
    assert (read(new_bag(), scene(), "rgb8", step=0) == scene()).all()


@pytest.mark.parametrize("name", ["image.png", "image.jpg"])
def test_compressed_pictures_are_decoded(new_bag: NewBag, name: str) -> None:
    bag = new_bag("bag")
    _, data = cv2.imencode(name[5:], scene()[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100] if "jpg" in name else [])
    for i in range(2):
        bag.add_compressed(TOPIC, data.tobytes(), f"rgb8; {name[6:]} compressed bgr8", START_NS + i * STEP_NS)
    assert np.abs(first_frame(bag).astype(int) - scene()).max() <= 3


def test_alpha_tells_where_a_picture_counts(new_bag: NewBag) -> None:
    cut = with_alpha(scene())
    cut[:, :10, 3] = 0
    for name, samples in (("cut", cut), ("unused", with_alpha(scene(), 0))):
        bag = new_bag(name=name)
        bag.add_raw(TOPIC, samples, "rgba8", START_NS)
        frame = next(iter(open_source(bag.write(), ALL)))
        assert (frame.image == scene()).all()
        assert frame.mask is None if name == "unused" else (frame.mask == (cut[..., 3] > 0)).all()


@pytest.mark.parametrize(
    ("encoding", "samples", "step", "reason"),
    [
        ("rgb7", scene(), None, "encoding 'rgb7'"),
        ("rgb8", scene()[:10], None, "too few"),
        ("rgb8", scene(), 5, "rows of 5"),
        ("nv12", np.zeros((96, 95), np.uint8), 95, "cannot be converted"),
    ],
)
def test_a_picture_that_cannot_be_had_is_skipped_with_its_reason(
    new_bag: NewBag, encoding: str, samples: NDArray[np.uint8], step: int | None, reason: str
) -> None:
    bag = new_bag()
    size = (95, 64) if encoding == "nv12" else (WIDTH, HEIGHT)
    data = samples if step != 5 else np.pad(samples.reshape(HEIGHT, -1), ((0, 0), (0, 1)))
    bag.add_raw(TOPIC, data, encoding, START_NS, size=size, step=step)
    with pytest.raises(FramesError, match=reason):
        open_source(bag.write(), ALL)
    bag = new_bag(name="one")
    bag.add_raw(TOPIC, data, encoding, START_NS, size=size, step=step)
    bag.add_raw(TOPIC, scene(), "rgb8", START_NS + STEP_NS)
    (frame,) = open_source(bag.write(), ALL)
    assert reason.split("'")[0] in frame.skipped_before[0].reason


def thermal(number: int) -> NDArray[np.uint16]:
    """Values 29000 to 30020, as thermal cameras give hundredths of a kelvin; later pictures are warmer."""
    ramp = 29000 + np.arange(WIDTH * HEIGHT, dtype=np.float64).reshape(HEIGHT, WIDTH) / (WIDTH * HEIGHT) * 500
    return (ramp + 52 * number).round().astype(np.uint16)


@pytest.mark.parametrize("kind", ["mcap", "bag"])
@pytest.mark.parametrize(("encoding", "big"), [("mono16", False), ("16UC1", False), ("mono16", True), ("png", False)])
def test_deep_pictures_are_stretched_once_for_the_whole_bag(
    new_bag: NewBag, kind: str, encoding: str, big: bool
) -> None:
    bag = new_bag(kind)
    for i in range(11):
        samples = thermal(i).astype(">u2" if big else "<u2")
        if encoding == "png":
            _, data = cv2.imencode(".png", samples)
            bag.add_compressed(TOPIC, data.tobytes(), "16UC1; png compressed ", START_NS + i * STEP_NS)
        else:
            bag.add_raw(TOPIC, samples, encoding, START_NS + i * STEP_NS, big=big)
    source = open_source(bag.write(), ALL)
    low, high = source.levels or (0, 0)
    assert (low, high) == (pytest.approx(29000, abs=30), pytest.approx(30020, abs=30))
    assert f"{low:g} to {high:g}" in " ".join(advice.text for advice in source.advice)
    for i, frame in enumerate(source):
        expected = np.clip((thermal(i) - low) / (high - low), 0, 1) * 255
        assert np.abs(frame.image - expected[..., None]).max() <= 1


@pytest.mark.parametrize("encoding", ["rgb16", "bgr16", "rgba16", "16UC3", "bayer_rggb16"])
def test_colours_of_16_bits_keep_their_order(new_bag: NewBag, encoding: str) -> None:
    deep = scene().astype(np.uint16) * 257
    deep[:2], deep[-2:] = 0, 65535  # all of the range is used
    samples = {
        "rgb16": deep,
        "rgba16": np.dstack([deep, np.full(deep.shape[:2], 65535, np.uint16)]),
        "bayer_rggb16": mosaic("rggb", deep),
    }.get(encoding, deep[:, :, ::-1])
    image = read(new_bag(), samples, encoding)
    assert np.abs(image[4:-4, 2:-2].astype(int) - scene()[4:-4, 2:-2]).max() <= 3


def test_a_picture_of_other_numbers_than_the_first_is_skipped(new_bag: NewBag) -> None:
    bag = new_bag()
    for i, (samples, encoding) in enumerate([(scene(), "rgb8"), (thermal(0), "mono16"), (scene(), "rgb8")]):
        bag.add_raw(TOPIC, samples, encoding, START_NS + i * STEP_NS)
    frames = list(open_source(bag.write(), ALL))
    assert [bad.reason for frame in frames for bad in frame.skipped_before] == [
        "its numbers are uint16 where those of the others are uint8"
    ]
