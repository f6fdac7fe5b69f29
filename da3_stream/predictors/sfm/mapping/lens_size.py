"""Whether a lens looks like one of images of another size, by its principal point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens

OTHER_SIZE = 0.15  # log ratio of twice the principal point to the size of the image
SAME_RATIO = 0.05  # how well both axes must agree on it
UNLIKELY = 0.08  # from this on the images are asked where the principal point is
FAR_OFF = 0.35  # the same for a single axis: no camera's principal point is that far from the middle


def is_of_another_size(k: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether K [3,3] looks like one of images of another size than (width, height), or of these on their side."""
    logs = _log_ratios(k, size)
    sides = np.abs(np.log(np.array(size_of(k)[::-1]) / size)).max() < SAME_RATIO
    scaled = abs(logs[0] - logs[1]) < SAME_RATIO
    return bool((scaled or sides) and np.abs(logs).max() > OTHER_SIZE or np.abs(logs).max() > FAR_OFF)


def size_of(k: NDArray[np.float64]) -> tuple[int, int]:
    """Width and height of the images in the middle of which the principal point is."""
    return max(1, round(2 * float(k[0, 2]))), max(1, round(2 * float(k[1, 2])))


def likely_lens(lens: Lens, size: tuple[int, int]) -> Lens:
    """The lens, or what it would be for images of this size where it may be one of others."""
    logs = _log_ratios(lens.matrix(), size)
    may_be_other = abs(logs[0] - logs[1]) < SAME_RATIO and np.abs(logs).max() > UNLIKELY
    if not (may_be_other or is_of_another_size(lens.matrix(), size)):
        return lens
    factor = float(np.exp(-logs.mean()))
    return replace(lens, fx=factor * lens.fx, fy=factor * lens.fy, cx=size[0] / 2, cy=size[1] / 2)


def _log_ratios(k: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    return np.log(np.maximum(2 * k[:2, 2] / np.array(size), 1e-6))
