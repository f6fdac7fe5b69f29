"""Poses of frames that the gate left out: between those of the kept frames before and after them.

With A and B the kept frames' poses and w the share of the way, the pose is A exp(w log(A^-1 B)), the geodesic of SE(3).
At a cut, at the end and where either pose is unknown there is no way to be on, and the camera is held at A.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3Array
from ..types import Float64, LeftOut
from .frame_poses import FramePoses
from .submap import SubmapCameras


@dataclass(frozen=True, eq=False)
class InterpolatedPoses:
    """Places of M frames, by ascending source index."""

    source_index: NDArray[np.int64]  # [M]
    timestamp: Float64  # [M] seconds
    kept: NDArray[np.int64]  # [M] row of the kept frame that it follows, in the kept frames' places
    segment: NDArray[np.int64]  # [M], -1 where there is no place
    world_from_camera: Float64  # [M,4,4] rigid; NaN where there is no place


def interpolated_poses(places: FramePoses, submaps: Mapping[int, SubmapCameras]) -> InterpolatedPoses:
    """Places of the frames that the submaps name as left out, from the places of all frames that submaps own."""
    left_out = sorted(
        (entry for submap in submaps.values() for entry in submap.left_out), key=lambda entry: entry.index
    )
    indices = np.array([entry.index for entry in left_out], np.int64)
    if not len(places.source_index):
        indices, left_out = indices[:0], []
    kept = np.maximum(np.searchsorted(places.source_index, indices, side="right") - 1, 0)
    return InterpolatedPoses(
        source_index=indices,
        timestamp=np.array([entry.timestamp for entry in left_out], np.float64),
        kept=kept,
        segment=places.segment[kept],
        world_from_camera=_poses(places, kept, left_out),
    )


def _poses(places: FramePoses, kept: NDArray[np.int64], left_out: list[LeftOut]) -> Float64:
    after = np.minimum(kept + 1, len(places.source_index) - 1)
    tied = (places.segment[kept] >= 0) & (places.segment[after] == places.segment[kept])
    shares = np.where(tied, [entry.share for entry in left_out], 0.0)
    poses = places.world_from_camera[kept].copy()
    moving = np.flatnonzero(shares > 0)
    if len(moving):
        here, there = poses[moving], places.world_from_camera[after[moving]]
        poses[moving] = _geodesic(here, there, shares[moving])
    return poses


def _geodesic(a: Float64, b: Float64, shares: Float64) -> Float64:
    """A exp(w log(A^-1 B)) of rigid [M,4,4] and w [M]."""
    start = Sim3Array.from_rigid(a)
    place = start @ Sim3Array.exp(shares[:, None] * (start.inverse() @ Sim3Array.from_rigid(b)).log())
    out = a.copy()
    out[:, :3, :3], out[:, :3, 3] = place.rotation, place.translation
    return out
