"""Colours as glTF wants them: COLOR_0 and baseColorFactor are linear, pictures are sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import Float64, UInt8

_FULL = 65535  # 1.0 in 16 bits normalised


def linear_from_srgb(rgb: UInt8) -> Float64:
    """Linear values 0...1 of sRGB bytes, of any shape (IEC 61966-2-1)."""
    value = rgb / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def vertex_colours(rgb: UInt8) -> NDArray[np.uint16]:
    """COLOR_0 [M,4] of colours [M,3] in sRGB bytes: linear, opaque, normalised 16 bits.

    In 8 bits the darkest 13 of 256 sRGB values would become one. Four components, so that rows are aligned to 4 bytes
    without gaps.
    """
    colours = np.full((len(rgb), 4), _FULL, np.uint16)
    colours[:, :3] = _table()[rgb]
    return colours


def _table() -> NDArray[np.uint16]:
    return np.rint(_FULL * linear_from_srgb(np.arange(256, dtype=np.uint8))).astype(np.uint16)
