"""Pictures of a made-up wall, cut out where a camera would look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream.frames import FrameSource
from da3_stream.frames.gate.gate import Gate, GatedFrames
from da3_stream.frames.gate.motion_gate import MotionGate
from da3_stream.types import Frame, SkippedFrame

WIDTH, HEIGHT = 320, 240


def wall(seed: int = 0, length: int = 2400) -> NDArray[np.uint8]:
    """Blobs of many sizes and colours, sharp enough to be tracked and described."""
    rng = np.random.default_rng(seed)
    image = np.full((HEIGHT, length, 3), 120, np.uint8)
    for _ in range(length * 2):
        x, y, radius = rng.integers(0, length), rng.integers(0, HEIGHT), rng.integers(2, 12)
        colour = rng.integers(0, 256, 3).tolist()
        cv2.rectangle(image, (int(x), int(y)), (int(x + radius), int(y + rng.integers(2, 12))), colour, -1)
    return image


def view(image: NDArray[np.uint8], x: float, noise: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
    """What is seen at place x."""
    seen = cv2.getRectSubPix(image, (WIDTH, HEIGHT), (x + WIDTH / 2, HEIGHT / 2))
    if noise:
        seen = seen + np.random.default_rng(seed).normal(0, noise, seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def frames(pictures: Iterable[NDArray[np.uint8]], rate: float = 10.0) -> list[Frame]:
    """Frames at a steady rate."""
    return [Frame(i, i / rate, picture, str(i)) for i, picture in zip(count(), pictures, strict=False)]


def kept(pictures: Iterable[NDArray[np.uint8]], gate: Gate | None = None) -> list[Frame]:
    """What a gate leaves of them."""
    return list(GatedFrames(frames(pictures), gate or MotionGate(0.01)))


def indices(found: Sequence[Frame]) -> list[int]:
    return [frame.index for frame in found]


def reasons(found: Sequence[Frame]) -> dict[int, str]:
    """Why frames were left out, by index."""
    return {entry.index: entry.reason for frame in found for entry in frame.left_out}


def shares(found: Sequence[Frame]) -> dict[int, float]:
    """Shares of the way of those left out, by index."""
    return {entry.index: entry.share for frame in found for entry in frame.left_out}


def skipped(source: FrameSource) -> list[SkippedFrame]:
    """The skipped frames that a source gives with its good ones and behind them, read once more."""
    before = [skipped for frame in source for skipped in frame.skipped_before]
    return [*before, *source.skipped_after]
