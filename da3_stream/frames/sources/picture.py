"""A decoded picture of the input."""

from __future__ import annotations

from dataclasses import dataclass

from ...geometry.masks import Mask
from ...types import UInt8


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright RGB image [H,W,3] uint8, and where it counts [H,W] (None: everywhere): not where alpha is 0, not what
    lies outside a lens, not what somebody masked.

    Where the decoder has shrunk the image already, `full_size` is the (width, height) that the input gives it.
    """

    image: UInt8
    mask: Mask | None = None
    full_size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) at the input's resolution."""
        return self.full_size or (self.image.shape[1], self.image.shape[0])
