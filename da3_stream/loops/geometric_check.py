"""Do two windows show the same surfaces? One side's points are projected into the other's cameras."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, pixel_centres, project, unproject
from ..types import UInt8, WindowGeometry

PIXELS = 1500  # sampled in a view
VIEWS = 3  # of a side that are projected: the middle, and half way to both ends
TOLERANCE = 0.1  # of the log of two depths that are the same
FEWEST = 50  # pixels by which pictures can be compared
FINE, COARSE = 0.01, 0.04  # sigmas as shares of the picture's width: what is compared lies between

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Share of pixels whose depth is found again, and how alike the pictures are there (correlation; NaN if plain)."""

    depth: float
    picture: float

    def __or__(self, other: Agreement) -> Agreement:
        """The weaker of both."""
        return Agreement(min(self.depth, other.depth), float(np.fmin(self.picture, other.picture)))


def agreement(a: WindowGeometry, b: WindowGeometry, a_from_b: Sim3) -> Agreement:
    """How far two windows agree where they overlap, each looked at from the other; all rows are taken."""
    return _seen_from(a, b, a_from_b) | _seen_from(b, a, a_from_b.inverse())


def _seen_from(a: WindowGeometry, b: WindowGeometry, a_from_b: Sim3) -> Agreement:
    """Medians over a few views of b, each seen by the camera of a that finds most of it."""
    rows = np.unique(np.linspace(0, len(b.depth) - 1, VIEWS + 2).astype(int)[1:-1])
    views = [_view(a, b, int(row), a_from_b) for row in rows]
    pictures = [view.picture for view in views if np.isfinite(view.picture)]
    depth = float(np.median([view.depth for view in views]))
    return Agreement(depth, float(np.median(pictures)) if pictures else float("nan"))


def _view(a: WindowGeometry, b: WindowGeometry, row: int, a_from_b: Sim3) -> Agreement:
    pixels, depth = _sampled(b, row)
    if not len(pixels):
        return Agreement(0.0, float("nan"))
    pose = b.window_from_camera[row]
    points = a_from_b.apply(unproject(pixels, depth, b.intrinsics[row]) @ pose[:3, :3].T + pose[:3, 3])
    found = [_found_again(a, other, points) for other in range(len(a.depth))]
    best = int(np.argmax([again.sum() for again, _ in found]))
    again, at = found[best]
    picture = _correlation(
        _band(a.images[best])[at[again, 1], at[again, 0]], _band(b.images[row])[_cells(pixels[again])]
    )
    return Agreement(float(again.mean()), picture)


def _sampled(window: WindowGeometry, row: int) -> tuple[Array, Array]:
    """Pixels [n,2] of a frame on a lattice, and their depths."""
    height, width = window.depth.shape[1:]
    step = max(1, round(np.sqrt(height * width / PIXELS)))
    pixels = pixel_centres(height, width)[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    depth = window.depth[row][_cells(pixels)].astype(np.float64)
    posed = bool(window.has_pose[row])
    keep = np.flatnonzero(np.minimum(depth, window.confidence[row][_cells(pixels)]) * posed > 0)
    return pixels[keep], depth[keep]


def _found_again(window: WindowGeometry, row: int, points: Array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the points [n,3] a frame shows at their depth, and the pixels [n,2] (x, y) where it would."""
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
    return usable & (np.abs(ratio) < TOLERANCE), cells


def _cells(pixels: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of pixels (x, y)."""
    return pixels[:, 1].astype(np.int64), pixels[:, 0].astype(np.int64)


def _band(image: UInt8) -> NDArray[np.float32]:
    """A picture's middle frequencies: neither light and shade of whole walls nor single pixels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), share * grey.shape[1]) for share in (FINE, COARSE))
    return np.asarray(fine - coarse, np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if len(a) < FEWEST or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
