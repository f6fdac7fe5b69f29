"""An even sample of the cloud's pages in the world, with normals: what splats begin from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...cloud import Points, count_points, page_chunks, points_in_world
from ...cloud.normals import depth_normals
from ...store import RunReader, frame_depth
from ...types import Float32
from ..frame_views import FrameView


def sampled_points(reader: RunReader, views: Sequence[FrameView], most: int) -> Points:
    """At most so many points, evenly from all pages of the views' segment, of frames from the first view to the last.

    Pages without normals get them from the depth around each point's own pixel; (0, 0, 0) where that does not tell.
    Raises StoreError where a page is absent or damaged.
    """
    first, last = views[0].index, views[-1].index
    submaps = [k for k, n in enumerate(reader.geometry.scene.submaps) if _is_asked_for(n.segment, n.frames, views)]
    counts = {submap: count_points(reader.run, submap) for submap in submaps}
    share = min(1.0, most / max(sum(counts.values()), 1))
    parts = [Points.empty(1.0, normals=True)]
    for submap, count in counts.items():
        # a page's beginning is an even sample of it
        for points in page_chunks(reader.run, submap, max(int(share * count), 1)):
            inside = (points.frame >= first) & (points.frame <= last)
            parts.append(_with_normals(reader, points_in_world(points.take(inside), reader.geometry, submap)))
            break
    return Points.concatenate(parts)


def _is_asked_for(segment: int, frames: tuple[int, int], views: Sequence[FrameView]) -> bool:
    return segment == views[0].segment and frames[1] >= views[0].index and frames[0] <= views[-1].index


def _with_normals(reader: RunReader, points: Points) -> Points:
    if points.normal is not None:
        return points
    normal = np.zeros((len(points), 3), np.float32)
    for index in np.unique(points.frame).tolist():
        mine = points.frame == index
        normal[mine] = _normals(reader, index, points.xyz[mine])
    return replace(points, normal=normal)


def _normals(reader: RunReader, index: int, xyz: Float32) -> Float32:
    """Normals [M,3] of points [M,3] of one frame, all in the world."""
    depth, _, k = frame_depth(reader.run, reader.geometry, index)
    places = reader.geometry.frame_poses
    pose = places.world_from_camera[np.searchsorted(places.source_index, index)]
    local = (xyz - pose[:3, 3]) @ pose[:3, :3]
    pixel = local[:, :2] / np.maximum(local[:, 2:], 1e-12) * [k[0, 0], k[1, 1]] + k[:2, 2]
    column, row = np.clip(pixel.astype(np.int64), 0, np.array(depth.shape[::-1]) - 1).T
    return (depth_normals(depth, np.linalg.inv(k).astype(np.float64))[row, column] @ pose[:3, :3].T).astype(np.float32)
