"""The focal length from a photograph's EXIF data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FOCAL_LENGTH_MM = 0x920A
PIXEL_X, PIXEL_Y = 0xA002, 0xA003
FOCAL_PLANE_X_RESOLUTION = 0xA20E
FOCAL_PLANE_RESOLUTION_UNIT = 0xA210
FOCAL_LENGTH_35MM = 0xA405
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # inch (EXIF 2.32's default), centimetre, millimetre, micrometre
FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)


def focal_px(tags: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """Focal length in pixels of an image shown at `size` (width, height) from its EXIF tags; None if they lack it.

    FocalLengthIn35mmFilm is taken for the length that gives the same *diagonal* field of view on film of 36 mm by
    24 mm, as phones write it and COLMAP reads it; otherwise FocalLength times FocalPlaneXResolution, scaled
    from the pixels that the camera wrote to those of `size`. Both tags are of Exif 2.32, section 4.6.5.
    """
    film_mm = _positive(tags.get(FOCAL_LENGTH_35MM))
    if film_mm:
        return film_mm / FILM_DIAGONAL_MM * math.hypot(*size)
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
