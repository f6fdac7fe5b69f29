"""Depth of pixels from where other known cameras show them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

EPIPOLAR_PX = 1.0
MIN_PARALLAX_PX = 1.5  # pixels moved per unit of log depth, all sources together
SOURCE_PARALLAX_PX = 0.7  # the same for one source to take part
AGREEMENT = 0.12  # sources farther than this from their weighted median (log depth) are left out

Map = NDArray[np.float32]
Matrix = NDArray[np.float64]


def triangulate(k: Matrix, source_from_row: Matrix, places: Map, pixel_px: int) -> tuple[Map, Map]:
    """Log depth and squared parallax (pixels moved per unit of log depth; 0 = unusable) [H,W] of a frame's pixels.

    `places` [H,W,2] is where a source shows them, with pixel centres at integers (NaN = lost). Limits and parallax are
    in pixels of the video, of which `pixel_px` are the side of one of the images that have K [3,3].
    """
    log_depth, parallax, epipolar = closed_form(k, source_from_row, places)
    parallax *= np.float32(pixel_px**2)
    good = (epipolar < (EPIPOLAR_PX / pixel_px) ** 2) & (parallax > SOURCE_PARALLAX_PX**2)
    return np.where(good, log_depth, np.float32(0)), np.where(good, parallax, np.float32(0))


def closed_form(k: Matrix, source_from_row: Matrix, places: Map) -> tuple[Map, Map, Map]:
    """Least-squares depth along each pixel's ray: log depth, squared parallax and squared distance left, in pixels.

    With R, t of the source from the row, x = K R K^-1 (pixel, 1), m = K t and the place (u, v), depth z solves z a = b:
    z (x_1 - u x_3, x_2 - v x_3) = (u m_3 - m_1, v m_3 - m_2). What is not before both cameras has no parallax.
    """
    k = k - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # of centres at integers
    x1, x2, x3 = _plane_maps(k @ source_from_row[:3, :3] @ np.linalg.inv(k), places.shape)
    m = (k @ source_from_row[:3, 3]).astype(np.float32)
    u, v = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    a1, a2, b1, b2 = x1 - u * x3, x2 - v * x3, u * m[2] - m[0], v * m[2] - m[1]
    aa = np.maximum(a1 * a1 + a2 * a2, np.float32(1e-12))
    ab, across = a1 * b1 + a2 * b2, a1 * b2 - a2 * b1
    z = ab / aa
    z_there = x3 * z + m[2]
    in_front = (z > 0) & (z_there > 0)
    z, z_there = np.where(in_front, z, np.float32(1)), np.where(in_front, z_there, np.float32(np.inf))
    per_unit = 1 / (aa * z_there * z_there)
    return np.log(z), ab * ab * per_unit, across * across * per_unit


def _plane_maps(matrix: Matrix, shape: Sequence[int]) -> list[Map]:
    """Matrix [3,3] times (x, y, 1) of all pixels: three maps [H,W]."""
    x, y = np.arange(shape[1]), np.arange(shape[0])
    return [np.add.outer((b * y + c).astype(np.float32), (a * x).astype(np.float32)) for a, b, c in matrix]


def fuse(logs: NDArray[np.float32], weights: NDArray[np.float32]) -> tuple[Map, Map]:
    """Log depth and parallax (0 = none) [H,W] of all sources [n,H,W] together: the weighted mean over those near the
    weighted median. Weights are squared parallaxes."""
    weights = np.where(np.abs(logs - weighted_median(logs, weights)) < AGREEMENT, weights, np.float32(0))
    total = weights.sum(axis=0)
    mean = np.einsum("ijk,ijk->jk", weights, logs) / np.maximum(total, np.float32(1e-12))
    return mean, np.where(total > MIN_PARALLAX_PX**2, np.sqrt(total), np.float32(0))


def weighted_median(values: NDArray[np.float32], weights: NDArray[np.float32]) -> Map:
    """Lower weighted median along the first axis: the smallest value up to which half of the weight lies.

    It compares all pairs, which for a few values is several times faster than to sort.
    """
    up_to = weights.copy()
    for i, j in combinations(range(len(values)), 2):
        up_to[i] += weights[j] * (values[j] <= values[i])
        up_to[j] += weights[i] * (values[i] <= values[j])
    half = np.float32(0.5) * weights.sum(axis=0)
    return np.asarray(np.where(up_to >= half, values, np.float32(np.inf)).min(axis=0))
