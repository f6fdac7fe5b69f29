"""Small clips of a camera that passes a wall, as files of any name, format and time of creation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from tests.worlds.wall import view, wall

SIZE = (160, 120)
STEP_PX = 12.0  # along the wall, from one frame to the next


@cache
def shown(number: float, seed: int = 0) -> np.ndarray:
    """The picture [120,160,3] that the camera sees at a frame."""
    return cv2.resize(view(_wall(seed), STEP_PX * number), SIZE, interpolation=cv2.INTER_AREA)


_wall = cache(wall)


def write_clip(
    path: Path,
    first: int,
    count: int,
    *,
    seed: int = 0,
    rate: int = 10,
    codec: str = "ffv1",
    created: str = "",
    size: tuple[int, int] = SIZE,
    step_px: float = STEP_PX,
    noise: float = 0.0,
    noise_seed: int = 0,
) -> Path:
    """A clip of the camera's frames from `first` on, without loss by default (then a name in .mkv, .mov or .avi)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(noise_seed)
    with av.open(str(path), "w") as container:
        if created:
            container.metadata["creation_time"] = created
        stream = container.add_stream(codec, rate=rate, options={"g": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.bit_rate = 600_000
        for number in range(first, first + count):
            image = shown(number * step_px / STEP_PX, seed) + rng.normal(0, noise, (SIZE[1], SIZE[0], 3))
            frame = av.VideoFrame.from_ndarray(np.clip(np.rint(image), 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(*size, format=stream.pix_fmt)))
        container.mux(stream.encode(None))
    return path


def h264(path: Path, first: int, count: int, **options: object) -> Path:
    """The same with loss, as cameras write it."""
    return write_clip(path, first, count, codec="libx264", **options)  # type: ignore[arg-type]
