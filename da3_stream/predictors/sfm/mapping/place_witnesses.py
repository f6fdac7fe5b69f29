"""Tracks against the poses of a camera that stays in one place: standing or turning, it moves every point as its
rotation does. Where much of the image moves otherwise, it may be the camera that moves, and what stands still the car
that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.pairs import match_tracks
from ..matching.tracks import TrackedPoints
from .assemble import WindowCameras
from .movers import Stand
from .two_view_witnesses import FAR, LEAST_TRACKS, NEAR, SUPPORT_PX

Array = NDArray[np.float64]

SAME_PLACE = 1e-9  # of the window's unit


def with_place_witnesses(
    cameras: WindowCameras, tracked: Sequence[TrackedPoints], lens: Lens, passed: Sequence[Stand] = ()
) -> WindowCameras:
    """The cameras with `track_residual_px` and `track_support`, near and far, of the rows that stay in one place.

    Where something passes a camera that stands (`passed`) tracks tell nothing: what stands before and after did.
    """
    found = {
        **_residuals(cameras, tracked, lens, NEAR, ("track_residual_px", "track_support")),
        **_residuals(cameras, tracked, lens, FAR, ("track_residual_far_px", "track_support_far")),
    }
    unknown = np.full(len(cameras.poses), np.nan)
    for values in found.values():
        for stand in passed:
            values[stand.first : stand.last + 1] = np.nan
    merged = {
        name: np.where(np.isfinite(values), values, cameras.witnesses.get(name, unknown))
        for name, values in found.items()
    }
    return replace(cameras, witnesses={**cameras.witnesses, **merged})


def _residuals(
    cameras: WindowCameras, tracked: Sequence[TrackedPoints], lens: Lens, offset: int, names: tuple[str, str]
) -> dict[str, Array]:
    """Median distance in pixels, and share within SUPPORT_PX, of tracks from where the rotation alone takes them: the
    worse of every row's pairs; NaN where the camera goes on."""
    count = len(cameras.poses)
    median, support = np.full(count, np.nan), np.full(count, np.nan)
    part = np.searchsorted(cameras.breaks, np.arange(count), side="right")
    for row in range(count - offset):
        other = row + offset
        there_from_here = np.linalg.inv(cameras.poses[other]) @ cameras.poses[row]
        if part[row] != part[other] or not np.linalg.norm(there_from_here[:3, 3]) < SAME_PLACE:
            continue
        distances = _transfer_px(tracked[row], tracked[other], there_from_here[:3, :3], lens)
        if len(distances) >= LEAST_TRACKS:
            ends = [row, other]
            median[ends] = np.fmax(median[ends], np.median(distances))
            support[ends] = np.fmin(support[ends], np.mean(distances < SUPPORT_PX))
    return dict(zip(names, (median, support), strict=True))


def _transfer_px(here: TrackedPoints, there: TrackedPoints, rotation: Array, lens: Lens) -> Array:
    """Distances [m] in pixels of points in the second frame from those of the first, turned."""
    pairs = match_tracks(here, there)
    turned = _rays(here.xy[pairs[:, 0]], lens) @ rotation.T
    turned = turned[:, :2] / np.maximum(turned[:, 2:], 1e-6)
    return lens.fx * np.linalg.norm(turned - _rays(there.xy[pairs[:, 1]], lens)[:, :2], axis=1)


def _rays(xy: NDArray[np.float32], lens: Lens) -> Array:
    plane = (lens.undistort(xy) - [lens.cx, lens.cy]) / [lens.fx, lens.fy]
    return np.column_stack([plane, np.ones(len(plane))])
