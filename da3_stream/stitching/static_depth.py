"""Depth for frames at which the camera stands, so that the scale of a chain survives a stop.

Two windows are scaled by the depth that both measured on the same pixels. A camera that stands measures none; but it
sees what it saw when it came to rest, so that depth serves. It is copied for stitching only, in memory: the copy is not
stored and reaches no cloud.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import Status, WindowGeometry, median_depth

COPIED_CONFIDENCE = 1e-3  # of the source's own: what was measured decides wherever there is any
STILL_SHIFT = 0.01  # of the median depth: two cameras closer than that see the same depth within a percent
STILL_TURN = 0.005  # radians, a few pixels of most cameras


def propagate_depth_to_static_frames(window: WindowGeometry) -> WindowGeometry:
    """The window with depth copied to frames without any, from the nearest frame in time that has the same view."""
    measured, posed = window.has_depth, window.has_pose
    candidates = np.flatnonzero(measured & posed)
    pairs = [
        (row, nearest)
        for row in np.flatnonzero(posed & ~measured).tolist()
        if (nearest := _nearest_of_same_view(window, row, candidates)) is not None
    ]
    if not pairs:
        return window
    targets, sources = (np.array(rows, np.int64) for rows in zip(*pairs, strict=True))
    return _with_depth_of(window, targets, window, sources, 1.0)


def propagate_depth_to_held_window(
    held: WindowGeometry, previous: WindowGeometry, previous_per_unit: float
) -> WindowGeometry:
    """A window whose camera stands throughout with the depth that the previous window has of their last shared frame.

    `previous_per_unit` is the scale of their alignment. The window is returned unchanged if its camera
    turns, if it has depth of its own, or if the previous one has none of a shared frame.
    """
    shared = np.flatnonzero(np.isin(previous.frame_indices, held.frame_indices) & previous.has_depth)
    if held.status is Status.TURNED or held.has_depth.any() or not len(shared):
        return held
    targets = np.flatnonzero(held.has_pose)
    return _with_depth_of(held, targets, previous, np.full(len(targets), shared[-1]), 1 / previous_per_unit)


def _with_depth_of(
    window: WindowGeometry,
    rows: NDArray[np.int64],
    source: WindowGeometry,
    source_rows: NDArray[np.int64],
    unit_per_source: float,
) -> WindowGeometry:
    """The window with the depth of the source's rows [K] in its own rows [K], at low confidence."""
    depth, confidence, intrinsics = window.depth.copy(), window.confidence.copy(), window.intrinsics.copy()
    depth[rows] = source.depth[source_rows] * np.float32(unit_per_source)
    confidence[rows] = source.confidence[source_rows] * np.float32(COPIED_CONFIDENCE)
    intrinsics[rows] = source.intrinsics[source_rows]
    return replace(window, depth=depth, confidence=confidence, intrinsics=intrinsics)


def _nearest_of_same_view(window: WindowGeometry, row: int, candidates: NDArray[np.int64]) -> int | None:
    """The candidate nearest in time, if its camera stands where that of `row` does."""
    if not len(candidates):
        return None
    nearest = int(candidates[np.argmin(np.abs(candidates - row))])
    nearest_from_row = np.linalg.inv(window.window_from_camera[nearest]) @ window.window_from_camera[row]
    shift = np.linalg.norm(nearest_from_row[:3, 3]) / median_depth(window.depth[nearest])
    turn = np.linalg.norm(nearest_from_row[:3, :3] - np.eye(3)) / np.sqrt(2)  # = 2 sin(angle / 2)
    return nearest if shift <= STILL_SHIFT and turn <= STILL_TURN else None
