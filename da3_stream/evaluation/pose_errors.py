"""Which poses of a run are right: every one is compared with the truth after an alignment of its own neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..geometry.camera_alignment import angle_deg, fit_cameras
from .metrics import path_distances

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

REACH = 10  # rows on either side of a pose that is scored
FEWEST = 7  # rows that an alignment takes
POSITION_SHARE, DEPTH_SHARE = 0.05, 0.01  # of the rows' true path, of the true median depth
ROTATION_DEG = 1.0
LEAST_CORRELATION = 0.5**0.5  # of true and fitted positions: below, no similarity explains even half of their variance
NO_FIT = 1e3  # the position error where none fits
PLACE_M = 1e-9  # a true path as short is a place


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """How far off every pose is, and whether that is right; NaN and False where a pose is not scored."""

    position: Float64  # [N], 1 is as much as is right
    rotation_deg: Float64  # [N]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which poses [N] have enough neighbours to be scored."""
        return np.isfinite(self.position)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which poses [N] are right."""
        return (self.position < 1.0) & (self.rotation_deg < ROTATION_DEG)


def pose_errors(truth: Float64, estimate: Float64, segment: Int64, depth_m: float) -> PoseErrors:
    """Errors of poses world_from_camera [N,4,4] (NaN: none) in their segments [N] against the truth [N,4,4].

    `depth_m` is the true median depth, 0 where it is not known. Where no similarity explains half of a neighbourhood's
    positions, the error is `NO_FIT`.
    """
    position, rotation = np.full(len(truth), np.nan), np.full(len(truth), np.nan)
    for row in range(len(truth)):
        near = _neighbourhood(row, estimate, segment)
        if len(near) < FEWEST or row not in near:
            continue
        fit = fit_cameras(truth[near], estimate[near])
        off = np.linalg.norm(fit.apply(estimate[row : row + 1, :3, 3])[0] - truth[row, :3, 3])
        allowed = max(POSITION_SHARE * path_distances(truth[near, :3, 3])[-1], DEPTH_SHARE * depth_m, PLACE_M)
        position[row] = off / allowed if _fits(truth[near], estimate[near], fit, allowed) else NO_FIT
        rotation[row] = angle_deg(truth[row, :3, :3], fit.rotation @ estimate[row, :3, :3])
    return PoseErrors(position, rotation)


def _neighbourhood(row: int, estimate: Float64, segment: Int64) -> Int64:
    """Rows within reach that have a pose in the same segment."""
    near = np.arange(max(0, row - REACH), min(len(segment), row + REACH + 1))
    posed = np.isfinite(estimate[near, :3]).all(axis=(1, 2))
    return near[posed & (segment[near] == segment[row]) & (segment[row] >= 0)]


def _fits(truth: Float64, estimate: Float64, fit: Sim3, allowed: float) -> bool:
    """Whether the fit is one: a scale near 0 lays all positions on the truth's mean, near which poses are by chance.

    Where the truth itself keeps within what is allowed, there is nothing to be fitted.
    """
    y, x = truth[:, :3, 3], estimate[:, :3, 3] @ fit.rotation.T
    dy, dx = y - y.mean(axis=0), x - x.mean(axis=0)
    spread = np.sqrt((dy * dy).sum() * (dx * dx).sum())
    return bool(np.sqrt((dy * dy).sum(axis=1).mean()) <= allowed or (dy * dx).sum() > LEAST_CORRELATION * spread)
