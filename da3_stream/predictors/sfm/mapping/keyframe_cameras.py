"""From the key frames of a window to all of its frames: poses, and what speaks for and against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ....types import Status
from ..matching.correspondences import followed
from ..matching.tracks import TrackedPoints
from .assemble import WindowCameras
from .resection import resect_between
from .two_view_witnesses import FAR, FARTHER, NEAR
from .witnesses import MappingEvidence, followed_witnesses, keypoint_witnesses

DENSER = 8  # frames on either side of a gap that few points bridge, which become key frames

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Keyframes:
    """The rows [K] of a window that are key frames, and what is tracked through all of its frames [N]."""

    rows: Index
    tracked: Sequence[TrackedPoints]

    @property
    def are_fewer(self) -> bool:
        """Whether not every frame is one."""
        return len(self.rows) < len(self.tracked)

    @property
    def are_few(self) -> bool:
        """Whether less than half of the frames are."""
        return 2 * len(self.rows) < len(self.tracked)

    def of_all_frames(self) -> Keyframes:
        """Every frame as a key frame."""
        return Keyframes(np.arange(len(self.tracked)), self.tracked)

    def with_all_near(self, frames: Index) -> Keyframes:
        """The same, and every frame near these."""
        near = np.unique(frames[:, None] + np.arange(-DENSER, DENSER + 1))
        return Keyframes(np.union1d(self.rows, near[(near >= 0) & (near < len(self.tracked))]), self.tracked)

    def spread(self, values: Array) -> Array:
        """Values [K] of key frames for all frames [N]: between two of them they change evenly; what one of both does
        not know is that of the other."""
        frames = np.arange(len(self.tracked))
        after = np.clip(np.searchsorted(self.rows, frames), 1, len(self.rows) - 1)
        low, high = values[after - 1], values[after]
        start, end = self.rows[after - 1], self.rows[after]
        share = (frames - start) / (end - start)
        with np.errstate(invalid="ignore"):
            between = np.where(share == 0, low, np.where(share == 1, high, low + share * (high - low)))
        return np.where(np.isfinite(between) | ((share == 0) | (share == 1)), between, np.fmax(low, high))


def cameras_between(evidence: MappingEvidence, keyframes: Keyframes) -> WindowCameras:
    """Cameras of all frames of a window, of which the key frames were mapped without a break."""
    of_keyframes, lens = evidence.cameras, evidence.solution.lens
    poses, measured = resect_between(of_keyframes.poses, keyframes.rows, keyframes.tracked, lens)
    witnesses = {name: keyframes.spread(values) for name, values in keypoint_witnesses(evidence).items()}
    witnesses |= _of_tracks(poses, keyframes.tracked, lens) | {"measured": measured.astype(np.float64)}
    lost = int((~measured).sum())
    notes = (f"{lost} frames without a measured pose",) if lost else ()
    return WindowCameras(poses, measured, (), Status.WEAK if lost else of_keyframes.status, notes, witnesses)


def _of_tracks(poses: Array, tracked: Sequence[TrackedPoints], lens: Lens) -> dict[str, Array]:
    """Tracks know nothing of key frames: they are asked about all frames."""
    return followed_witnesses(poses, (), followed(tracked, (NEAR, FAR, *FARTHER)), lens)
