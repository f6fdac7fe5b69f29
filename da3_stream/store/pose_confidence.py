"""How far a pose can be believed: the probability that it is right, and the status that goes with it.

A submap stores both for its frames. Where nobody judged its poses (runs of older versions, predictors of users) the
status alone is known, and stands for a probability that nobody measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Float64
from .frame_poses import FramePoses
from .scene import Scene
from .submap import SubmapCameras

REACH = 10  # owned frames on either side of a border between submaps that their join concerns
BELIEVED = 0.5  # poses of less are more likely wrong than right
UNJUDGED = {"OK": 0.9, "WEAK": 0.4, "HELD": 0.9, "TURNED": 0.9}  # by status; with any other one: 0


@dataclass(frozen=True, eq=False)
class PoseBelief:
    """Status and confidence of M frames."""

    status: NDArray[np.object_]  # [M]
    confidence: Float64  # [M] probability that the pose is right; 0 without a pose

    @staticmethod
    def of_submap(submap: SubmapCameras) -> PoseBelief:
        """Of all frames [N] of a submap, by the submap alone."""
        n = len(submap.frame_indices)
        status = np.array(submap.frame_status or (submap.status,) * n, object)
        posed = np.isfinite(submap.window_from_camera).all(axis=(1, 2))
        confidence = submap.pose_confidence
        if confidence is None:
            confidence = np.array([UNJUDGED.get(str(name), 0.0) for name in status])
        return PoseBelief(status, np.where(posed, np.nan_to_num(confidence), 0.0).astype(np.float64))

    def at_most(self, limits: Float64) -> PoseBelief:
        """The same with no more confidence than these limits [M]: what was OK and is doubted then is WEAK."""
        doubted = (limits < BELIEVED) & (self.confidence >= BELIEVED) & (self.status == "OK")
        return PoseBelief(np.where(doubted, "WEAK", self.status), np.minimum(self.confidence, limits))


def pose_belief(poses: FramePoses, submaps: Mapping[int, SubmapCameras]) -> PoseBelief:
    """Of all frames that submaps own, by their owners; a frame that took its pose from another submap takes that one's.

    Of several others the least sure one counts.
    """
    count = len(poses.source_index)
    found = PoseBelief(np.empty(count, object), np.zeros(count))
    borrowed = poses.has_pose.copy()
    for number, entries in poses.by_submap(np.arange(count)):
        _fill_in(found, submaps[number], entries, poses.row[entries])
        posed = np.isfinite(submaps[number].window_from_camera[poses.row[entries]]).all(axis=(1, 2))
        borrowed[entries[posed]] = False
    _fill_in_borrowed(found, poses, submaps, np.flatnonzero(borrowed))
    return found


def join_limits(scene: Scene, poses: FramePoses) -> Float64:
    """The most that each of M owned frames can be believed: the confidence of the join near by, 1 elsewhere.

    Near the border between two submaps no pose is surer than the alignment that joins them.
    """
    limits = np.ones(len(poses.submap))
    submaps, firsts = np.unique(poses.submap, return_index=True)
    for number, first in zip(submaps.tolist(), firsts.tolist(), strict=True):
        joined = scene.submaps[number]
        if joined.previous is None or joined.join_confidence >= 1:
            continue
        near = slice(max(0, first - REACH), first + REACH + 1)
        concerned = np.isin(poses.submap[near], (number, joined.previous))
        limits[near] = np.where(concerned, np.minimum(limits[near], joined.join_confidence), limits[near])
    return limits


def _fill_in(found: PoseBelief, submap: SubmapCameras, entries: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    belief = PoseBelief.of_submap(submap)
    found.status[entries], found.confidence[entries] = belief.status[rows], belief.confidence[rows]


def _fill_in_borrowed(
    found: PoseBelief, poses: FramePoses, submaps: Mapping[int, SubmapCameras], entries: NDArray[np.int64]
) -> None:
    least = np.full(len(found.confidence), np.inf)
    for submap in submaps.values() if len(entries) else ():
        shared, at, rows = np.intersect1d(poses.source_index[entries], submap.frame_indices, return_indices=True)
        posed = np.isfinite(submap.window_from_camera[rows]).all(axis=(1, 2))
        belief, lent, rows = PoseBelief.of_submap(submap), entries[at[posed]], rows[posed]
        less = belief.confidence[rows] < least[lent]
        found.status[lent[less]] = belief.status[rows[less]]
        found.confidence[lent[less]] = least[lent[less]] = belief.confidence[rows[less]]
