"""Poses of frames that the gate left out: between those of the kept frames before and after them.

With A and B the kept frames' poses and w the share of the path between them, the pose is A exp(w log(A^-1 B)), the
geodesic of SE(3). At a cut, at the end and where either pose is unknown there is no such path. A camera that was seen
to stand is held at A there; where it was while its images were dark or blurred nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from ..types import Float64
from .frame_poses import FramePoses
from .submap import SubmapCameras

STANDING = "still"  # the gate's reason for leaving out what it saw, and saw not to move


@dataclass(frozen=True, eq=False)
class InterpolatedPoses:
    """Poses of M frames, by ascending source index."""

    source_index: NDArray[np.int64]  # [M]
    timestamp: Float64  # [M] seconds
    kept: NDArray[np.int64]  # [M] row of the kept frame that it follows, in the kept frames' table
    segment: NDArray[np.int64]  # [M], -1 where there is no pose
    world_from_camera: Float64  # [M,4,4] rigid; NaN where there is no pose


def interpolated_poses(poses: FramePoses, submaps: Mapping[int, SubmapCameras]) -> InterpolatedPoses:
    """Poses of the frames that the submaps name as left out, from the poses of all frames that submaps own."""
    left_out = sorted(
        (entry for submap in submaps.values() for entry in submap.left_out), key=lambda entry: entry.index
    )
    indices = np.array([entry.index for entry in left_out], np.int64)
    if not len(poses.source_index):
        indices, left_out = indices[:0], []
    kept = np.maximum(np.searchsorted(poses.source_index, indices, side="right") - 1, 0)
    after = np.minimum(kept + 1, len(poses.source_index) - 1)
    tied = _are_tied(poses, indices, kept, after)
    known = tied | np.array([entry.reason == STANDING for entry in left_out], bool)
    shares = np.where(tied, np.array([entry.share for entry in left_out], np.float64), 0.0)
    return InterpolatedPoses(
        source_index=indices,
        timestamp=np.array([entry.timestamp for entry in left_out], np.float64),
        kept=kept,
        segment=np.where(known, poses.segment[kept], -1),
        world_from_camera=np.where(known[:, None, None], _poses(poses, kept, after, shares), np.nan),
    )


def _are_tied(
    poses: FramePoses, indices: NDArray[np.int64], kept: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a frame [M] lies between two kept ones of one segment."""
    if not len(indices):
        return np.zeros(0, bool)
    between = (poses.source_index[kept] < indices) & (indices < poses.source_index[after])
    return between & (poses.segment[kept] >= 0) & (poses.segment[after] == poses.segment[kept])


def _poses(poses: FramePoses, kept: NDArray[np.int64], after: NDArray[np.int64], shares: Float64) -> Float64:
    world_from_camera = poses.world_from_camera[kept].copy()
    moving = np.flatnonzero(shares > 0)
    if len(moving):
        here, there = world_from_camera[moving], poses.world_from_camera[after[moving]]
        world_from_camera[moving] = geodesic(here, there, shares[moving])
    return world_from_camera


def geodesic(a: Float64, b: Float64, shares: Float64) -> Float64:
    """A exp(w log(A^-1 B)) of rigid A, B [M,4,4] and w [M]: from A (w = 0) to B (w = 1)."""
    start = Sim3Array.from_rigid(a)
    pose = start @ Sim3Array.exp(shares[:, None] * (start.inverse() @ Sim3Array.from_rigid(b)).log())
    out = a.copy()
    out[:, :3, :3], out[:, :3, 3] = pose.rotation, pose.translation
    return out
