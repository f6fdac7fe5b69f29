"""What moves by itself in the picture: a board that drifts across, a lorry before a standing camera, a crowd."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .overlays import blotches
from .sequences import Sequence, UInt8

STAND = 16  # frames that the camera stands while the lorry passes


def rectangle(sequence: Sequence, share: float, rng: np.random.Generator) -> Sequence:
    """A textured board of a share of the picture that drifts to and fro and grows a little, in every frame."""
    width, height = sequence.size
    side = np.sqrt(share)
    board = blotches(rng, (int(1.3 * side * height), int(1.3 * side * width)), 50)
    t = np.linspace(0, 1, len(sequence))
    centre_x = width * (0.5 + 0.25 * np.sin(2 * np.pi * (t + rng.uniform())))
    centre_y = height * (0.55 + 0.08 * np.sin(2 * np.pi * (2 * t + rng.uniform())))
    zoom = 1 / 1.3 * (1 + 0.15 * np.sin(2 * np.pi * (t + rng.uniform())))
    frames = zip(sequence.images, centre_x, centre_y, zoom, strict=True)
    return sequence.with_images(np.stack([_paste(image, board, x, y, z) for image, x, y, z in frames]))


def lorry(sequence: Sequence, share: float, rng: np.random.Generator) -> Sequence:
    """The camera stands amid its way while a lorry of a share of the picture's height passes from side to side."""
    stop = len(sequence) // 2 - STAND // 2
    rows = [*range(stop), *[stop] * STAND, *range(stop, len(sequence) - STAND)]
    standing = sequence.take(rows)
    width, height = sequence.size
    side = blotches(rng, (int(share * height), int(1.6 * width)), 50)
    cv2.putText(side, "CARGO CARGO", (10, side.shape[0] // 2), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (250, 250, 250), 5)
    images = standing.images.astype(np.float64) + rng.normal(0, 1.0, standing.images.shape)
    for i in range(STAND):
        x = width * (-0.7 + 2.4 * (i + 0.5) / STAND)
        images[stop + i] = _paste(np.clip(images[stop + i], 0, 255).astype(np.uint8), side, x, 0.5 * height, 1.0)
    return standing.with_images(images)


def crowd(sequence: Sequence, share: float, rng: np.random.Generator) -> Sequence:
    """Textured people over about a share of the picture, who walk mostly the same way, each at a pace of his own."""
    width, height = sequence.size
    count = int(4 + 30 * share)
    sizes = np.sqrt(2.2 * share / count) * rng.uniform(0.7, 1.3, count)
    looks = [blotches(rng, (max(6, int(1.6 * s * height)), max(4, int(0.7 * s * width))), 50) for s in sizes]
    start, pace = rng.uniform(0, 1, count), rng.normal(0.012, 0.006, count)
    y, phase = rng.uniform(0.45, 0.85, count), rng.uniform(0, 2 * np.pi, count)
    images = []
    for i, image in enumerate(sequence.images):
        for k in np.argsort(y):
            x = ((start[k] + pace[k] * i + 0.3) % 1.6) - 0.3
            image = _paste(image, looks[k], x * width, height * y[k] + np.sin(0.8 * i + phase[k]), 1.0)
        images.append(image)
    return sequence.with_images(np.stack(images))


def _paste(image: UInt8, patch: UInt8, x: float, y: float, zoom: float) -> UInt8:
    """The image with a patch around (x, y), to fractions of a pixel."""
    high, wide = patch.shape[:2]
    place = np.array([[zoom, 0, x - zoom * wide / 2], [0, zoom, y - zoom * high / 2]])
    size = (image.shape[1], image.shape[0])
    seen: NDArray = cv2.warpAffine(np.full((high, wide), 255, np.uint8), place, size, flags=cv2.INTER_NEAREST) > 127
    moved = cv2.warpAffine(patch, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(seen[..., None], moved, image)


MOVERS = {"rectangle": rectangle, "lorry": lorry, "crowd": crowd}
