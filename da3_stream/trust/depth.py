"""Witnesses from dense depth: how much there is, and whether frames agree on it when it is carried from one to another
by their poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import Float32

Array = NDArray[np.float64]

OFFSETS = (-4, -1, 1, 4)  # frames that depth is carried into
PIXELS = 600  # of a frame
LEAST_PIXELS = 30  # in common, for two frames to be compared
OUTLIER = np.log(1.1)


def depth_witnesses(depth: Float32, intrinsics: Array, poses: Array) -> dict[str, Array]:
    """`depth_share`, `depth_disagreement` and `depth_outliers` [n] of depth [n,H,W], K [n,3,3] and poses [n,4,4]."""
    lattice = _lattice(depth.shape[1:])
    sampled = depth[:, lattice[0], lattice[1]].astype(np.float64)
    ratios = [_ratios(depth, sampled[i], lattice, intrinsics, poses, i) for i in range(len(depth))]
    return {
        "depth_share": (sampled > 0).mean(axis=1) if len(depth) else np.zeros(0),
        "depth_disagreement": np.array([_median([np.median(r) for r in of_row]) for of_row in ratios]),
        "depth_outliers": np.array([_median([np.mean(r > OUTLIER) for r in of_row]) for of_row in ratios]),
    }


def median_depths(depth: Float32) -> Array:
    """Median depth [n] of every frame of [n,H,W] on a lattice of its pixels; NaN without any."""
    lattice = _lattice(depth.shape[1:])
    sampled = depth[:, lattice[0], lattice[1]]
    return np.array([_median(values[values > 0]) for values in sampled])


def _lattice(size: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of about PIXELS pixels."""
    step = max(1, int(np.sqrt(size[0] * size[1] / PIXELS)))
    y, x = np.mgrid[step // 2 : size[0] : step, step // 2 : size[1] : step]
    return y.ravel(), x.ravel()


def _ratios(
    depth: Float32,
    sampled: Array,
    lattice: tuple[NDArray[np.int64], NDArray[np.int64]],
    intrinsics: Array,
    poses: Array,
    row: int,
) -> list[Array]:
    """Absolute log ratios of a row's depth, carried into each other row, to the depth there."""
    known = sampled > 0
    if known.sum() < LEAST_PIXELS:
        return []
    z = sampled[known]
    pixels = np.stack([lattice[1][known] + 0.5, lattice[0][known] + 0.5, np.ones(len(z))])
    points = np.linalg.inv(intrinsics[row]) @ pixels * z
    ratios = []
    for other in (row + offset for offset in OFFSETS if 0 <= row + offset < len(depth)):
        found = _compared(depth[other], intrinsics[other], np.linalg.inv(poses[other]) @ poses[row], points)
        ratios += [found] if len(found) >= LEAST_PIXELS else []
    return ratios


def _compared(depth: Float32, k: Array, there_from_here: Array, points: Array) -> Array:
    """Absolute log ratios of the depth of points [3,m], seen from another frame, to that frame's depth [H,W]."""
    moved = there_from_here[:3, :3] @ points + there_from_here[:3, 3:]
    front = moved[:, moved[2] > 0]
    column, line = (k @ (front / front[2]))[:2]
    inside = (column >= 0) & (line >= 0) & (column < depth.shape[1]) & (line < depth.shape[0])
    there = depth[line[inside].astype(np.int64), column[inside].astype(np.int64)].astype(np.float64)
    return np.abs(np.log(front[2, inside][there > 0] / there[there > 0]))


def _median(values: Array | list[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
