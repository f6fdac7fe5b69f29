"""An even sample of the run's points, with normals where asked for, from which Gaussian splatting is initialised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...cloud import Points, count_points, page_chunks, points_in_world
from ...cloud.normals import depth_normals
from ...store import RunReader
from ...types import Float32
from ..frame_views import FrameView


def sampled_points(reader: RunReader, views: Sequence[FrameView], most: int, *, normals: bool = False) -> Points:
    """At most `most` points in the world, evenly over the submaps of the views' segment, of frames from the first view
    to the last.

    With `normals`, points that are stored without get them from the depth around their own pixels; (0, 0, 0) where that
    does not suffice. Raises StoreError where the points of a submap are absent or damaged.
    """
    first, last = views[0].index, views[-1].index
    submaps = [k for k, n in enumerate(reader.geometry.scene.submaps) if _overlaps(n.segment, n.frames, views)]
    counts = {submap: count_points(reader.run, submap) for submap in submaps}
    share = min(1.0, most / max(sum(counts.values()), 1))
    parts = [Points.empty(1.0, normals=normals)]
    for submap, count in counts.items():
        # the points of a submap are stored such that their beginning is an even sample
        for points in page_chunks(reader.run, submap, max(int(share * count), 1)):
            inside = (points.frame >= first) & (points.frame <= last)
            placed = points_in_world(points.take(inside), reader.geometry, submap)
            parts.append(_with_normals(reader, placed) if normals else replace(placed, normal=None))
            break
    return Points.concatenate(parts)


def _overlaps(segment: int, frames: tuple[int, int], views: Sequence[FrameView]) -> bool:
    """Whether a submap with these first and last frames has some in common with the views."""
    return segment == views[0].segment and frames[1] >= views[0].index and frames[0] <= views[-1].index


def _with_normals(reader: RunReader, points: Points) -> Points:
    if points.normal is not None:
        return points
    normal = np.zeros((len(points), 3), np.float32)
    for index in np.unique(points.frame).tolist():
        of_frame = points.frame == index
        normal[of_frame] = _normals(reader, index, points.xyz[of_frame])
    return replace(points, normal=normal)


def _normals(reader: RunReader, index: int, xyz: Float32) -> Float32:
    """Normals [M,3] of points [M,3] of one frame, all in the world."""
    depth, _, k = reader.depth(index)
    poses = reader.geometry.frame_poses
    pose = poses.world_from_camera[np.searchsorted(poses.source_index, index)]
    local = (xyz - pose[:3, 3]) @ pose[:3, :3]
    pixel = local[:, :2] / np.maximum(local[:, 2:], 1e-12) * [k[0, 0], k[1, 1]] + k[:2, 2]
    column, row = np.clip(pixel.astype(np.int64), 0, np.array(depth.shape[::-1]) - 1).T
    return (depth_normals(depth, np.linalg.inv(k).astype(np.float64))[row, column] @ pose[:3, :3].T).astype(np.float32)
