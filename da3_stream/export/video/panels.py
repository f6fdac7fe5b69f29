"""The pictures of a film: colours, and depth in the colours of one scale over the whole film, with white between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...types import Float32, UInt8
from ..depth.colour_scale import DepthScale

GAP = 8  # white pixels between the two, as in Depth Anything 3
COVERED = 0.5  # of a pixel: where less is, there is no depth


@dataclass(frozen=True)
class Panels:
    """How colours and depth are laid out."""

    scale: DepthScale
    depth: Literal["beside", "below", "none"]

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of a picture whose colours have this one."""
        width, height = size
        return {"beside": (2 * width + GAP, height), "below": (width, 2 * height + GAP), "none": size}[self.depth]

    def picture(self, colour: Float32, depth: Float32, alpha: Float32) -> UInt8:
        """RGB of colours [H,W,3] from 0 to 1, depth [H,W] along z in world units, and how much of each pixel is covered
        [H,W]; black where nothing is."""
        shown = np.rint(255 * np.clip(colour, 0, 1)).astype(np.uint8)
        if self.depth == "none":
            return shown
        painted = self.scale.paint(np.where(alpha >= COVERED, depth, np.float32(0)))
        axis = 1 if self.depth == "beside" else 0
        white = np.full((shown.shape[0], GAP, 3) if axis else (GAP, shown.shape[1], 3), 255, np.uint8)
        return np.concatenate([shown, white, painted], axis=axis)
