"""Initial splats of a cloud: a small disc in the surface around every point, as training begins with, or to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import harmonics
from ..types import Float32, Gaussians, UInt8

OPACITY = 0.9  # of a disc
WIDTH = 0.6  # standard deviation in the surface, in distances to the neighbours: discs of a plane close up
THICKNESS = 0.1  # standard deviation along the normal, of that in the surface
NEIGHBOURS = 8
LEAST_SPACING, MOST_SPACING = 0.01, 4.0  # in medians: of points in one place, and of one that stands alone
ALONE = 0.01  # the spacing of the only point
_AT_ONCE = 1 << 16  # points whose neighbours are looked at together


def initial_splats(xyz: Float32, rgb: UInt8) -> Gaussians[NDArray[Any]]:
    """One for each point [M,3], with its colour [M,3] from all sides: as wide as the points lie apart, flat along the
    normal of the plane through its neighbours (Hoppe et al., "Surface reconstruction from unorganized points", 1992).
    """
    spacing, axes = _surroundings(xyz)
    usual = (np.median(spacing[spacing > 0]) if (spacing > 0).any() else 0.0) or ALONE
    widths = WIDTH * spacing.clip(LEAST_SPACING * usual, MOST_SPACING * usual)
    mean = harmonics(np.array([[0.0, 0.0, 1.0]]), 0).item()
    return Gaussians(
        means=np.asarray(xyz, np.float32),
        scales=(widths[:, None] * np.array([THICKNESS, 1.0, 1.0])).astype(np.float32),
        rotations=_quaternions(axes),
        harmonics=((rgb[:, :, None] / 255 - 0.5) / mean).astype(np.float32),
        opacities=np.full(len(xyz), OPACITY, np.float32),
    )


def _surroundings(xyz: Float32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of points [M,3] the mean distance [M] to their neighbours, and the axes [M,3,3] of these, columns with the
    thinnest first; of a point without neighbours 0 and the world's."""
    from scipy.spatial import cKDTree

    spacing, axes = np.zeros(len(xyz)), np.tile(np.eye(3), (len(xyz), 1, 1))
    if len(xyz) < 2:
        return spacing, axes
    tree: Any = cKDTree(xyz)
    for start in range(0, len(xyz), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        distance, near = tree.query(xyz[piece], k=min(NEIGHBOURS + 1, len(xyz)))
        spacing[piece] = distance[:, 1:].mean(axis=1)
        offsets = xyz[near].astype(np.float64)
        offsets -= offsets.mean(axis=1, keepdims=True)
        axes[piece] = np.linalg.eigh(np.einsum("mki,mkj->mij", offsets, offsets))[1]
    return spacing, axes


def _quaternions(axes: NDArray[np.float64]) -> Float32:
    """(w, x, y, z) [M,4] that turn x, y, z to the columns of axes [M,3,3], whichever way each points."""
    from scipy.spatial.transform import Rotation

    if not len(axes):
        return np.zeros((0, 4), np.float32)
    axes = axes * np.where(np.linalg.det(axes) < 0, -1, 1)[:, None, None]
    return Rotation.from_matrix(axes).as_quat(canonical=True, scalar_first=True).astype(np.float32)
