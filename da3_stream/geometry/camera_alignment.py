"""The similarity between two sets of cameras, and the angle between orientations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sim3 import Sim3
from .umeyama import nearest_rotations

Array = NDArray[np.float64]


def fit_cameras(target: Array, source: Array) -> Sim3:
    """`target_from_source` of cameras [M,4,4]: the rotation is the chordal mean of their orientations' differences,
    scale and translation are least squares of their positions.

    Positions alone leave the roll about a straight path open, and everything where the camera stands.
    """
    rotation = nearest_rotations((target[:, :3, :3] @ source[:, :3, :3].transpose(0, 2, 1)).sum(axis=0)[None])[0]
    y, x = target[:, :3, 3], source[:, :3, 3] @ rotation.T
    dy, dx = y - y.mean(axis=0), x - x.mean(axis=0)
    variance = float((dx * dx).sum())
    scale = max(float((dy * dx).sum()) / variance, 1e-12) if variance > 0 else 1.0
    return Sim3(scale, rotation, y.mean(axis=0) - scale * x.mean(axis=0))


def angle_deg(a: Array, b: Array) -> float:
    """The angle between two rotations [3,3] in degrees; exact also near zero."""
    return float(np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b) / np.sqrt(8), 0, 1))))
