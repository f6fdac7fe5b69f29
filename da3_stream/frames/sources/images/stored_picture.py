"""A picture as its file stores it, but upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.masks import Mask

MOST_PIXELS = 2**29  # of a picture; more are a sign of damage
ALL_TRANSPARENT = "all of it is transparent (alpha 0)"


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """An upright picture in the depth of its file: [H,W,3] RGB or [H,W] gray, of any kind of number, and where it
    counts [H,W] (None: everywhere)."""

    values: NDArray[Any]
    mask: Mask | None = None

    @property
    def is_deep(self) -> bool:
        """Whether it has more than eight bits a channel."""
        return self.values.dtype not in (np.uint8, np.bool_)


def without_alpha(values: NDArray[Any]) -> StoredPicture | str:
    """RGBA [H,W,4] or gray with alpha [H,W,2] as a picture that counts where alpha is not 0."""
    inside = np.asarray(values[..., -1] != 0, np.bool_)
    if not inside.any():
        return ALL_TRANSPARENT
    colours = values[..., 0] if values.shape[2] == 2 else values[..., :3]
    return StoredPicture(np.ascontiguousarray(colours), None if inside.all() else inside)


def turned_upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An array [H,W,...] as EXIF's Orientation (Exif 2.32, section 4.6.4; 1 to 8) shows it."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(values[::down, ::across])
