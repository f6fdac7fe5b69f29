"""Resizing: all frames of a run have one size."""

from __future__ import annotations

from ...types import UInt8

MAX_ASPECT_CHANGE = 0.01  # relative; a frame beyond it cannot be the first frame's format at another scale


def size_of(image: UInt8) -> tuple[int, int]:
    """(width, height) of an image [H,W,...]."""
    return image.shape[1], image.shape[0]


def fit_size(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """(width, height) with the longest side at most `longest`, the aspect kept to the nearest pixel."""
    if longest is None or max(size) <= longest:
        return size
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def fit_image(image: UInt8, size: tuple[int, int], longest: int | None) -> UInt8 | str:
    """Resize an image [H,W,3] to the run's `size`, shrunk so that its longest side is at most `longest`.

    Returns the reason instead where its aspect ratio differs from the run's.
    """
    import cv2

    width, height = size_of(image)
    if abs(width * size[1] / (height * size[0]) - 1) > MAX_ASPECT_CHANGE:
        return f"size {width}x{height} differs from the first frame's {size[0]}x{size[1]}"
    target = fit_size(size, longest)
    if (width, height) == target:
        return image
    return cv2.resize(image, target, interpolation=cv2.INTER_AREA if width > target[0] else cv2.INTER_LINEAR)
