"""Masks of a submap's images as entries of its file: each distinct one once, a bit for a pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.masks import Mask, unpack_mask


def pack_masks(masks: Sequence[Mask | None]) -> dict[str, NDArray[Any]]:
    """The entries of the masks [h,w] of the owned frames; none where there is no mask (see submap_files.py)."""
    number_of: dict[bytes, int] = {}
    numbers = []
    for mask in masks:
        bits = None if mask is None else np.packbits(mask).tobytes()
        numbers.append(-1 if bits is None else number_of.setdefault(bits, len(number_of)))
    shapes = [mask.shape for mask in masks if mask is not None]
    if not shapes:
        return {}
    packed = {f"mask_{number}": np.frombuffer(bits, np.uint8) for bits, number in number_of.items()}
    return {"mask_of_frame": np.array(numbers, np.int64), "mask_size": np.array(shapes[0][::-1], np.int64), **packed}


def unpack_masks(entries: Mapping[str, Any]) -> tuple[Mask | None, ...]:
    """The masks of the owned frames, those that are alike as one array; none at all where none was stored."""
    if "mask_of_frame" not in entries:
        return ()
    numbers = entries["mask_of_frame"].tolist()
    width, height = entries["mask_size"].tolist()
    masks: dict[int, Mask | None] = {-1: None}
    for number in sorted({*numbers} - {-1}):
        masks[number] = unpack_mask(entries[f"mask_{number}"], (height, width))
    return tuple(masks[number] for number in numbers)
