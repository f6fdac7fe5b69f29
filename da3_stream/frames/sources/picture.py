"""A decoded picture of the input."""

from __future__ import annotations

from dataclasses import dataclass

from ...geometry.masks import Mask
from ...types import UInt8


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright RGB image [H,W,3] uint8, and where it counts [H,W] (None: everywhere): not where alpha is 0, not what
    lies outside a lens, not what somebody masked."""

    image: UInt8
    mask: Mask | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.image.shape[1], self.image.shape[0]
