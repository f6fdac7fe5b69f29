"""Keyframes, and the distance travelled, in depths: the unit is the median depth of the scene that a window sees.

Such a distance needs neither stitching nor metres, and does not depend on the frame rate. Thresholds for keyframes,
temporal neighbours and revisits are given in it. A rotation by one radian counts like a distance of one depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Status, WindowGeometry, median_depth

KEYFRAME_DISTANCE = 0.1  # depths between keyframes: the view hardly changes in between
GAP_DISTANCE = 1.0  # depths that are counted across a gap in the map
DEPTH_PIXELS = 20_000  # sampled for the median depth of a window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Keyframe:
    """A frame that shows something new: its index, how many frames came before it, the distance travelled."""

    frame: int
    ordinal: int
    distance: float


@dataclass(frozen=True)
class Odometer:
    """The distance travelled up to the end of a window; `advance` gives the next state. Its fields go into JSON."""

    keyframe: Keyframe | None = None  # the last one
    last_frame: int = -1
    last_ordinal: int = -1
    remainder: float = 0.0  # depths from the last keyframe to the last frame

    def advance(self, window: WindowGeometry) -> tuple[Odometer, list[tuple[int, Keyframe]]]:
        """The state after a window, and its new keyframes with their rows.

        Frames without a pose or depth, and windows without geometry or in which the camera is held or turns, have none.
        """
        new = np.flatnonzero(window.frame_indices > self.last_frame)
        keyframes, keyframe, remainder = [], self.keyframe, self.remainder
        if window.status in (Status.OK, Status.WEAK):
            anchor, remainder = self._anchor(window)
            unit = scene_depth(window)
            for row in _with_pose(window, new):
                distance = GAP_DISTANCE if anchor is None else remainder + _motion(window, anchor, row, unit)
                if distance >= KEYFRAME_DISTANCE:
                    keyframe = Keyframe(
                        int(window.frame_indices[row]),
                        self.last_ordinal + 1 + int(np.searchsorted(new, row)),
                        (keyframe.distance if keyframe else 0.0) + distance,
                    )
                    keyframes.append((row, keyframe))
                    anchor, remainder = row, 0.0
            remainder = self._remainder(window, anchor, remainder, unit)
        last = int(window.frame_indices[new[-1]]) if len(new) else self.last_frame
        return Odometer(keyframe, last, self.last_ordinal + len(new), remainder), keyframes

    def _anchor(self, window: WindowGeometry) -> tuple[int | None, float]:
        """The row from which distance is measured, and the distance between the last keyframe and it."""
        known = _with_pose(window, np.flatnonzero(window.frame_indices <= self.last_frame))
        if self.keyframe is None or not known:
            return None, 0.0
        rows = {int(window.frame_indices[row]): row for row in known}
        return (rows[self.keyframe.frame], 0.0) if self.keyframe.frame in rows else (known[-1], self.remainder)

    @staticmethod
    def _remainder(window: WindowGeometry, anchor: int | None, remainder: float, unit: float) -> float:
        known = _with_pose(window, np.arange(len(window.frame_indices)))
        return 0.0 if anchor is None else remainder + _motion(window, anchor, known[-1], unit)


def scene_depth(window: WindowGeometry) -> float:
    """The median depth of a window in its own units; NaN where it has none."""
    depth = window.depth.reshape(-1)
    depth = depth[:: max(1, len(depth) // DEPTH_PIXELS)]
    return median_depth(depth) or float("nan")


def median_camera_centre(window: WindowGeometry) -> Array:
    """The median [3] of a window's camera centres; NaN where it has no pose."""
    known = window.has_pose
    return np.median(window.window_from_camera[known, :3, 3], axis=0) if known.any() else np.full(3, np.nan)


def _with_pose(window: WindowGeometry, rows: NDArray[np.int64]) -> list[int]:
    """The rows whose frames have a pose, but for those in which the camera only turns: they have no depth."""
    posed = rows[window.has_pose[rows]].tolist()
    return [row for row in posed if not window.frame_status or window.frame_status[row] is not Status.TURNED]


def _motion(window: WindowGeometry, a: int, b: int, unit: float) -> float:
    """Distance and rotation between two frames, in depths and radians, summed."""
    pose_a, pose_b = window.window_from_camera[a], window.window_from_camera[b]
    cosine = (np.trace(pose_a[:3, :3].T @ pose_b[:3, :3]) - 1) / 2
    rotation = float(np.arccos(np.clip(cosine, -1, 1)))
    distance = float(np.linalg.norm(pose_a[:3, 3] - pose_b[:3, 3])) / unit
    return rotation + (distance if np.isfinite(distance) else 0.0)
