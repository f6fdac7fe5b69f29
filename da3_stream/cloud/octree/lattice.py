"""Points as an octree takes them: records on a lattice, which keep their place to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float64

Records = NDArray[np.void]  # [M] of one dtype, with a field `xyz`: whole steps on a lattice, int32 [3]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Whole steps from an offset, as LAS files have them."""

    step: float
    offset: Float64  # [3]

    def positions(self, records: Records) -> Float64:
        """Coordinates [M,3] of records, as readers of LAS files compute them."""
        return records["xyz"] * self.step + self.offset
