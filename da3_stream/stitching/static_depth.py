"""Depth for frames at which the camera stands, so that the scale of a chain survives a stop.

Two windows are scaled by the depth that both measured on the same pixels. A camera that stands measures none; but it
sees what it saw when it came to rest, so that depth serves. It is lent for stitching only, in memory: it is not stored
and reaches no cloud.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import WindowGeometry, median_depth

LENT_CONFIDENCE = 1e-3  # of the lender's own: what was measured decides wherever there is any
STILL_SHIFT = 0.01  # of the median depth: two cameras closer than that see the same depth within a percent
STILL_TURN = 0.005  # radians, a few pixels of most cameras


def propagate_depth_to_static_frames(window: WindowGeometry) -> WindowGeometry:
    """The window with the depth of the nearest frame in time lent to frames of the same view that have none."""
    measured, posed = window.has_depth, window.has_pose
    lenders = np.flatnonzero(measured & posed)
    pairs = [
        (row, nearest)
        for row in np.flatnonzero(posed & ~measured).tolist()
        if (nearest := _nearest_of_same_view(window, row, lenders)) is not None
    ]
    if not pairs:
        return window
    borrowers, sources = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
    return _lent(window, borrowers, window, sources, 1.0)


def propagate_depth_to_held_window(
    held: WindowGeometry, previous: WindowGeometry, previous_per_unit: float
) -> WindowGeometry:
    """A window whose camera stands throughout with the depth that the previous window has of its last shared frame.

    `previous_per_unit` is the scale of their alignment. Unchanged if the window has depth of its own, or the previous
    one has none to lend.
    """
    shared = np.flatnonzero(np.isin(previous.frame_indices, held.frame_indices) & previous.has_depth)
    if held.has_depth.any() or not len(shared):
        return held
    everyone = np.flatnonzero(held.has_pose)
    return _lent(held, everyone, previous, np.full(len(everyone), shared[-1]), 1 / previous_per_unit)


def _lent(
    window: WindowGeometry,
    rows: NDArray[np.int64],
    lender: WindowGeometry,
    lender_rows: NDArray[np.int64],
    unit_per_lender: float,
) -> WindowGeometry:
    depth, confidence, intrinsics = window.depth.copy(), window.confidence.copy(), window.intrinsics.copy()
    depth[rows] = lender.depth[lender_rows] * np.float32(unit_per_lender)
    confidence[rows] = lender.confidence[lender_rows] * np.float32(LENT_CONFIDENCE)
    intrinsics[rows] = lender.intrinsics[lender_rows]
    return replace(window, depth=depth, confidence=confidence, intrinsics=intrinsics)


def _nearest_of_same_view(window: WindowGeometry, row: int, lenders: NDArray[np.int64]) -> int | None:
    """The lender nearest in time, if its camera stands where that of `row` does."""
    if not len(lenders):
        return None
    nearest = int(lenders[np.argmin(np.abs(lenders - row))])
    moved = np.linalg.inv(window.window_from_camera[nearest]) @ window.window_from_camera[row]
    shift = np.linalg.norm(moved[:3, 3]) / median_depth(window.depth[nearest])
    turn = np.linalg.norm(moved[:3, :3] - np.eye(3)) / np.sqrt(2)  # = 2 sin(angle / 2)
    return nearest if shift <= STILL_SHIFT and turn <= STILL_TURN else None
