"""The confidence of all poses over time as a strip, an SVG image for report.html."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..store import PoseTable
from ..types import Float64
from .words import moment

WIDTH, HEIGHT, LEGEND = 1000, 44, 16  # in units of the image
MOST_BARS = 500
WRONG, DOUBTFUL, RIGHT, UNPLACED = (222, 60, 60), (240, 180, 40), (61, 200, 120), (70, 74, 82)  # RGB


def confidence_strip(poses: PoseTable, since: float = 0.0) -> str:
    """An <svg>: a bar for so many rows each, as high as their least confidence; red 0, yellow 0.5, green 1, grey
    without a pose. Its times count from `since`. Empty without rows."""
    if not len(poses):
        return ""
    count = min(len(poses), MOST_BARS)
    starts = np.arange(count) * len(poses) // count
    least = np.minimum.reduceat(poses.confidence, starts)
    posed = np.maximum.reduceat(poses.segment, starts) >= 0
    x = np.append(starts, len(poses)) / len(poses) * WIDTH
    bars = "".join(_bar(x[k], x[k + 1], float(least[k]), bool(posed[k])) for k in range(count))
    first, last = (moment(float(poses.timestamp[k]) - since) for k in (0, -1))
    labels = _label(0, "start", first) + _label(WIDTH / 2, "middle", "confidence") + _label(WIDTH, "end", last)
    return (
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT + LEGEND}" role="img" '
        f'aria-label="confidence of the poses over time">{bars}{labels}</svg>'
    )


def _bar(left: float, right: float, confidence: float, posed: bool) -> str:
    height = max(confidence, 0.08) * HEIGHT if posed else HEIGHT
    colour = "#{:02x}{:02x}{:02x}".format(*(_colour(confidence) if posed else UNPLACED))
    return (
        f'<rect x="{left:.2f}" y="{HEIGHT - height:.2f}" width="{right - left:.2f}" height="{height:.2f}" '
        f'fill="{colour}"/>'
    )


def _colour(confidence: float) -> NDArray[np.int64]:
    channels: Float64 = np.array([WRONG, DOUBTFUL, RIGHT], np.float64).T
    return np.array([round(float(np.interp(confidence, (0.0, 0.5, 1.0), channel))) for channel in channels])


def _label(x: float, anchor: str, text: str) -> str:
    return f'<text x="{x:g}" y="{HEIGHT + LEGEND - 3}" text-anchor="{anchor}">{text}</text>'
