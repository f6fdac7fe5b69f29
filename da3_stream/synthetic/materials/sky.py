"""The sky: a gradient towards the horizon and soft clouds on a plane far above."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .atlas import sample_bilinear

Float32 = NDArray[np.float32]

_ZENITH, _HORIZON, _CLOUD = (np.array(c, np.float32) for c in ((96, 146, 214), (196, 214, 232), (244, 244, 246)))
_TEXELS = 1024


def cloud_cover(rng: np.random.Generator) -> Float32:
    """How thick the clouds are, from 0 to 1, as an image [T,T] that tiles."""
    cover = np.zeros((_TEXELS, _TEXELS), np.float32)
    for octave in range(5):
        cells = 8 << octave
        grid = np.pad(rng.standard_normal((cells, cells)).astype(np.float32), 2, mode="wrap")
        step = _TEXELS // cells
        soft = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        cover += soft[2 * step : -2 * step, 2 * step : -2 * step] * np.float32(0.55**octave)
    return np.clip(cover * 0.55 + 0.25, 0, 1)


def sky_colours(clouds: Float32, direction: Float32) -> Float32:
    """Colours [n,3] of world directions [n,3] (z up)."""
    if len(direction) == 0:
        return np.zeros((0, 3), np.float32)
    up = np.maximum(direction[:, 2] / np.linalg.norm(direction, axis=1), 0.0)
    level = np.linalg.norm(direction[:, :2], axis=1) + np.float32(1e-9)
    far = np.sqrt(1 - up * up) / (up + np.float32(0.15))
    x, y = (far * direction[:, k] / level * 160 % _TEXELS for k in (0, 1))
    cover = sample_bilinear(clouds, x, y)[:, None]
    clear = _HORIZON + (_ZENITH - _HORIZON) * np.sqrt(up)[:, None]
    thick = cover * np.clip(up * 5, 0, 1)[:, None]
    return clear + (_CLOUD - clear) * thick
