"""Joins in doubt: near the border between two submaps no pose is surer than the alignment that joins them."""

from __future__ import annotations

import numpy as np

from ..types import Float64
from .frame_poses import FramePoses
from .scene import Scene

REACH = 10  # owned frames on either side of a border that its join concerns


def join_limits(scene: Scene, poses: FramePoses) -> Float64:
    """The most that each of M owned frames can be believed: the confidence of the join near by, 1 elsewhere."""
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
