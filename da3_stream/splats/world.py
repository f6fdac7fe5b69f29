"""All splats of a run in the world, each by the pose that the frame which made it has now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store import Run, RunGeometry
from ..types import Gaussians, move_in_place
from .files import has_splats, read_splats


def frame_splats(run: Run, geometry: RunGeometry, source_index: int) -> Gaussians[NDArray[Any]]:
    """The Gaussians of one frame in the world. Raises KeyError where the run keeps none of it, or it has no pose, and
    StoreError if a file is absent or damaged."""
    poses = geometry.frame_poses
    for submap in poses.submap[poses.source_index == source_index].tolist():
        if has_splats(run):
            for _, gaussians in world_splats(run, geometry, submap, np.array([source_index])):
                return gaussians
    raise KeyError(f"the run keeps no splats of frame {source_index}")


def world_splats(
    run: Run, geometry: RunGeometry, submap: int, frames: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, Gaussians[NDArray[Any]]]]:
    """Source index and Gaussians of a submap's frames, or of those among `frames`, one frame after the other.

    Frames without a pose are left out, as are those without splats. Raises StoreError if a file is absent or damaged.
    """
    poses = geometry.frame_poses
    of_submap = np.flatnonzero((poses.submap == submap) & poses.has_pose)
    rows = dict(zip(poses.source_index[of_submap].tolist(), of_submap.tolist(), strict=True))
    wanted = rows.keys() if frames is None else rows.keys() & set(frames.tolist())
    for frame, gaussians in read_splats(run, submap, sorted(wanted)):
        move_in_place(gaussians, poses.pose(rows[frame]))
        yield frame, gaussians
