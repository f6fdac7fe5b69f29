"""Tracks against the poses of a camera that stays in one place: standing or turning, it moves every point as its
rotation does. Where much of the image moves otherwise, it may be the camera that moves, and what stands still the car
that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....geometry import homogeneous
from ....geometry.lens import Lens
from ..matching.correspondences import WindowMatches
from ..matching.pairs import match_tracks
from ..matching.stillness import cell_numbers
from ..matching.tracks import TrackedPoints
from .assemble import WindowCameras
from .movers import Stand
from .two_view_witnesses import FAR, LEAST_TRACKS, NEAR, SUPPORT_PX

Array = NDArray[np.float64]

CELLS, CELL_POINTS = (8, 6), 5  # columns and rows of the picture's cells, and keypoints by which one tells
SAME_PLACE = 1e-9  # of the window's unit


def with_place_witnesses(
    cameras: WindowCameras,
    found: WindowMatches,
    lens: Lens,
    size: tuple[int, int],
    passed: Sequence[Stand] = (),
) -> WindowCameras:
    """The cameras with `track_residual_px` and `track_support`, near and far, and `moved_cover` of the rows that stay
    in one place, in images of (width, height).

    Where something passes a camera that stands (`passed`) tracks tell nothing: what stands before and after did.
    """
    values_of = {
        **_residuals(cameras, found.tracked, lens, NEAR, ("track_residual_px", "track_support")),
        **_residuals(cameras, found.tracked, lens, FAR, ("track_residual_far_px", "track_support_far")),
        "moved_cover": _moved_cover(cameras, found, lens, size),
    }
    unknown = np.full(len(cameras.poses), np.nan)
    for values in values_of.values():
        for stand in passed:
            values[stand.first : stand.last + 1] = np.nan
    merged = {
        name: np.where(np.isfinite(values), values, cameras.witnesses.get(name, unknown))
        for name, values in values_of.items()
    }
    return replace(cameras, witnesses={**cameras.witnesses, **merged})


def _residuals(
    cameras: WindowCameras, tracked: Sequence[TrackedPoints], lens: Lens, offset: int, names: tuple[str, str]
) -> dict[str, Array]:
    """Median distance in pixels, and share within SUPPORT_PX, of tracks from where the rotation alone takes them: the
    worse of every row's pairs; NaN where the camera goes on."""
    count = len(cameras.poses)
    median, support = np.full(count, np.nan), np.full(count, np.nan)
    for row in range(count - offset):
        other = row + offset
        there_from_here = _in_one_place(cameras, row, other)
        if there_from_here is None:
            continue
        pairs = match_tracks(tracked[row], tracked[other])
        distances = _transfer_px(tracked[row].xy[pairs[:, 0]], tracked[other].xy[pairs[:, 1]], there_from_here, lens)
        if len(distances) >= LEAST_TRACKS:
            ends = [row, other]
            median[ends] = np.fmax(median[ends], np.median(distances))
            support[ends] = np.fmin(support[ends], np.mean(distances < SUPPORT_PX))
    return dict(zip(names, (median, support), strict=True))


def _moved_cover(cameras: WindowCameras, found: WindowMatches, lens: Lens, size: tuple[int, int]) -> Array:
    """Share [N] of the picture's cells with keypoints in which none is found again where the rotation alone takes it:
    the median over every row's pairs at FAR and farther; NaN where the camera goes on.

    Tracks would be lost behind whatever passes; matches find again what comes out behind it.
    """
    shares: list[list[float]] = [[] for _ in cameras.poses]
    for (row, other), matches in found.matches.items():
        there_from_here = _in_one_place(cameras, row, other) if other - row >= FAR else None
        if there_from_here is None:
            continue
        here, there = found.keypoints[row].xy, found.keypoints[other].xy
        distances = _transfer_px(here[matches[:, 0]], there[matches[:, 1]], there_from_here, lens)
        cell = cell_numbers(here, size, CELLS)
        points, stay = (
            np.bincount(of, minlength=CELLS[0] * CELLS[1]) for of in (cell, cell[matches[distances < SUPPORT_PX, 0]])
        )
        told = points >= CELL_POINTS
        if told.any():
            share = float(np.mean(stay[told] == 0))
            shares[row].append(share)
            shares[other].append(share)
    return np.array([np.median(of_row) if of_row else np.nan for of_row in shares])


def _in_one_place(cameras: WindowCameras, row: int, other: int) -> Array | None:
    """The rotation [3,3] from a row to another one of its part, None where the camera goes on between them."""
    part = np.searchsorted(cameras.breaks, [row, other], side="right")
    there_from_here = np.linalg.inv(cameras.poses[other]) @ cameras.poses[row]
    same = part[0] == part[1] and np.linalg.norm(there_from_here[:3, 3]) < SAME_PLACE
    return there_from_here[:3, :3] if same else None


def _transfer_px(
    here: NDArray[np.float32], there: NDArray[np.float32], rotation: Array, lens: Lens
) -> NDArray[np.float64]:
    """Distances [m] in pixels of points in the second frame from those of the first, turned."""
    turned = homogeneous(lens.normalised(lens.undistort(here))) @ rotation.T
    turned = turned[:, :2] / np.maximum(turned[:, 2:], 1e-6)
    return lens.fx * np.linalg.norm(turned - lens.normalised(lens.undistort(there)), axis=1)
