"""The focal length that a video's tags tell."""

from __future__ import annotations

from typing import Any

from ..images.exif import FOCAL_LENGTH_35MM, focal_px
from .pixels import known_pixels, square_size

KEY = "focal_length.35mm_equivalent"  # Apple's com.apple.quicktime.camera.…, of the track or of the file


def read_focal_px(container: Any, stream: Any) -> float | None:
    """Focal length in pixels at the size at which the video is shown; None where no tag tells."""
    tags = {**container.metadata, **stream.metadata}
    film_mm = next((value for key, value in tags.items() if key.lower().endswith(KEY)), None)
    size = square_size((stream.width, stream.height), known_pixels(stream).aspect)
    return None if film_mm is None else focal_px({FOCAL_LENGTH_35MM: film_mm}, size)
