"""Rotation and translation between two windows from the cameras they share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, nearest_rotations
from ..geometry.robust_statistics import geometric_median
from .overlap import Overlap

Array = NDArray[np.float64]


def average_rotation(overlap: Overlap) -> Array:
    """Robust mean [3,3] of R_previous R_current^T over the shared cameras.

    The chordal L1 mean (Hartley et al., "Rotation averaging", IJCV 2013, section 5): median of matrices, projected.
    """
    single = overlap.previous.rotations @ overlap.current.rotations.transpose(0, 2, 1)
    return nearest_rotations(geometric_median(single.reshape(-1, 9)).reshape(1, 3, 3))[0]


def turned_apart(overlap: Overlap, rotation: Array) -> float:
    """Median angle (rad) between the mean rotation and those of single cameras."""
    single = overlap.previous.rotations @ overlap.current.rotations.transpose(0, 2, 1)
    return float(np.median(Rotation.from_matrix(single @ rotation.T).magnitude()))


def from_cameras(overlap: Overlap, log_scale: float, rotation: Array) -> Sim3:
    """previous_from_current with this scale and rotation, its translation the geometric median over camera centres."""
    scale = float(np.exp(log_scale))
    offsets = overlap.previous.centres - scale * overlap.current.centres @ rotation.T
    return Sim3(scale, rotation, geometric_median(offsets))
