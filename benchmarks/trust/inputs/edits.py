"""What is wrong with the lens or with the order of frames: zoom, another lens, wrong intrinsics, cuts, lost frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .sequences import Float64, Sequence


def zoom(sequence: Sequence, factor: float, rng: np.random.Generator) -> Sequence:
    """The lens zooms in by a factor over a fifth of the sequence, about its middle."""
    n = len(sequence)
    return zoomed(sequence, factor ** np.clip((np.arange(n) - 0.4 * n) / (0.2 * n), 0, 1))


def lens_switch(sequence: Sequence, factor: float, rng: np.random.Generator) -> Sequence:
    """The lens is changed at once, in the middle."""
    n = len(sequence)
    return zoomed(sequence, np.where(np.arange(n) < n // 2, 1.0, factor))


def zoomed(sequence: Sequence, factors: Float64) -> Sequence:
    """Every image enlarged about its middle by a factor of its own [N] of 1 or more, cut to the size it had."""
    width, height = sequence.size
    images = [
        cv2.warpAffine(
            image,
            np.array([[f, 0, (1 - f) * (width - 1) / 2], [0, f, (1 - f) * (height - 1) / 2]]),
            (width, height),
            flags=cv2.INTER_CUBIC,
        )
        for image, f in zip(sequence.images, factors, strict=True)
    ]
    return sequence.with_images(np.stack(images))


def wrong_focal(sequence: Sequence, factor: float, rng: np.random.Generator) -> Sequence:
    """The intrinsics that are given have a focal length that is so many times too long."""
    fx, fy, cx, cy = sequence.intrinsics
    return replace(sequence, intrinsics=(factor * fx, factor * fy, cx, cy))


def wrong_size(sequence: Sequence, factor: float, rng: np.random.Generator) -> Sequence:
    """The intrinsics that are given are those of images so many times as large."""
    fx, fy, cx, cy = sequence.intrinsics
    most = 1.99 * (cx + 0.5), 1.99 * (cy + 0.5)
    middle = min((cx + 0.5) * factor, most[0]) - 0.5, min((cy + 0.5) * factor, most[1]) - 0.5
    return replace(sequence, intrinsics=(fx * factor, fy * factor, *middle))


def cut(sequence: Sequence, lost: float, rng: np.random.Generator) -> Sequence:
    """So many frames are cut out of the middle."""
    n, gap = len(sequence), int(lost)
    kept = min(40, n - gap)
    first = kept // 2
    return sequence.take([*range(first), *range(first + gap, kept + gap)])


def dropped(sequence: Sequence, lost: float, rng: np.random.Generator) -> Sequence:
    """Bursts of up to so many frames are lost at several places, until forty are left or the sequence ends."""
    rows: list[int] = []
    at = 0
    while at < len(sequence) and len(rows) < 40:
        run = int(rng.integers(5, 10))
        rows += range(at, min(at + run, len(sequence)))
        at += run + int(rng.integers(1, int(lost) + 1))
    return sequence.take(rows[:40])


def stutter(sequence: Sequence, lost: float, rng: np.random.Generator) -> Sequence:
    """A recorder that hangs: bursts of up to so many frames are lost, each replaced by the last frame before it."""
    rows = np.arange(len(sequence))
    at = int(rng.integers(4, 8))
    while at < len(rows):
        hung = int(rng.integers(1, int(lost) + 1))
        rows[at : at + hung] = at - 1
        at += hung + int(rng.integers(5, 10))
    return sequence.take(rows[:40])
