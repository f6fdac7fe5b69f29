"""Videos and images made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
WIDTH, HEIGHT = 96, 64


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """An image that encodes its number (gray 40 + 4 * number) and which side is up (the top left quarter is green)."""
    image = np.full((height, width, 3), 40 + 4 * number, np.uint8)
    image[: height // 2, : width // 2] = (20, 220, 60)
    return image


def number_of(image: NDArray[np.uint8]) -> int:
    """The number that `picture` encoded in an image."""
    return round((float(np.median(image[image.shape[0] // 2 :, image.shape[1] // 2 :])) - 40) / 4)


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    def write(
        name: str = "clip.mp4",
        count: int = 20,
        rate: int = 10,
        times: Sequence[int] | None = None,
        rotation: tuple[int, bool, bool] | None = None,
        codec: str = "libx264",
        options: dict[str, str] | None = None,
        flags: str = "",
        size: tuple[int, int] = (WIDTH, HEIGHT),
    ) -> Path:
        """A video of `picture`s; times in hundredths of a second."""
        path = tmp_path / name
        with av.open(str(path), "w", options={"movflags": flags} if flags else {}) as container:
            stream = container.add_stream(codec, rate=rate, options={"g": "5", **(options or {})})
            stream.width, stream.height = size
            stream.bit_rate = 4_000_000
            stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
            if rotation is not None:
                stream.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 100)
            for i in range(count):
                frame = av.VideoFrame.from_ndarray(picture(i, *size), format="rgb24")
                if times is not None:
                    frame.pts, frame.time_base = times[i], stream.codec_context.time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., Path]:
    def write(names: Sequence[str], folder: str = "images", size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
        """A folder of `picture`s numbered in the order of the names."""
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for number, name in enumerate(names):
            suffix = Path(name).suffix.lower()
            done, data = cv2.imencode(suffix, picture(number, *size)[:, :, ::-1])
            assert done
            (place / name).write_bytes(data.tobytes())
        return place

    return write
