"""Depth of any predictor without what is masked in its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..geometry.masks import convert_masks, resize_mask
from ..types import Frame, WindowGeometry


def without_masked(geometry: WindowGeometry, frames: Sequence[Frame]) -> WindowGeometry:
    """The window with its frames' masks at the size of its depth maps, and no depth and no confidence where they mask.

    A window that has `masks` comes from a predictor that did so, and is as it was; so is what breaks the contract,
    which is refused where it is checked. Raises PredictorError for shapes that do not agree with the frames.
    """
    if not isinstance(geometry, WindowGeometry) or geometry.masks or all(frame.mask is None for frame in frames):
        return geometry
    height, width = geometry.check(frames).depth.shape[1:]
    masks = convert_masks([frame.mask for frame in frames], lambda mask: resize_mask(mask, (width, height)))
    depth, confidence = geometry.depth.copy(), geometry.confidence.copy()
    for row, mask in enumerate(masks):
        if mask is not None:
            depth[row][~mask] = confidence[row][~mask] = np.float32(0)
    return replace(geometry, depth=depth, confidence=confidence, masks=masks)
