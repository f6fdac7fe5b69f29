"""Geometric and photometric check: do two windows, aligned by a loop, show the same surfaces?

Points of one are projected into the cameras of the other, where depths and images are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, pixel_centres, project, unproject
from ..types import UInt8, WindowGeometry

SAMPLED_PIXELS = 1500  # of a frame
SAMPLED_FRAMES = 3  # of a window that are projected: the middle one, and those half way to both ends
DEPTH_TOLERANCE = 0.1  # largest difference of the logs of two depths that are the same
MIN_PIXELS = 50  # without which images are not compared
FINE_SIGMA, COARSE_SIGMA = 0.01, 0.04  # of the band-pass, as shares of the image's width

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Share of pixels that the other window shows at the same depth, and the correlation of the images there (NaN where
    they have no texture)."""

    depth: float
    image: float

    def __or__(self, other: Agreement) -> Agreement:
        """The weaker of both."""
        return Agreement(min(self.depth, other.depth), float(np.fmin(self.image, other.image)))


def measure_agreement(a: WindowGeometry, b: WindowGeometry, a_from_b: Sim3) -> Agreement:
    """Agreement of two windows, the weaker of a seen from b and b seen from a; all rows are taken."""
    return _reproject_window(a, b, a_from_b) | _reproject_window(b, a, a_from_b.inverse())


def _reproject_window(a: WindowGeometry, b: WindowGeometry, a_from_b: Sim3) -> Agreement:
    """Medians over a few frames of b, each projected into the camera of a that shows most of it."""
    rows = np.unique(np.linspace(0, len(b.depth) - 1, SAMPLED_FRAMES + 2).astype(int)[1:-1])
    frames = [_reproject_frame(a, b, int(row), a_from_b) for row in rows]
    correlations = [frame.image for frame in frames if np.isfinite(frame.image)]
    depth = float(np.median([frame.depth for frame in frames]))
    return Agreement(depth, float(np.median(correlations)) if correlations else float("nan"))


def _reproject_frame(a: WindowGeometry, b: WindowGeometry, row: int, a_from_b: Sim3) -> Agreement:
    pixels, depth = _sample_depth(b, row)
    if not len(pixels):
        return Agreement(0.0, float("nan"))
    pose = b.window_from_camera[row]
    points = a_from_b.apply(unproject(pixels, depth, b.intrinsics[row]) @ pose[:3, :3].T + pose[:3, 3])
    shown = [_find_points(a, other, points) for other in range(len(a.depth))]
    best = int(np.argmax([visible.sum() for visible, _ in shown]))
    visible, cells = shown[best]
    correlation = _correlation(
        _band_pass(a.images[best])[cells[visible, 1], cells[visible, 0]],
        _band_pass(b.images[row])[_cells(pixels[visible])],
    )
    return Agreement(float(visible.mean()), correlation)


def _sample_depth(window: WindowGeometry, row: int) -> tuple[Array, Array]:
    """Pixels [n,2] of a frame on a lattice, and their depths."""
    height, width = window.depth.shape[1:]
    step = max(1, round(np.sqrt(height * width / SAMPLED_PIXELS)))
    pixels = pixel_centres(height, width)[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    depth = window.depth[row][_cells(pixels)].astype(np.float64)
    posed = bool(window.has_pose[row])
    keep = np.flatnonzero(np.minimum(depth, window.confidence[row][_cells(pixels)]) * posed > 0)
    return pixels[keep], depth[keep]


def _find_points(window: WindowGeometry, row: int, points: Array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the points [n,3] a frame shows at their depth, and the pixels [n,2] (x, y) onto which they project."""
    pose = window.window_from_camera[row]
    if not window.has_pose[row]:
        return np.zeros(len(points), bool), np.zeros((len(points), 2), np.int64)
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    height, width = window.depth.shape[1:]
    at = np.nan_to_num(project(local, window.intrinsics[row]), nan=-1.0)
    x, y = at[:, 0], at[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    cells = np.where(inside[:, None], at, 0).astype(np.int64)
    there = window.depth[row, cells[:, 1], cells[:, 0]]
    usable = inside & (there > 0)
    ratio = np.log(np.where(usable, local[:, 2], 1) / np.where(usable, there, 1))
    return usable & (np.abs(ratio) < DEPTH_TOLERANCE), cells


def _cells(pixels: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of pixels (x, y)."""
    return pixels[:, 1].astype(np.int64), pixels[:, 0].astype(np.int64)


def _band_pass(image: UInt8) -> NDArray[np.float32]:
    """The image band-passed: without the light and shade of whole walls, which differ between visits, and without
    single pixels, which alignment cannot match."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), share * grey.shape[1]) for share in (FINE_SIGMA, COARSE_SIGMA))
    return np.asarray(fine - coarse, np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if len(a) < MIN_PIXELS or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
