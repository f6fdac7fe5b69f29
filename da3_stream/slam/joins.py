"""Joins: how well two submaps agree on the frames that they share, once one is aligned on the other.

An alignment's own figures tell how well it fits what it was fitted to; whether the shared cameras then lie where both
windows put them, in the steps of the camera, tells whether the map goes on as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, umeyama
from ..trust import Judge, with_confidence
from ..types import Alignment, Status, WindowGeometry
from .splitting import SubmapGeometry

Array = NDArray[np.float64]

REACH = 10  # rows on either side of a border whose poses a join concerns
STANDING = 0.002  # of the median depth: the least step that shifts are compared with
GUESSED_SCALE = 0.3  # the most that a join deserves whose scale is taken from the depth that was seen long before
LEAST_SHARED = 3  # cameras, to compare scales


@dataclass(frozen=True, eq=False)
class Join:
    """What speaks for or against the join of a submap on an earlier one, the probability that it is right, and that of
    the poses on both sides of it."""

    witnesses: Mapping[str, float]
    confidence: float
    side_confidence: float = 1.0

    @property
    def edge_confidence(self) -> float:
        """The probability that an edge by this join deserves."""
        return self.confidence * self.side_confidence


def assess_join(previous: WindowGeometry, current: WindowGeometry, alignment: Alignment, judge: Judge) -> Join:
    """The join of two windows by an alignment that did not fail."""
    witnesses = join_witnesses(previous, current, alignment)
    sides = [_mean_confidence(window, alignment.shared) for window in (previous, current)]
    confidence = judge.join_confidence(witnesses)
    guessed = not alignment.scale_known and alignment.previous_from_current.scale != 1.0
    return Join(witnesses, min(confidence, GUESSED_SCALE) if guessed else confidence, min(sides))


def join_witnesses(previous: WindowGeometry, current: WindowGeometry, alignment: Alignment) -> dict[str, float]:
    """The witnesses of a join by name, see `trust.witnesses`; NaN where the shared cameras cannot tell."""
    figures = {
        "join_inliers": alignment.inlier_ratio,
        "join_residual": alignment.residual,
        "join_shared": float(len(alignment.shared)),
        "join_shift": np.nan,
        "join_turn_deg": np.nan,
        "join_scale": np.nan,
    }
    before, after = _shared_poses(previous, alignment.shared), _shared_poses(current, alignment.shared)
    known = np.isfinite(before[:, 0, 0]) & np.isfinite(after[:, 0, 0])
    if not known.any() or Status.HELD in (previous.status, current.status):
        return figures
    if not alignment.scale_known:  # one place: there are no steps
        return figures | {"join_turn_deg": _turn_deg(before[known], after[known], alignment.previous_from_current)}
    return figures | _camera_witnesses(before[known], after[known], alignment, previous.median_depth())


def with_join(part: SubmapGeometry, join: Join | None) -> SubmapGeometry:
    """The part with the witnesses of its join, if it has one, at the rows near the first one that it owns: there no
    pose is surer than the join."""
    if join is None:
        return part
    border = int(np.argmax(part.owned))
    near = np.abs(np.arange(len(part.owned)) - border) <= REACH
    rows = {name: np.where(near, value, np.nan) for name, value in join.witnesses.items()}
    geometry = replace(part.geometry, witnesses={**part.geometry.witnesses, **rows})
    if geometry.pose_confidence is not None:
        confident = np.minimum(geometry.pose_confidence, np.where(near, join.confidence, 1.0))
        geometry = with_confidence(geometry, confident)
    return replace(part, geometry=geometry)


def _camera_witnesses(before: Array, after: Array, alignment: Alignment, depth: float) -> dict[str, float]:
    """Shift in steps, turn in degrees and difference of the scale of shared cameras [F,4,4]."""
    previous_from_current = alignment.previous_from_current
    centres = previous_from_current.apply(after[:, :3, 3])
    steps = np.linalg.norm(np.diff(before[:, :3, 3], axis=0), axis=1)
    step = max(float(np.median(steps)) if len(steps) else 0.0, STANDING * depth, 1e-12)
    scale = np.nan
    if len(before) >= LEAST_SHARED and steps.sum() > step:
        by_cameras = umeyama(before[:, :3, 3], after[:, :3, 3]).scale
        scale = abs(float(np.log(by_cameras / previous_from_current.scale)))
    return {
        "join_shift": float(np.percentile(np.linalg.norm(centres - before[:, :3, 3], axis=1), 90)) / step,
        "join_turn_deg": _turn_deg(before, after, previous_from_current),
        "join_scale": scale,
    }


def _turn_deg(before: Array, after: Array, previous_from_current: Sim3) -> float:
    turns = before[:, :3, :3].transpose(0, 2, 1) @ previous_from_current.rotation @ after[:, :3, :3]
    return float(np.degrees(np.median(Rotation.from_matrix(turns).magnitude())))


def _shared_poses(window: WindowGeometry, frames: NDArray[np.int64]) -> Array:
    return window.window_from_camera[np.searchsorted(window.frame_indices, frames)]


def _mean_confidence(window: WindowGeometry, frames: NDArray[np.int64]) -> float:
    """Mean confidence of the poses of these frames; 1 where nobody judged them."""
    if window.pose_confidence is None or not len(frames):
        return 1.0
    return float(np.mean(window.pose_confidence[np.searchsorted(window.frame_indices, frames)]))
