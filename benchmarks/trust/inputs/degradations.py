"""What spoils images: blur, darkness, little texture, noise, wipers and drops."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from .overlays import blotches
from .sequences import Sequence


def defocus(sequence: Sequence, sigma_px: float, rng: np.random.Generator) -> Sequence:
    """A lens out of focus."""
    return sequence.with_images(np.stack([cv2.GaussianBlur(im, (0, 0), sigma_px) for im in sequence.images]))


def motion_blur(sequence: Sequence, length_px: float, rng: np.random.Generator) -> Sequence:
    """Shake during the exposure: every frame smeared along a direction of its own."""
    angles = rng.uniform(0, np.pi, len(sequence))
    kernels = [_streak(length_px * rng.uniform(0.6, 1.4), angle) for angle in angles]
    smeared = [cv2.filter2D(image, -1, kernel) for image, kernel in zip(sequence.images, kernels, strict=True)]
    return sequence.with_images(np.stack(smeared))


def _streak(length_px: float, angle: float) -> NDArray[np.float64]:
    side = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((side, side))
    for t in np.linspace(-0.5, 0.5, 4 * side):
        x, y = (np.array([np.cos(angle), np.sin(angle)]) * t * length_px + side // 2).round().astype(int)
        kernel[y, x] += 1
    return kernel / kernel.sum()


def dark(sequence: Sequence, stops: float, rng: np.random.Generator) -> Sequence:
    """Night: so many stops less light, a sensor's noise, eight bits."""
    light = sequence.images * 2.0**-stops
    return sequence.with_images(light + rng.normal(0, 1.0, light.shape) * np.sqrt(1 + 0.02 * light))


def low_texture(sequence: Sequence, lost: float, rng: np.random.Generator) -> Sequence:
    """Fog: a share of every image's contrast is lost, more of it in the far (upper) part."""
    grey = np.linspace(1.0, 0.8, sequence.size[1])[None, :, None, None] * lost
    return sequence.with_images(sequence.images * (1 - grey) + 190.0 * grey + rng.normal(0, 0.7, sequence.images.shape))


def noise(sequence: Sequence, sigma: float, rng: np.random.Generator) -> Sequence:
    """Noise of every pixel, in grey levels."""
    return sequence.with_images(sequence.images + rng.normal(0, sigma, sequence.images.shape))


def wipers(sequence: Sequence, share: float, rng: np.random.Generator) -> Sequence:
    """A blade that sweeps to and fro about the middle of the lower edge, over a share of the picture."""
    width, height = sequence.size
    x, y = np.meshgrid(np.arange(width) - width / 2, 1.1 * height - np.arange(height))
    bearing, texture = np.degrees(np.arctan2(x, y)), blotches(rng, (height, width), 12)
    phase = rng.uniform(0, 2 * np.pi)
    images = sequence.images.copy()
    for i in range(len(sequence)):
        blade = np.abs(bearing - 55 * np.sin(2 * np.pi * i / 13 + phase)) < 60 * share
        images[i][blade] = texture[blade] // 3
    return sequence.with_images(images)


def drops(sequence: Sequence, share: float, rng: np.random.Generator) -> Sequence:
    """Drops on the glass over a share of the picture: each shows the scene upside down and blurred; some run down."""
    width, height = sequence.size
    count = int(6 + 40 * share)
    radius = np.sqrt(share * width * height / (np.pi * count)) * rng.uniform(0.6, 1.5, count)
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    fall = np.where(rng.uniform(size=count) < 0.25, rng.uniform(0.5, 3.0, count), 0.0)
    images = np.stack([_rain(im, x, (y + fall * i) % height, radius) for i, im in enumerate(sequence.images)])
    return sequence.with_images(images)


def _rain(image: NDArray[np.uint8], x: NDArray, y: NDArray, radius: NDArray) -> NDArray[np.uint8]:
    through = cv2.GaussianBlur(cv2.resize(image[::-1, ::-1], None, fx=0.25, fy=0.25), (0, 0), 2)
    seen, out = cv2.resize(through, (image.shape[1], image.shape[0])), image.copy()
    for cx, cy, r in zip(x, y, radius, strict=True):
        ring = np.zeros(image.shape[:2], np.uint8)
        cv2.circle(ring, (int(cx), int(cy)), int(r), 255, -1)
        out[ring > 0] = np.roll(seen, int(3 * cx), axis=1)[ring > 0]
    return out


def only_in(sequence: Sequence, spoilt: Sequence, spans: Iterable[tuple[int, int]]) -> Sequence:
    """The sequence with the frames of the spans (first, last) as they are in the spoilt one."""
    images = sequence.images.copy()
    for first, last in spans:
        images[first : last + 1] = spoilt.images[first : last + 1]
    return sequence.with_images(images)
