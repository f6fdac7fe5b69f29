"""How far the camera has gone, in a unit that every window has of itself: the depth of the scene it sees.

A way measured so needs no stitching and no metres, and does not depend on the frame rate: what is a key frame, a
temporal neighbour or the same place is told in it. A turn by one radian counts like a way of one depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Status, WindowGeometry, median_depth

KEY_STEP = 0.1  # depths between key frames: nothing much changes in between
LEAP = 1.0  # depths that a way across a gap in the map counts
DEPTH_PIXELS = 20_000  # sampled for the depth of a window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KeyFrame:
    """A frame that shows something new: its index, how many frames came before it, and the way until there."""

    frame: int
    ordinal: int
    travel: float


@dataclass(frozen=True)
class Odometer:
    """Where the counting stands after a window; `advanced` gives the next one. All of it goes into JSON."""

    key: KeyFrame | None = None  # the last key frame
    last_frame: int = -1
    last_ordinal: int = -1
    beyond: float = 0.0  # depths from the last key frame to the last frame

    def advanced(self, window: WindowGeometry) -> tuple[Odometer, list[tuple[int, KeyFrame]]]:
        """The state after a window, and its new key frames with their rows.

        Frames without a pose, and windows without geometry or in which the camera is held, have none.
        """
        new = np.flatnonzero(window.frame_indices > self.last_frame)
        keys, key, beyond = [], self.key, self.beyond
        if window.status in (Status.OK, Status.WEAK):
            anchor, beyond = self._anchor(window)
            unit = scene_depth(window)
            for row in _placed(window, new):
                way = LEAP if anchor is None else beyond + _motion(window, anchor, row, unit)
                if way >= KEY_STEP:
                    key = KeyFrame(
                        int(window.frame_indices[row]),
                        self.last_ordinal + 1 + int(np.searchsorted(new, row)),
                        (key.travel if key else 0.0) + way,
                    )
                    keys.append((row, key))
                    anchor, beyond = row, 0.0
            beyond = self._rest(window, anchor, beyond, unit)
        last = int(window.frame_indices[new[-1]]) if len(new) else self.last_frame
        return Odometer(key, last, self.last_ordinal + len(new), beyond), keys

    def _anchor(self, window: WindowGeometry) -> tuple[int | None, float]:
        """The row from which the way is measured, and what lies between the last key frame and it."""
        known = _placed(window, np.flatnonzero(window.frame_indices <= self.last_frame))
        if self.key is None or not known:
            return None, 0.0
        rows = {int(window.frame_indices[row]): row for row in known}
        return (rows[self.key.frame], 0.0) if self.key.frame in rows else (known[-1], self.beyond)

    @staticmethod
    def _rest(window: WindowGeometry, anchor: int | None, beyond: float, unit: float) -> float:
        placed = _placed(window, np.arange(len(window.frame_indices)))
        return 0.0 if anchor is None else beyond + _motion(window, anchor, placed[-1], unit)


def scene_depth(window: WindowGeometry) -> float:
    """The median depth of a window in its own units; NaN where it has none."""
    depth = window.depth.reshape(-1)
    depth = depth[:: max(1, len(depth) // DEPTH_PIXELS)]
    return median_depth(depth) or float("nan")


def middle(window: WindowGeometry) -> Array:
    """The median [3] of a window's camera centres; NaN where it has no pose."""
    known = window.has_pose
    return np.median(window.window_from_camera[known, :3, 3], axis=0) if known.any() else np.full(3, np.nan)


def _placed(window: WindowGeometry, rows: NDArray[np.int64]) -> list[int]:
    """Those of the rows whose frames have a pose."""
    return rows[window.has_pose[rows]].tolist()


def _motion(window: WindowGeometry, a: int, b: int, unit: float) -> float:
    """Way and turn between two frames, in depths and radians."""
    pose_a, pose_b = window.window_from_camera[a], window.window_from_camera[b]
    cosine = (np.trace(pose_a[:3, :3].T @ pose_b[:3, :3]) - 1) / 2
    turn = float(np.arccos(np.clip(cosine, -1, 1)))
    way = float(np.linalg.norm(pose_a[:3, 3] - pose_b[:3, 3])) / unit
    return turn + (way if np.isfinite(way) else 0.0)
