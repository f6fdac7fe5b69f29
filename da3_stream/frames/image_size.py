"""Sizes of images."""

from __future__ import annotations

from ..types import UInt8


def size_of(image: UInt8) -> tuple[int, int]:
    """(width, height) of an image [H,W,...]."""
    return image.shape[1], image.shape[0]


def fit_size(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """(width, height) with the longest side at most `longest`, the aspect kept to the nearest pixel."""
    return size if longest is None or max(size) <= longest else scale_to(size, longest)


def scale_to(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(width, height) with the longest side as long as this, the aspect kept to the nearest pixel."""
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
