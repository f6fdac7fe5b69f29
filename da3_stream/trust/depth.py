"""Witnesses from dense depth: how much there is, and whether frames agree on it when it is carried from one to another
by their poses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Float32

Array = NDArray[np.float64]
Index = NDArray[np.int64]

OFFSETS = (-4, -1, 1, 4)  # frames that depth is carried into
PIXELS = 600  # of a frame
LEAST_PIXELS = 30  # in common, for two frames to be compared
OUTLIER = np.log(1.1)


@dataclass(frozen=True, eq=False)
class DepthViews:
    """Depth and confidence [N,H,W] of a window, and K [n,3,3] and rigid poses [n,4,4] of its `rows` [n] of one part."""

    depth: Float32
    confidence: Float32
    intrinsics: Array
    poses: Array
    rows: Index

    def at(self, row: int, lines: Index, columns: Index) -> Array:
        """Depth of pixels of a frame; 0 where it is not finite or has no confidence."""
        values = self.depth[self.rows[row], lines, columns].astype(np.float64)
        return np.where(np.isfinite(values) & (self.confidence[self.rows[row], lines, columns] > 0), values, 0.0)

    def sampled(self) -> list[Array]:
        """Depth on a lattice of every frame's pixels."""
        lattice = _lattice(self.depth.shape[1:])
        return [self.at(row, *lattice) for row in range(len(self.rows))]


def depth_witnesses(views: DepthViews) -> dict[str, Array]:
    """`depth_share`, `depth_disagreement` and `depth_outliers` [n] of n frames."""
    sampled = views.sampled()
    ratios = [_ratios(views, values, row) for row, values in enumerate(sampled)]
    return {
        "depth_share": np.array([np.mean(values > 0) for values in sampled]),
        "depth_disagreement": np.array([_median([np.median(r) for r in of_row]) for of_row in ratios]),
        "depth_outliers": np.array([_median([np.mean(r > OUTLIER) for r in of_row]) for of_row in ratios]),
    }


def median_depths(views: DepthViews) -> Array:
    """Median depth [n] of every frame, on a lattice of its pixels; NaN without any."""
    return np.array([_median(values[values > 0]) for values in views.sampled()])


def _lattice(size: tuple[int, ...]) -> tuple[Index, Index]:
    """Rows and columns of about PIXELS pixels."""
    step = max(1, int(np.sqrt(size[0] * size[1] / PIXELS)))
    y, x = np.mgrid[step // 2 : size[0] : step, step // 2 : size[1] : step]
    return y.ravel(), x.ravel()


def _ratios(views: DepthViews, sampled: Array, row: int) -> list[Array]:
    """Absolute log ratios of a row's depth, carried into each other row, to the depth there."""
    known = sampled > 0
    if known.sum() < LEAST_PIXELS:
        return []
    z, lattice = sampled[known], _lattice(views.depth.shape[1:])
    pixels = np.stack([lattice[1][known] + 0.5, lattice[0][known] + 0.5, np.ones(len(z))])
    points = np.linalg.inv(views.intrinsics[row]) @ pixels * z
    ratios = []
    for other in (row + offset for offset in OFFSETS if 0 <= row + offset < len(views.rows)):
        found = _compared(views, other, np.linalg.inv(views.poses[other]) @ views.poses[row], points)
        ratios += [found] if len(found) >= LEAST_PIXELS else []
    return ratios


def _compared(views: DepthViews, other: int, there_from_here: Array, points: Array) -> Array:
    """Absolute log ratios of the depth of points [3,m], seen from another frame, to that frame's depth."""
    height, width = views.depth.shape[1:]
    moved = there_from_here[:3, :3] @ points + there_from_here[:3, 3:]
    front = moved[:, moved[2] > 0]
    column, line = (views.intrinsics[other] @ (front / front[2]))[:2]
    inside = (column >= 0) & (line >= 0) & (column < width) & (line < height)
    there = views.at(other, line[inside].astype(np.int64), column[inside].astype(np.int64))
    return np.abs(np.log(front[2, inside][there > 0] / there[there > 0]))


def _median(values: Array | list[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
