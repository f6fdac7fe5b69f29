"""The focal length from a photograph's EXIF data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXIF_IFD = 0x8769
FOCAL_LENGTH_MM = 0x920A
PIXEL_X, PIXEL_Y = 0xA002, 0xA003
FOCAL_PLANE_X_RESOLUTION = 0xA20E
FOCAL_PLANE_RESOLUTION_UNIT = 0xA210
FOCAL_LENGTH_35MM = 0xA405
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # inch (EXIF 2.32's default), centimetre, millimetre, micrometre
FILM_WIDTH_MM = 36.0


def read_focal_px(path: Path, size: tuple[int, int]) -> float | None:
    """Focal length in pixels of an image shown at `size` (width, height); None if its EXIF data lack it.

    FocalLengthIn35mmFilm is taken for the 36 mm of the longer side (phones that match the diagonal instead make it up
    to 4 % smaller at 4:3); otherwise FocalLength times FocalPlaneXResolution, scaled from the pixels that the camera
    wrote to those of `size`. Both tags are of Exif 2.32, section 4.6.5.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            tags = image.getexif().get_ifd(EXIF_IFD)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return None
    return focal_px(tags, size)


def focal_px(tags: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """Focal length in pixels at `size` from the tags of an EXIF block; see `read_focal_px`."""
    film_mm = _positive(tags.get(FOCAL_LENGTH_35MM))
    if film_mm:
        return film_mm / FILM_WIDTH_MM * max(size)
    focal_mm = _positive(tags.get(FOCAL_LENGTH_MM))
    per_unit = _positive(tags.get(FOCAL_PLANE_X_RESOLUTION))
    unit_mm = UNIT_MM.get(tags.get(FOCAL_PLANE_RESOLUTION_UNIT, 2))
    if not (focal_mm and per_unit and unit_mm):
        return None
    written = max(_positive(tags.get(PIXEL_X)) or 0.0, _positive(tags.get(PIXEL_Y)) or 0.0) or max(size)
    return focal_mm * per_unit / unit_mm * max(size) / written


def _positive(value: Any) -> float | None:
    """The tag as a number, or None where it is missing, zero (Exif: unknown), infinite or no number."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
