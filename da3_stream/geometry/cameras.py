"""Pinhole cameras: pixels, rays, points. Pixel (row i, column j) has its centre at (j + 0.5, i + 0.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Da3StreamError


def intrinsics_matrix(fx: float, fy: float, cx: float, cy: float) -> NDArray[np.float64]:
    """The 3x3 matrix K of a pinhole camera, in pixels."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def intrinsics_from_hfov(hfov_deg: float, size: tuple[int, int]) -> NDArray[np.float64]:
    """K [3,3] of a camera with a horizontal field of view in degrees and its centre amid (width, height)."""
    if not 0.0 < hfov_deg < 180.0:
        raise Da3StreamError(f"a horizontal field of view must lie between 0 and 180 degrees, not {hfov_deg:g}")
    width, height = size
    focal = width / 2.0 / np.tan(np.radians(hfov_deg) / 2.0)
    return intrinsics_matrix(focal, focal, width / 2.0, height / 2.0)


def resize_intrinsics(k: ArrayLike, old: tuple[int, int], new: tuple[int, int]) -> NDArray[np.float64]:
    """K [..., 3, 3] for the image resized from (width, height) `old` to `new`; exact because centres lie at +0.5."""
    factor = np.array([new[0] / old[0], new[1] / old[1], 1.0])
    return np.asarray(k, np.float64) * factor[:, None]


def pixel_centres(height: int, width: int) -> NDArray[np.float64]:
    """Centres of all pixels as [height, width, 2] (x, y)."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y], axis=-1)


def unproject(pixels: ArrayLike, depth: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Points [..., 3] in the camera's frame of pixels [..., 2] with depth [...] (along z) under K [3,3]."""
    k_inv = np.linalg.inv(np.asarray(k, np.float64))
    xy = np.asarray(pixels, np.float64)
    rays = xy @ k_inv[:2, :2].T + k_inv[:2, 2]
    z = np.asarray(depth, np.float64)[..., None]
    return np.concatenate([rays * z, z], axis=-1)


def homogeneous(normalised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rays [..., 3] with z = 1 of normalised coordinates [..., 2]."""
    return np.concatenate([normalised, np.ones((*normalised.shape[:-1], 1))], axis=-1)


def unit_rays(normalised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rays [..., 3] of length 1 of normalised coordinates [..., 2]."""
    ahead = homogeneous(normalised)
    return np.asarray(ahead / np.linalg.norm(ahead, axis=-1, keepdims=True))


def project(points: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Pixels [..., 2] of points [..., 3] in the camera's frame under K [3,3]; points at z <= 0 give NaN."""
    p = np.asarray(points, np.float64)
    z = np.where(p[..., 2:3] > 0, p[..., 2:3], np.nan)
    k = np.asarray(k, np.float64)
    return (p[..., :2] / z) @ k[:2, :2].T + k[:2, 2]
