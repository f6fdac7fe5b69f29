"""Eight kinds of things that go with the camera, opaque and as strongly textured as the scene."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .sequences import Sequence, UInt8

Mask = NDArray[np.bool_]
Shape = Callable[[NDArray[np.float64], NDArray[np.float64], float, np.random.Generator], Mask]


def overlay(sequence: Sequence, kind: str, share: float, rng: np.random.Generator) -> Sequence:
    """The sequence with an opaque overlay of a kind over about `share` of every image."""
    width, height = sequence.size
    mask = overlay_mask(kind, (width, height), share, rng)
    painted = sequence.images.copy()
    painted[:, mask] = blotches(rng, (height, width), rng.uniform(25, 55))[mask]
    if kind in LETTERED:
        painted = np.stack([_letters(image, kind, share) for image in painted])
    return sequence.with_images(painted)


def overlay_mask(kind: str, size: tuple[int, int], share: float, rng: np.random.Generator) -> Mask:
    """Where [H,W] an overlay of a kind lies."""
    width, height = size
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return OVERLAYS[kind](x, y, share, rng)


def blotches(rng: np.random.Generator, shape: tuple[int, int], contrast: float) -> UInt8:
    """A texture [h,w,3] of blotches a few pixels wide."""
    coarse = rng.normal(0.0, 1.0, (shape[0] // 3 + 2, shape[1] // 3 + 2, 1))
    grain = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(rng.uniform(60, 170, 3) + contrast * 1.6 * grain, 0, 255).astype(np.uint8)


def _bonnet(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    rise = 1.15 * share
    return y > 1 - rise * (1 - 0.9 * (2 * (x - 0.5 - rng.uniform(-0.1, 0.1))) ** 2)


def _dashboard(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    wheel = np.hypot((x - 0.3) * 1.33, y - 1.0)
    return (y > 1 - 0.75 * share) | (np.abs(wheel - (0.12 + 0.6 * share)) < 0.05 + 0.1 * share)


def _pillars(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    lean = 0.15 * (y - 0.5) * share
    return (x < 0.45 * share - lean) | (x > 1 - 0.45 * share + lean) | (y < 0.12 * share)


def _handlebars(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    bar = np.abs(y - 0.8 + 0.3 * np.abs(x - 0.5)) < 0.45 * share
    stem = (np.abs(x - 0.5 - rng.uniform(-0.02, 0.02)) < 0.25 * share) & (y > 0.8)
    return bar | stem


def _visor(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    rim = 1.0 - 0.85 * share
    return ((2 * x - 1) / (1.1 * rim + 0.15)) ** 2 + ((2 * y - 1) / (rim + 0.12)) ** 2 > 1


def _legs(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    wide, splay = 0.3 * share, 0.25 + rng.uniform(-0.05, 0.05)
    feet = [np.abs(x - centre - splay * (centre - 0.5) * y) < wide for centre in (0.2, 0.8)]
    return feet[0] | feet[1] | ((y > 1 - 0.4 * share) & (np.abs(x - 0.5) < 0.35))


def _text(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    return (y < 0.5 * share) | (y > 1 - 0.5 * share)


def _display(x: NDArray, y: NDArray, share: float, rng: np.random.Generator) -> Mask:
    side = np.sqrt(share / 3.0)
    gauges = [(cx, cy) for cx in (0.0, 1.0) for cy in (0.0, 1.0)]
    corners = [(np.abs(x - cx) < 1.1 * side) & (np.abs(y - cy) < 0.65 * side) for cx, cy in gauges]
    return np.any(corners, axis=0) | (np.hypot((x - 0.5) * 1.33, y - 0.5) < 0.18 * side)


OVERLAYS: dict[str, Shape] = {
    "bonnet": _bonnet,
    "dashboard": _dashboard,
    "pillars": _pillars,
    "handlebars": _handlebars,
    "visor": _visor,
    "legs": _legs,
    "text": _text,
    "display": _display,
}
LETTERED = ("text", "display")


def _letters(image: UInt8, kind: str, share: float) -> UInt8:
    height = image.shape[0]
    lines = ("CAM 4K N48.1371 E11.57", "2026-05-01 12:00 42 KM/H") if kind == "text" else ("HP 87", "1240 M")
    scale = height / 500 * (1 + 2 * share)
    for line, y in zip(lines, (0.12, 0.97), strict=True):
        cv2.putText(image, line, (4, int(y * height)), cv2.FONT_HERSHEY_SIMPLEX, scale, (250, 245, 90), 1, cv2.LINE_AA)
    return image
