"""An arena (bump allocator) for small arrays that stay for the whole run.

Left where they were made, among what is freed again, each would keep its page of memory from the system to the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3

_BLOCK = 1 << 18  # bytes
_ALIGNED = 8


class Arena:
    """Blocks, filled one after the other; nothing is freed before the arena."""

    def __init__(self) -> None:
        self._block = np.zeros(0, np.uint8)
        self._used = 0

    def copy(self, array: NDArray) -> NDArray:
        """An equal array whose numbers lie in the arena."""
        size = -(-array.nbytes // _ALIGNED) * _ALIGNED
        if self._used + size > len(self._block):
            self._block, self._used = np.zeros(max(size, _BLOCK), np.uint8), 0
        copied = self._block[self._used : self._used + array.nbytes].view(array.dtype).reshape(array.shape)
        copied[...] = array
        self._used += size
        return copied

    def copy_transform(self, transform: Sim3) -> Sim3:
        """An equal transform whose numbers lie in the arena."""
        return Sim3(transform.scale, self.copy(transform.rotation), self.copy(transform.translation))
