"""How long a piece of work may take before it is taken to hang."""

from __future__ import annotations

LEAST_LIMIT_S = 600.0
FRAME_LIMIT_S = 5.0  # for each frame; some twenty times what a window's map takes on one free core
USUAL_PIXELS = 640 * 480


def usual_limit_s(count: int, size: tuple[int, int]) -> float:
    """Seconds after which a piece of work on a window of so many frames of (width, height) is taken to hang."""
    return LEAST_LIMIT_S + FRAME_LIMIT_S * count * max(1.0, size[0] * size[1] / USUAL_PIXELS)
