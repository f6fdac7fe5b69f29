"""What two windows say of the frames they share, sampled, in lengths near one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import StitchingError
from ..geometry import Sim3
from ..types import WindowGeometry

Array = NDArray[np.float64]

PIXELS = 60_000  # sampled over the whole overlap; their noise is far below that of what they have in common
BLOCKS = (4, 6)  # rows and columns into which an image is divided; depth is compared in each block


@dataclass(frozen=True, eq=False)
class WindowSamples:
    """What one window says of the overlap: cameras of F frames, depths of M pixels, in its normalised frame."""

    normalized_from_window: Sim3
    rotations: Array  # [F,3,3] normalized_from_camera
    centres: Array  # [F,3]
    depths: Array  # [M]
    points: Array  # [M,3]


@dataclass(frozen=True, eq=False)
class Overlap:
    """The frames and pixels that both windows know; only frames with finite cameras in both are here."""

    previous: WindowSamples
    current: WindowSamples
    frames: NDArray[np.int64]  # [F] frame indices
    frame: NDArray[np.int64]  # [M] which of the F frames a pixel belongs to
    block: NDArray[np.int64]  # [M] which block of which frame
    weight: Array  # [M] from both confidences, near 1


def find_overlap(previous: WindowGeometry, current: WindowGeometry) -> Overlap:
    """Bring the shared frames of two windows together; there may be none."""
    rows_previous, rows_current = _shared_rows(previous, current)
    known = _has_camera(previous, rows_previous) & _has_camera(current, rows_current)
    rows_previous, rows_current = rows_previous[known], rows_current[known]
    pixels = _sample(previous, current, rows_previous, rows_current)
    frame, y, x = pixels
    weight = np.sqrt(previous.confidence[rows_previous[frame], y, x].astype(np.float64))
    weight *= np.sqrt(current.confidence[rows_current[frame], y, x].astype(np.float64))
    return Overlap(
        _samples(previous, rows_previous, pixels),
        _samples(current, rows_current, pixels),
        previous.frame_indices[rows_previous],
        frame,
        _blocks(pixels, previous.depth.shape[1:3]),
        _clip(weight),
    )


def _shared_rows(previous: WindowGeometry, current: WindowGeometry) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the shared frames in both windows."""
    if previous.depth.shape[1:3] != current.depth.shape[1:3]:
        sizes = [f"{w.depth.shape[2]}x{w.depth.shape[1]}" for w in (previous, current)]
        raise StitchingError(f"windows must have depth maps of one size to be stitched, not {sizes[0]} and {sizes[1]}")
    _, in_previous, in_current = np.intersect1d(previous.frame_indices, current.frame_indices, return_indices=True)
    return in_previous, in_current


def _has_camera(window: WindowGeometry, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the rows have a pose and intrinsics that can be inverted."""
    k = window.intrinsics[rows]
    return window.has_camera[rows] & (k[:, 0, 0] * k[:, 1, 1] != 0)


def _sample(
    previous: WindowGeometry, current: WindowGeometry, rows_previous: NDArray[np.int64], rows_current: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Frame (0 ... F-1), row and column of the pixels on a regular lattice that both windows measured."""
    height, width = previous.depth.shape[1:3]
    step = max(1, int(np.ceil(np.sqrt(len(rows_previous) * height * width / PIXELS))))
    lattice = np.s_[step // 2 :: step]
    usable = np.ones((len(rows_previous), len(range(height)[lattice]), len(range(width)[lattice])), bool)
    for window, rows in ((previous, rows_previous), (current, rows_current)):
        for array in (window.depth, window.confidence):
            values = array[:, lattice, lattice][rows]
            usable &= np.isfinite(values) & (values > 0)
    frame, y, x = np.nonzero(usable)
    return frame, y * step + step // 2, x * step + step // 2


def _samples(window: WindowGeometry, rows: NDArray[np.int64], pixels: tuple[NDArray[np.int64], ...]) -> WindowSamples:
    """Cameras and points of one window, in its normalised frame."""
    frame, y, x = pixels
    pose = window.window_from_camera[rows]
    depths = window.depth[rows[frame], y, x].astype(np.float64)
    normalized_from_window = _normalisation(pose[:, :3, 3], depths)
    centres = normalized_from_window.apply(pose[:, :3, 3])
    depths = depths * normalized_from_window.scale
    rays = _viewing_rays(window.intrinsics[rows], frame, y, x)
    directions = np.einsum("mij,mj->mi", pose[frame, :3, :3], rays)
    return WindowSamples(
        normalized_from_window, pose[:, :3, :3], centres, depths, centres[frame] + directions * depths[:, None]
    )


def _normalisation(centres: Array, depths: Array) -> Sim3:
    """The similarity that moves the median camera centre to the origin and makes the median depth 1; without depth it
    makes the cameras' spread 1, if they move."""
    if not len(centres):
        return Sim3.identity()
    median = np.median(centres, axis=0)
    length = np.median(depths) if len(depths) else np.median(np.linalg.norm(centres - median, axis=1))
    scale = 1 / length if length > 1e-9 * (np.abs(centres).max() + 1e-300) else 1.0
    return Sim3(scale, np.eye(3), -scale * median)


def _viewing_rays(intrinsics: Array, frame: NDArray[np.int64], y: NDArray[np.int64], x: NDArray[np.int64]) -> Array:
    """Viewing rays [M,3] with z = 1 of pixel centres, each under its own frame's K."""
    k_inv = np.linalg.inv(intrinsics)[frame]
    pixels = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], axis=-1)
    return np.einsum("mij,mj->mi", k_inv, pixels)


def _blocks(pixels: tuple[NDArray[np.int64], ...], size: tuple[int, ...]) -> NDArray[np.int64]:
    """The block [M] of each pixel, counted over all frames."""
    frame, y, x = pixels
    return (frame * BLOCKS[0] + y * BLOCKS[0] // size[0]) * BLOCKS[1] + x * BLOCKS[1] // size[1]


def _clip(weight: Array) -> Array:
    """Weights in units of their median, clipped at 3: confidences have no upper end."""
    return np.minimum(weight / np.median(weight), 3.0) if len(weight) else weight
