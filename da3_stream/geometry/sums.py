"""Sums over what belongs together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sum_by(index: NDArray[np.int64], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sums [count,...] of the values [m,...] of each index [m] below `count`."""
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    sums: NDArray[np.float64] = np.stack([np.bincount(index, column, count) for column in flat.T], axis=1)
    return sums.reshape(count, *values.shape[1:])
