"""What tells a panorama from another picture of the same shape: its edges, its poles, black corners, its tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....types import Float32, UInt8

SEAM = 3.0  # times the difference of neighbouring columns, and grey levels: what the two edges may differ by
SAME = 0.85  # least correlation of the two edges
EDGE_CONTRAST = 8.0  # grey levels: edges that are all one colour, as bars are, continue each other in any picture
POLE = 0.2  # of the contrast of a usual row: what a pole, one point drawn as a row, may have
DARK, BRIGHT = 24.0, 32.0  # grey levels
OUTSIDE, INSIDE = 1.04, 0.8  # of the discs' radius
MOST_BRIGHT, LEAST_BRIGHT = 0.03, 0.3  # share of bright pixels outside the discs, and inside


def shows_all_directions(image: UInt8) -> bool:
    """Whether an image [H,2H,3] looks equirectangular: its left and right edge continue each other, and its first and
    last row are each the same point all along."""
    gray = _gray(image)
    left, right = gray[:, 0], gray[:, -1]
    if min(gray.shape) < 8 or min(left.std(), right.std()) < EDGE_CONTRAST:
        return False
    neighbours = np.abs(left - gray[:, 1]).mean() + np.abs(right - gray[:, -2]).mean()
    continues = np.abs(left - right).mean() <= SEAM * neighbours / 2 + SEAM
    contrast = gray.std(axis=1)
    has_poles = max(contrast[0], contrast[-1]) <= POLE * np.median(contrast)
    return bool(continues and has_poles and np.corrcoef(left, right)[0, 1] >= SAME)


def is_dual_fisheye(image: UInt8) -> bool:
    """Whether an image [H,2H,3] shows two discs side by side, and black around them."""
    gray = _gray(image)
    side = gray.shape[0]
    y, x = np.mgrid[:side, :side] + 0.5
    radius = np.hypot(x - side / 2, y - side / 2) / (side / 2)
    return side >= 8 and all(_is_disc(half, radius) for half in (gray[:, :side], gray[:, side:]))


def _is_disc(half: Float32, radius: np.ndarray) -> bool:
    outside, inside = half[radius > OUTSIDE], half[radius < INSIDE]
    return bool((outside > DARK).mean() <= MOST_BRIGHT and (inside > BRIGHT).mean() >= LEAST_BRIGHT)


def is_marked_spherical(file: Path, kind: str) -> bool:
    """Whether a video's or an image's tags say that it is a panorama (Google's Spherical Video, Photo Sphere XMP)."""
    return _is_spherical_video(file) if kind == "video" else _is_photo_sphere(file)


def _is_spherical_video(file: Path) -> bool:
    import av

    try:
        with av.open(str(file)) as container:
            frame = next(container.decode(video=0))
            return frame.side_data.get("SPHERICAL") is not None
    except (av.FFmpegError, OSError, StopIteration, ValueError):  # side data of frames with EXIF cannot be read
        return False


def _is_photo_sphere(file: Path) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            xmp = image.info.get("xmp", b"")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        return False
    text = xmp if isinstance(xmp, bytes) else str(xmp).encode()
    return b"ProjectionType" in text and b"equirectangular" in text


def _gray(image: UInt8) -> Float32:
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
