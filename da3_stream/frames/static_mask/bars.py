"""Black bars at the borders of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence

BLACK_LEVELS, BLACK_CHANGE = 28.0, 2.0  # gray levels: compressed black lies between 0 and 20, and hardly changes
BLACK_SHARE = 0.98  # of the pixels of a black line


def black_bars(evidence: Evidence) -> NDArray[np.bool_]:
    """Black rows and columns at the image's borders: they show nothing, whether or not the scene has moved."""
    bars = np.zeros(evidence.mean.shape, np.bool_)
    black = (evidence.mean <= BLACK_LEVELS) & (evidence.deviation <= BLACK_CHANGE)
    for axis, view in ((1, bars), (0, bars.T)):
        lines, levels = black.mean(axis) >= BLACK_SHARE, evidence.mean.mean(axis)
        view[: _bar(lines, levels)] = True
        view[len(lines) - _bar(lines[::-1], levels[::-1]) :] = True
    return bars


def _bar(black: NDArray[np.bool_], levels: NDArray[np.float32]) -> int:
    """How many lines the bar has that black lines [n] begin, by their mean gray levels [n]: its edge lies half-way."""
    first = int(np.argmin(black))
    if first == 0 or first + 4 > len(levels):
        return 0
    half = (levels[first - 1] + levels[first + 3]) / 2
    return first + int(np.argmin(levels[first : first + 4] < half))
