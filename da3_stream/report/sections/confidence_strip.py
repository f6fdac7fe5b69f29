"""The confidence of all poses along the time line as a strip, an SVG image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...store import PoseTable
from ...types import Float64

WIDTH, HEIGHT = 1000, 44  # in units of the image
MOST_BARS = 500
WRONG, DOUBTFUL, RIGHT = (222, 60, 60), (240, 180, 40), (61, 200, 120)  # RGB


def confidence_strip(poses: PoseTable) -> str:
    """An <svg>: a bar for so many rows each, as high as their least confidence; red 0, yellow 0.5, green 1, and of the
    class `unplaced` without a pose. Empty without rows."""
    if not len(poses):
        return ""
    count = min(len(poses), MOST_BARS)
    starts = np.arange(count) * len(poses) // count
    least = np.minimum.reduceat(poses.confidence, starts)
    posed = np.maximum.reduceat(poses.segment, starts) >= 0
    x = np.append(starts, len(poses)) / len(poses) * WIDTH
    bars = "".join(_bar(x[k], x[k + 1], float(least[k]), bool(posed[k])) for k in range(count))
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="confidence of the poses over time">{bars}</svg>'
    )


def _bar(left: float, right: float, confidence: float, posed: bool) -> str:
    height = max(confidence, 0.08) * HEIGHT if posed else HEIGHT
    fill = 'fill="#{:02x}{:02x}{:02x}"'.format(*_colour(confidence)) if posed else 'class="unplaced"'
    return f'<rect x="{left:.2f}" y="{HEIGHT - height:.2f}" width="{right - left:.2f}" height="{height:.2f}" {fill}/>'


def _colour(confidence: float) -> NDArray[np.int64]:
    channels: Float64 = np.array([WRONG, DOUBTFUL, RIGHT], np.float64).T
    return np.array([round(float(np.interp(confidence, (0.0, 0.5, 1.0), channel))) for channel in channels])
