"""Small arrays that stay for the whole run, side by side in large blocks.

Left where they were made, among what is freed again, each would keep its page of memory from the system to the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3

_BLOCK = 1 << 18  # bytes
_ALIGNED = 8


class Arena:
    """Blocks, filled one after the other; what was put there is never taken off."""

    def __init__(self) -> None:
        self._block = np.zeros(0, np.uint8)
        self._used = 0

    def copy(self, array: NDArray) -> NDArray:
        """An equal array, of which the shelf holds the numbers."""
        taken = -(-array.nbytes // _ALIGNED) * _ALIGNED
        if self._used + taken > len(self._block):
            self._block, self._used = np.zeros(max(taken, _BLOCK), np.uint8), 0
        kept = self._block[self._used : self._used + array.nbytes].view(array.dtype).reshape(array.shape)
        kept[...] = array
        self._used += taken
        return kept

    def copy_transform(self, transform: Sim3) -> Sim3:
        """An equal transform, of which the shelf holds the numbers."""
        return Sim3(transform.scale, self.copy(transform.rotation), self.copy(transform.translation))
